"""Which keys are there?  Writes docs/configuration.md from the models and the table of keys.

    python -m router.config.reference [file]

A test fails when the page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .fields import Shown
from .keys import IGNORED, NOT_YET, REQUEST_PARAMETERS
from .models import AllowedFailsPolicy, Entry, ModelInfo, Options, Params, PriceKeys, RetryPolicy
from .redis_models import CacheKwargs, RedisOptions
from .shape import Shape

_HEAD = """\
# Configuration

<!-- Written by `python -m router.config.reference`; change router/config/models.py and keys.py, not this page. -->

A router is configured by the keywords of `Router(...)`, or by a file for `Router.from_config("config.yaml")`.  Both
take LiteLLM's keys with their meaning.

```yaml
model_list:
  - model_name: gpt-4o
    litellm_params:                    # or: params
      model: azure/chat-east
      api_base: https://east.openai.azure.com
      api_key: os.environ/EAST_KEY     # or: ${EAST_KEY}, ${EAST_KEY:-default}
      api_version: 2024-10-21
    tpm: 240000
    rpm: 1800
  - model_name: gpt-4o-mini
    litellm_params:
      model: azure/mini-east
      api_base: https://east.openai.azure.com
      api_key: os.environ/EAST_KEY
router_settings:
  num_retries: 2
  fallbacks: [{gpt-4o: [gpt-4o-mini]}]
```

- **All mistakes at once.**  `ConfigError.problems` names the place of each (`config.yaml:14:7 model_list[1]…`), what
  is wrong and the way out, and never shows a value.  `azure-router check config.yaml` does only that.
- **0 means 0.**  A number that is stated is used, also where it equals LiteLLM's default.  `null` is the same as no
  key.
- **Environment variables** may stand in every text: `os.environ/NAME` as the whole of it, `${NAME}` or
  `${NAME:-default}` anywhere in it.  A variable that is not set, or empty, is an error, but for
  `azure_scope: os.environ/AZURE_SCOPE` and `api_version: os.environ/AZURE_API_VERSION`: then the default holds.
  `environment_variables` of a file count for that file's texts only; the environment of the process is not changed.
- **Stated twice.**  `tpm`, `rpm`, `order` and `cooldown_time` count from `litellm_params` before `model_info` before
  the entry itself, `base_model` from `model_info` first, `router_settings` before `litellm_settings`.
- **Ids** stay the same when a key is rotated: `model_info.id`, else `<deployment>@<first part of the host>`; where
  that is taken, with the group before it, and then with a number after it.
- **YAML** is read strictly: `true` and `false` are the only booleans, dates and versions stay text, a key given twice
  is an error.  A file is UTF-8, at most 1 MiB, at most 32 deep; tags (`!…`) are refused.
"""
_SHAPES: tuple[tuple[str, type[Shape]], ...] = (
    ("An entry of `model_list`", Entry),
    ("`litellm_params`, or `params`", Params),
    ("`model_info`", ModelInfo),
    ("Prices of a deployment", PriceKeys),
    ("Keywords of `Router`, or `router_settings`", Options),
    ("Redis", RedisOptions),
    ("`cache_kwargs`", CacheKwargs),
    ("`retry_policy`", RetryPolicy),
    ("`allowed_fails_policy`", AllowedFailsPolicy),
)
_PLACES = {
    "file": "the top of a file",
    "params": "`litellm_params`",
    "router_settings": "`Router(...)`, `router_settings`, `litellm_settings`",
}
_PARAMETERS = """\
## Parameters of the service

They may stand in `litellm_params`, in `default_litellm_params` and in the entries of fallbacks; any other goes into
`extra_body`:
"""
_GENERAL = """
## `general_settings`

`master_key` is checked and kept for a proxy; the router asks nobody for it.
"""
_REFUSED = """\
## Keys that are refused in this version

They would change where a call goes, what is sent or who may call, and are not built.  A value that switches them off
is accepted.
"""
_IGNORED = """\
## Keys without effect

They belong to other products or only tune LiteLLM's own machinery.  One warning on the logger `router` names those
that were found.
"""


def reference() -> str:
    """The page, as Markdown."""
    tables = [f"## {title}\n\n{_docstring(shape)}\n\n{_fields(shape)}" for title, shape in _SHAPES]
    parameters = f"{_PARAMETERS}{_names(sorted(REQUEST_PARAMETERS))}."
    return "\n".join([_HEAD, *tables, parameters, _GENERAL, _REFUSED, *_refused(), _IGNORED, *_ignored(), ""])


def _docstring(shape: type[Shape]) -> str:
    return "\n".join(line.strip() for line in (shape.__doc__ or "").strip().splitlines())


def _fields(shape: type[Shape]) -> str:
    rows = ["| Key | Value | Meaning |", "|---|---|---|"]
    for name, field in shape.model_fields.items():
        if name not in shape.__annotations__:
            continue  # inherited from one that has a table of its own
        rows.append(f"| `{name}` | {_kind(shape, name, field)} | {field.description} |")
    return "\n".join(rows) + "\n"


def _kind(shape: type[Shape], name: str, field: Any) -> str:
    shown = next((m.text for m in field.metadata if isinstance(m, Shown)), None)
    if name == "routing_strategy":
        return "name or object"
    return shown or ("mapping, see below" if name in shape.nested or shape is Entry else "mapping")


def _refused() -> Iterable[str]:
    for section, reasons in NOT_YET.items():
        by_reason: dict[str, list[str]] = {}
        for key, reason in reasons.items():
            by_reason.setdefault(reason, []).append(key)
        lines = [f"- {_names(keys)}: {reason}." for reason, keys in by_reason.items()]
        yield f"In {_PLACES.get(section, f'`{section}`')}:\n\n" + "\n".join(lines) + "\n"


def _ignored() -> Iterable[str]:
    for section, keys in IGNORED.items():
        further = ", every other `…_cost`, `…cost_per_…` and `ptu_…`" if section in ("params", "model_info") else ""
        further += ", every `supports_…`" if section == "model_info" else ""
        yield f"- {_PLACES.get(section, f'`{section}`')}: {_names(sorted(keys))}{further}."


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write docs/configuration.md, or the file that is named."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/configuration.md")
    target.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
