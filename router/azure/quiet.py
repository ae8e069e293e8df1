"""What do azure-identity and msal write to the log while they work for us?

They log what Entra answers, and a gateway in between may echo what it was sent.  Within `quiet` their records lose
the secrets that we know and whatever looks like a token; other records, and other people's, stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote, quote_plus

from .scrub import scrub

_NAMES = ("azure", "msal")
_secrets: ContextVar[tuple[str, ...] | None] = ContextVar("router_secrets", default=None)


class _Scrubber(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        secrets = _secrets.get()
        if secrets is not None:
            record.msg, record.args = scrub(record.getMessage(), secrets), ()
            if record.exc_info:
                record.exc_text = scrub(logging.Formatter().formatException(record.exc_info), secrets)
                record.exc_info = None
        return True


_SCRUBBER = _Scrubber()


@contextmanager
def quiet(secrets: Iterable[str] = ()) -> Iterator[None]:
    """Within it, these secrets are not logged by azure-identity and its like, in this thread or task."""
    known = [spelled for secret in secrets if secret for spelled in {secret, quote(secret), quote_plus(secret)}]
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _NAMES:
            logging.getLogger(name).addFilter(_SCRUBBER)
    token = _secrets.set((_secrets.get() or ()) + tuple(known))
    try:
        yield
    finally:
        _secrets.reset(token)
