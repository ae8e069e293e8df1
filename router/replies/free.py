"""What the service sends beyond what is declared: an object is a dict whose items are attributes too.

`reply.usage.prompt_tokens_details.cached_tokens` reads as with OpenAI's client, whatever the service thinks of next,
and `reply.usage.prompt_tokens_details == {...}` holds as well.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator


class Fields(dict[str, Any]):
    """A JSON object with its items as attributes.  Names of dict's own methods (`items`, `keys`) are read as items."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            value = self[name]
        except KeyError:
            raise AttributeError(f"the service sent no {name!r} here; there are: {', '.join(self)}") from None
        free = readable(value)
        if free is not value:
            self[name] = free
        return free


def readable(value: Any) -> Any:
    """Objects as `Fields`, lists with theirs, anything else as it is.  What lies deeper becomes so when it is read."""
    if type(value) is dict:
        return Fields(value)
    if type(value) is list and any(type(item) is dict for item in value):
        return [readable(item) for item in value]
    return value


Free = Annotated[Any, BeforeValidator(readable)]
"""A field of whatever the service sends."""
