"""What all replies are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict

from router.values import Routing

from .free import readable

R = TypeVar("R", bound="Routed")
_ROUTING = "_routing"


class Model(BaseModel):
    """An object of the API: attributes, items, and whatever else the service sent."""

    model_config = ConfigDict(extra="allow", protected_namespaces=(), hide_input_in_errors=True)

    if not TYPE_CHECKING:  # a type checker shall go on finding attributes that are none

        def __getattr__(self, name):
            """A field that is not declared: an object in it has attributes as well."""
            value = super().__getattr__(name)
            free = readable(value)
            if free is not value:
                self.__pydantic_extra__[name] = free
            return free

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and hasattr(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        """The field, or `default` if there is none."""
        return getattr(self, key, default)

    def keys(self) -> Iterator[str]:
        """The names of the fields that were sent or have a default."""
        yield from type(self).model_fields
        yield from self.model_extra or ()


class Routed(Model):
    """A reply that knows what happened to its call."""

    @property
    def routing(self) -> Routing:
        """What happened: deployment, group, attempts, retries, fallbacks, waited, tokens reserved and settled, cost."""
        routing: Routing | None = self.__dict__.get(_ROUTING)
        if routing is None:
            raise AttributeError("this object was not made by a router, so it has no routing")
        return routing


def routed(reply: R, routing: Routing) -> R:
    """The same reply, which knows what happened to its call.  Copies and pickles of it know it too.

    It is kept where a `cached_property` keeps its value, which pydantic neither dumps nor compares: a private attribute
    would cost each reply a microsecond.
    """
    vars(reply)[_ROUTING] = routing
    return reply


class CompletionUsage(Model):
    """Tokens as billed."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
