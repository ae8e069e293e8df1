"""Why did Redis not do what it was asked?

One word for logs and metrics, and a sentence of ours for people.  What the server and redis-py say stays out: an
unknown command is answered with its arguments, and those of AUTH are a password.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator

from redis import exceptions

SAYS: dict[str, str] = {
    "timeout": "did not answer in time",
    "refused": "cannot be connected to",
    "reset": "closed the connection",
    "dns": "has a name that cannot be resolved",
    "tls": "failed the TLS handshake; check redis_ssl, its certificate and redis_ssl_ca_certs",
    "auth": "refused the user name or password, or asks for one",
    "forbidden": "does not allow this user the commands or keys that are needed; see docs/redis.md for the ACL",
    "readonly": "is a read-only copy",
    "oom": "is full",
    "loading": "is still loading its data",
    "busy": "is busy with a script",
    "cluster_down": "is part of a cluster that does not serve these keys now",
    "moved": "says that another server has these keys; set redis_cluster",
    "cross_slot": "says that the keys are in several slots",
    "no_primary": "has no primary that the sentinels know under redis_service_name",
    "wrong_type": "holds something else under one of our keys",
    "script": "could not run the script",
    "crowded": "was not asked: every connection was in use",
    "protocol": "answered in a way that is not understood",
    "closed": "is not asked any more: the client is closed",
}
"""All reasons there are."""

_WORDS = {
    "NOAUTH": "auth",
    "WRONGPASS": "auth",
    "NOPERM": "forbidden",
    "READONLY": "readonly",
    "OOM": "oom",
    "MISCONF": "readonly",
    "NOREPLICAS": "readonly",
    "LOADING": "loading",
    "BUSY": "busy",
    "CLUSTERDOWN": "cluster_down",
    "MASTERDOWN": "cluster_down",
    "TRYAGAIN": "cluster_down",
    "MOVED": "moved",
    "ASK": "moved",
    "CROSSSLOT": "cross_slot",
    "WRONGTYPE": "wrong_type",
}
"""With what a server's error begins.  One that a script ran into may stand anywhere in the text."""
_WORD = re.compile(r"\b(" + "|".join(_WORDS) + r")\b")
_TYPES: tuple[tuple[type[BaseException], str], ...] = (
    (exceptions.AuthenticationError, "auth"),
    (exceptions.AuthenticationWrongNumberOfArgsError, "auth"),
    (exceptions.ExternalAuthProviderError, "auth"),
    (exceptions.NoPermissionError, "forbidden"),
    (exceptions.ReadOnlyError, "readonly"),
    (exceptions.OutOfMemoryError, "oom"),
    (exceptions.BusyLoadingError, "loading"),
    (exceptions.MovedError, "moved"),
    (exceptions.AskError, "moved"),
    (exceptions.ClusterCrossSlotError, "cross_slot"),
    (exceptions.ClusterDownError, "cluster_down"),
    (exceptions.TryAgainError, "cluster_down"),
    (exceptions.InvalidResponse, "protocol"),
    (ssl.SSLError, "tls"),
    (socket.gaierror, "dns"),
    (exceptions.TimeoutError, "timeout"),
    (asyncio.TimeoutError, "timeout"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "refused"),
    (FileNotFoundError, "refused"),
    (ConnectionError, "reset"),
    (EOFError, "reset"),
)


class StoreUnavailable(Exception):
    """Redis did not do what it was asked.  After `timeout` and `reset` it may have done it all the same.

    Args:
        reason: one of `SAYS`.
        shown: which Redis, without secrets.
    """

    def __init__(self, reason: str, shown: str = "Redis") -> None:
        super().__init__(f"{shown} {SAYS[reason]}")
        self.reason = reason
        self.shown = shown


def reason_of(error: BaseException) -> str:
    """The word for an exception of redis-py or of the operating system.  Not for cancellations."""
    if isinstance(error, StoreUnavailable):
        return error.reason
    if isinstance(error, exceptions.ResponseError) and not isinstance(error, exceptions.ConnectionError):
        word = _WORD.search(str(error))
        if word is not None:
            return _WORDS[word[0]]
    for link in _causes(error):
        for kind, reason in _TYPES:
            if isinstance(link, kind):
                return reason
    if isinstance(error, exceptions.ResponseError):
        return "script"
    text = str(error)
    if isinstance(error, exceptions.ConnectionError):
        return "refused" if "connecting to" in text or "onnect call failed" in text else "reset"
    return "refused" if isinstance(error, OSError) else "protocol"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was made from: redis-py wraps those of the operating system, some of them twice."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        inner = next((one for one in link.args if isinstance(one, BaseException)), None)
        link = link.__cause__ or inner or link.__context__
