"""The samples of the page, filled in and run as somebody does who pastes them."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from tests.recorder import Recorder
from tests.worlds import World

SAMPLES: dict[str, dict[str, str]] = {"python": {}, "yaml": {}}
"""The text of each sample by its language and its name."""
for _name, _language, _text in re.findall(
    r"^## ([^\n]+)\n\n```(python|yaml)\n(.*?)\n```$",
    (Path(__file__).parent / "samples.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
):
    SAMPLES[_language][_name] = _text

KEY = "canary-azure-key"
TOKEN = "eyJ0eXAiOiJKV1QifQ.canary"
VERSION = "2023-05-15"
DEPLOYMENT = "my-deployment"

_SLIPS = {
    "from litellm\n": "import litellm\n",
    """"Hey, how's it going?"}]\n\n""": """"Hey, how's it going?"}])\n\n""",
}
"""Two samples are no Python as they stand on the page; what was meant."""
_DEPLOYMENTS = re.compile(r"<your[ _-]deployment[ _-]name>?")
_HOSTS = re.compile(r"https://(openai-gpt-4-test-v-1|gpt-4-vision-resource|your-resource)\.openai\.azure\.com")


def filled(text: str, base: str) -> str:
    """A sample with what its reader is to put there: key, token, version, the deployment's name, and our address."""
    values = {"key": KEY, "base": base, "version": VERSION, "token": TOKEN}
    for word, value in values.items():
        text = re.sub(rf"(?i)((?:api|azure)_(?:ad_)?{word}\b[\"'\]]*\s*=\s*)(?:\"\"|''|\"your-api-key\")",
                      rf'\g<1>"{value}"', text)  # fmt: skip
    return _HOSTS.sub(base, _DEPLOYMENTS.sub(DEPLOYMENT, text))


def pasted(name: str) -> str:
    """A sample in Python with `litellm` replaced by `router`, and nothing else changed."""
    text = SAMPLES["python"][name]
    for slip, meant in _SLIPS.items():
        text = text.replace(slip, meant)
    return re.sub(r"\blitellm\b", "router", text)


def run(name: str, server: Recorder | None, world: World | None = None, **known: Any) -> dict[str, Any]:
    """Run a sample, and return the names that it leaves behind.

    Args:
        name: of the sample.
        server: what it is filled in for; None: it is run as it stands.
        world: where `await` runs, for samples that await.
        known: names that it takes from a sample before it.
    """
    text = pasted(name) if server is None else filled(pasted(name), server.base)
    code = compile(text, f"<{name}>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {"__name__": "__main__", **known}
    if code.co_flags & inspect.CO_COROUTINE:
        assert world is not None
        world.run(lambda: eval(code, names))
    else:
        exec(code, names)
    return names
