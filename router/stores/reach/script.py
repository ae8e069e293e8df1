"""The scripts that run inside Redis."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

Argument = str | bytes | int


class Script:
    """A script and the name under which Redis remembers it.

    Args:
        text: Lua.
    """

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    @staticmethod
    @cache
    def named(verb: str) -> Script:
        """`router/stores/lua/<verb>.lua`."""
        return Script((files("router.stores") / "lua" / f"{verb}.lua").read_text(encoding="utf-8"))
