"""The reference in docs/configuration.md, made from the models so that it cannot be wrong.

`python -m router.config.reference` writes the file; a test fails when it is out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from .keys import NOT_YET, OTHER_PRODUCTS, REQUEST_PARAMETERS
from .models import Alias, AllowedFailsPolicy, Entry, ModelInfo, Options, Params, RetryPolicy, Shape

INTRODUCTION = """\
# Configuration

<!-- Made by `python -m router.config.reference` from router/config/models.py: change the models, not this file. -->

A router is configured by keywords, `Router(model_list=[…], num_retries=2, …)`, or by a file in LiteLLM's shape,
`Router.from_config("config.yaml")`, with the sections `model_list`, `router_settings`, `litellm_settings`,
`general_settings` and `environment_variables`.  Everything below works in both.

- `os.environ/NAME` and `${NAME}` stand for an environment variable, anywhere.
- All mistakes are reported at once, each with its place (in a file: line and column) and the way out; no value is
  ever shown.  `azure-router check config.yaml` does only that.
- YAML is read without guessing: `api_version: 2024-10-21` is text, a key that stands twice is an error.
- An explicit 0 means 0, an explicit 3 means 3; what is not stated has the default that is named here.
- Missing credentials and addresses are looked for in `AZURE_API_KEY` or `AZURE_OPENAI_API_KEY`, `AZURE_API_BASE` or
  `AZURE_OPENAI_ENDPOINT`, `AZURE_API_VERSION` or `OPENAI_API_VERSION`, `AZURE_AD_TOKEN`; for OpenAI in
  `OPENAI_API_KEY` and `OPENAI_BASE_URL`.
- A deployment's id is `model_info.id`, else `<deployment>@<first label of its host>`, with the group before it where
  two would be the same.  Changing a key never changes an id.
"""

SECTIONS: tuple[tuple[str, type[Shape]], ...] = (
    ("An entry of `model_list`", Entry),
    ("`litellm_params`, or `params`", Params),
    ("`model_info`", ModelInfo),
    ("Keywords of `Router`, or `router_settings`", Options),
    ("`retry_policy`", RetryPolicy),
    ("`allowed_fails_policy`", AllowedFailsPolicy),
    ("An entry of `model_group_alias`", Alias),
)


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [INTRODUCTION]
    for title, shape in SECTIONS:
        parts.append(f"\n## {title}\n\n{_first_lines(shape)}\n\n| key | type | meaning |\n|---|---|---|\n")
        for name, info in shape.model_fields.items():
            required = " **Required.**" if info.is_required() else ""
            parts.append(f"| `{name}` | {_type(info.annotation)} | {info.description}{required} |\n")
    parts.append("\n## Parameters of the service that an entry may set\n\n")
    parts.append(_listed(REQUEST_PARAMETERS) + "  Anything else goes into `extra_body`.\n")
    parts.append("\n## Keys that are not in this version\n\nAn error says so; nothing is dropped silently.\n\n")
    parts.extend(f"- {_listed(keys)}  {reason}.\n" for reason, keys in _by_reason().items())
    parts.append("\n## Keys of other products\n\nAccepted without effect; one warning names those that were found.\n\n")
    parts.append(_listed(OTHER_PRODUCTS) + "\n")
    return "".join(parts)


def _first_lines(shape: type[Shape]) -> str:
    return re.sub(r"\s*\n\s*", " ", (shape.__doc__ or "").strip())


def _type(annotation: Any) -> str:
    """A type as people say it."""
    text = str(annotation)
    words = []
    for pattern, word in (
        (r"collections.abc.Callable|typing.Callable", "callable"),
        (r"\blist\b", "list"),
        (r"\bdict\b", "mapping"),
        (r"Literal\[([^\]]*)\]", ""),
        (r"\bbool\b|'bool'", "true or false"),
        (r"\bint\b|'int'", "whole number"),
        (r"\bfloat\b|'float'", "number"),
        (r"\bstr\b|'str'", "text"),
    ):
        if re.search(pattern, text):
            literal = re.search(r"Literal\[([^\]]*)\]", text)
            words.append(literal.group(1).replace("'", "`") if not word and literal else word)
            break
    return words[0] if words else "mapping" if "router.config" in text else "any"


def _by_reason() -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for key, reason in NOT_YET.items():
        reasons.setdefault(reason, []).append(key)
    return reasons


def _listed(names: Any) -> str:
    return ", ".join(f"`{n}`" for n in sorted(names)) + "."


def main() -> None:
    """Write docs/configuration.md, or the file that is named."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/configuration.md")
    target.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
