"""Is this address one that we may send a key to?

Splits a configured `api_base` and refuses what could leak a secret or reach another place than the one meant:
plain http to another machine, credentials in the URL, placeholders left from a template, dot segments.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+", re.ASCII)
_PLACEHOLDERS = re.compile(r"[<>{}]|\$\(|\byour[-_](?:azure[-_]?)?(?:openai[-_]?)?(?:resource|endpoint)", re.IGNORECASE)
_EXAMPLE = "Write it like https://my-resource.openai.azure.com."


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address, in parts."""

    scheme: str
    host: str
    """In lower case, with the port where one is stated."""
    segments: tuple[str, ...]
    """The path, without empty segments."""
    api_version: str | None
    """From the query, the only key that may stand there."""

    def url(self, segments: Sequence[str]) -> str:
        """Scheme and host with another path, without a trailing slash."""
        return "/".join((f"{self.scheme}://{self.host}", *segments))


def read_address(api_base: str, *, allow_http: bool = False) -> Address:
    """Split and check an `api_base`.

    Args:
        api_base: a URL; whitespace around it is ignored.
        allow_http: accept http for hosts other than this machine.

    Raises:
        ValueError: names the defect.  No part that could hold a secret is quoted.
    """
    text = api_base.strip()
    if _PLACEHOLDERS.search(text):
        raise ValueError(f"api_base still holds a placeholder of a template.  {_EXAMPLE}")
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError(f"api_base holds a space, a backslash, a control or a non-ASCII character.  {_EXAMPLE}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"api_base is not a valid URL (host or port).  {_EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"api_base has no https:// and host in front.  {_EXAMPLE}")
    if "@" in parts.netloc:
        raise ValueError("api_base holds a user or a password before the host.  Give the key as api_key instead.")
    if "#" in text:
        raise ValueError("api_base holds a fragment (#…).  Remove it.")
    host = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(host) or ".." in host:
        raise ValueError(f"api_base names no valid host.  {_EXAMPLE}")
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ValueError(
            f"api_base uses http, so the key would travel to {host} unencrypted.  "
            "Use https, or state that http is allowed for this deployment."
        )
    netloc = host if port is None else f"{host}:{port}"
    return Address(parts.scheme, netloc, _segments(parts.path), _version_in(parts.query))


def _segments(path: str) -> tuple[str, ...]:
    segments = tuple(s for s in path.split("/") if s)
    for segment in segments:
        # Percent signs too: %2e%2e and %2f mean other paths to some servers.
        if not _SEGMENT.fullmatch(segment) or not segment.strip("."):
            raise ValueError(f"api_base has a path segment that is not plain: {segment[:80]!r}.  {_EXAMPLE}")
    return segments


def _version_in(query: str) -> str | None:
    version = None
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "api-version":
            raise ValueError(
                "api_base has a query with more than api-version.  "
                "Keys belong in api_key, other values in extra headers."
            )
        version = value
    return version


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
