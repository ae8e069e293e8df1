"""What may stand in a field?

The checks of single values, as annotations for the models.  Their messages never hold the value.  Numbers may be
written as text, because that is what an environment variable and an unquoted scalar of a file are; true and false
are no numbers; 0 is a number like any other where it has a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from router.configured import RequestWindow

MOST = 10**12
"""A higher limit is a mistake: a million times what one deployment can be given."""
LONGEST_S = 86_400.0
LONGEST_NAME = 200

_NUMBER = re.compile(r"[-+]?[0-9][0-9_]{0,30}(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?|[-+]?\.[0-9]{1,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shown:
    """How the reference calls the values of a field."""

    text: str


def wrong(problem: str) -> PydanticCustomError:
    """The error for a value: what it must be."""
    return PydanticCustomError("value", "{problem}", {"problem": problem})


def number(value: Any, must_be: str) -> float:
    """A finite number, or the error that says what it must be."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 10 * MOST or not isfinite(value):
        raise wrong(must_be)
    return float(value)


def _whole(least: int, most: int) -> Callable[[Any], int]:
    must_be = f"must be a whole number from {least} to {most:,}".replace(f"{MOST:,}", "10^12")

    def check(value: Any) -> int:
        found = number(value, must_be)
        if found != int(found) or not least <= found <= most:
            raise wrong(must_be)
        return int(found)

    return check


def _real(must_be: str, most: float, least: float = 0.0) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        found = number(value, must_be)
        if not least <= found <= most:
            raise wrong(must_be)
        return found

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong("must be text; put it in quotes")
    if not value.strip():
        raise wrong("is empty; give it a value, or leave it out")
    return str(value)


def _name(value: Any) -> str:
    name = _text(value)
    if name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise wrong(f"must be a name of at most {LONGEST_NAME} characters, without spaces around it or line breaks")
    return name


def _id(value: Any) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _name(value)


def _flag(value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise wrong("must be true or false")
    return value


def _callable(value: Any) -> Callable[[], Any]:
    if not callable(value):
        raise wrong(
            "must be a callable without arguments that returns a token; give a fixed token as azure_ad_token, and an"
            " object with get_token as azure_credential"
        )
    return value  # type: ignore[no-any-return]


def _credential(value: Any) -> Any:
    if isinstance(value, type) or not (callable(getattr(value, "get_token", None))):
        raise wrong("must be an object with get_token(scope), such as azure.identity.DefaultAzureCredential()")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise wrong("must be a mapping")
    return dict(value)


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise wrong("must be a list of names")
    return [_name(item) for item in value]


def _one_or_more(value: Any) -> list[str]:
    return _names(value) if isinstance(value, list) else [_name(value)]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise wrong("must be a list")
    return value


def _windows(value: Any) -> tuple[RequestWindow, ...]:
    must_be = "must be a list of pairs [limit, seconds], such as [[300, 10], [30, 1]]; a window is 0.1 to 3600 seconds"
    if not isinstance(value, list):
        raise wrong(must_be)
    found: list[RequestWindow] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise wrong(must_be)
        limit, seconds = number(pair[0], must_be), number(pair[1], must_be)
        if limit != int(limit) or not 1 <= limit <= MOST or not 0.1 <= seconds <= 3600:
            raise wrong(must_be)
        found.append(RequestWindow(int(limit), seconds))
    return tuple(found)


def _servers(value: Any) -> tuple[tuple[str, int], ...]:
    must_be = 'must be a list of servers, each "host:port", [host, port] or {host: …, port: …}'
    if not isinstance(value, list) or not value:
        raise wrong(must_be)
    found: list[tuple[str, int]] = []
    for item in value:
        if isinstance(item, str):
            item = item.rpartition(":")[::2]
        elif isinstance(item, Mapping):
            item = (item.get("host"), item.get("port")) if item.keys() == {"host", "port"} else ()
        if not isinstance(item, (list, tuple)) or len(item) != 2 or not isinstance(item[0], str):
            raise wrong(must_be)
        host, port = item[0].strip().strip("[]"), number(item[1], must_be)
        if not host or not host.isprintable() or port != int(port) or not 1 <= port <= 65_535:
            raise wrong(must_be)
        found.append((host, int(port)))
    return tuple(found)


def _prefix(value: Any) -> str:
    prefix = _text(value)
    if not re.fullmatch(r"[\w.:/@-]{1,100}", prefix, re.ASCII):
        raise wrong("must be at most 100 letters, digits and _ . : / @ -")
    return prefix


def one_of(*choices: str) -> Callable[[Any], str]:
    """The check of a field that takes one of a few words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or str(value) not in choices:
            raise wrong(f"must be one of {', '.join(choices)}")
        return str(value)

    return check


Text = Annotated[str | None, PlainValidator(_text), Shown("text")]
Name = Annotated[str | None, PlainValidator(_name), Shown("name")]
NeededName = Annotated[str, PlainValidator(_name), Shown("name, required")]
Id = Annotated[str | None, PlainValidator(_id), Shown("name")]
Flag = Annotated[bool | None, PlainValidator(_flag), Shown("true or false")]
Limit = Annotated[int | None, PlainValidator(_whole(1, MOST)), Shown("whole number from 1")]
Count = Annotated[int | None, PlainValidator(_whole(0, 1_000_000)), Shown("whole number from 0")]
Port = Annotated[int | None, PlainValidator(_whole(1, 65_535)), Shown("port")]
Weight = Annotated[
    float | None, PlainValidator(_real("must be a number from 0 to 10^12", MOST)), Shown("number from 0")
]
Dollars = Annotated[
    float | None, PlainValidator(_real("must be a number of dollars from 0 to 10,000", 10_000.0)), Shown("US dollars")
]
Seconds = Annotated[
    float | None,
    PlainValidator(_real("must be a number of seconds from 0 to 86,400", LONGEST_S)),
    Shown("seconds from 0"),
]
Timeout = Annotated[
    float | None,
    PlainValidator(_real("must be a number of seconds from 0.001 to 86,400", LONGEST_S, 0.001)),
    Shown("seconds above 0"),
]
StoreTimeout = Annotated[
    float | None,
    PlainValidator(_real("must be a number of seconds from 0.01 to 60", 60.0, 0.01)),
    Shown("seconds from 0.01 to 60"),
]
Servers = Annotated[tuple[tuple[str, int], ...] | None, PlainValidator(_servers), Shown("list of servers")]
Prefix = Annotated[str | None, PlainValidator(_prefix), Shown("text without spaces")]
CredentialSource = Annotated[Any, Shown("object with get_credentials")]
RedisClient = Annotated[Any, Shown("client of redis-py")]
"""Both are looked at when everything is known about Redis."""
TokenCallable = Annotated[Callable[[], Any] | None, PlainValidator(_callable), Shown("callable")]
CredentialObject = Annotated[Any, PlainValidator(_credential), Shown("object with get_token")]
Mapped = Annotated[dict[str, Any] | None, PlainValidator(_mapping), Shown("mapping")]
Listed = Annotated[list[Any] | None, PlainValidator(_list), Shown("list")]
Names = Annotated[list[str] | None, PlainValidator(_names), Shown("list of names")]
OneOrMore = Annotated[list[str] | None, PlainValidator(_one_or_more), Shown("name or list of names")]
Windows = Annotated[tuple[RequestWindow, ...] | None, PlainValidator(_windows), Shown("list of [limit, seconds]")]
