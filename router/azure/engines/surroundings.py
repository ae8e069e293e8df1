"""What does the machine say about reaching the world: its trust store, its proxies?

Both engines ask here, so that they agree.  Trusted are the authorities of the operating system (through
`truststore`, which comes with httpx2); `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them.  Proxies come from
`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (on macOS and Windows from the system's settings, where
these are not set), and are read when an address is first seen; they must speak HTTP.  A .netrc is not read.
"""

from __future__ import annotations

import os
import ssl
import sys
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from router.values import Kind

from . import Breakdown
from .tls_sessions import ResumingContext


def trust() -> ssl.SSLContext:
    """A client's TLS settings: TLS 1.2 or newer, host names checked, authorities as said above."""
    return _trust(os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None)


@lru_cache(maxsize=4)
def _trust(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Loading the authorities takes 20 to 50 ms, and every event loop needs them."""
    context = _of_files(file, folder) if file or folder else _of_the_system()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def proxy_for(url: str) -> str | None:
    """The proxy that the machine names for this URL, with a scheme; None: go straight.

    Raises:
        Breakdown: that proxy speaks another protocol than HTTP, in which a key must not be said to it.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    name = parts.scheme if proxies.get(parts.scheme) else "all"
    proxy, host = proxies.get(name), parts.netloc.rpartition("@")[2]
    if not proxy or proxy_bypass(host):
        return None
    if "://" not in proxy:
        return f"http://{proxy}"
    scheme = proxy.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        raise _no_proxy_of_ours(scheme, f"{name.upper()}_PROXY", host)
    return proxy


def _no_proxy_of_ours(scheme: str, variable: str, host: str) -> Breakdown:
    spoken = scheme if scheme.isalnum() else "another protocol"  # whatever stands there may be part of a password
    return Breakdown(
        Kind.CONNECT,
        f"no way to {host}: its proxy, which {variable} or the system names, speaks {spoken}, and only HTTP is spoken "
        "here.  Name an HTTP proxy instead, or except the host with NO_PROXY",
        sent=False,
    )


def _of_files(file: str | None = None, folder: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=file, capath=folder)  # which knows what a client should insist on
    context.__class__ = ResumingContext
    return context


def _of_the_system() -> ssl.SSLContext:
    try:
        import truststore  # slow to load, and httpx2 is free to drop it one day
    except ImportError:
        return _of_files()
    if sys.platform in ("darwin", "win32"):  # there the system looks at the certificates, which a resumed session lacks
        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return context

    class SystemContext(ResumingContext, truststore.SSLContext):  # type: ignore[misc]
        pass

    return SystemContext(ssl.PROTOCOL_TLS_CLIENT)
