"""What does an HTTP library's exception mean to us?

One table from class names to kinds serves aiohttp, httpx2 and a handed-in httpx, so none of them is imported here.
A name is looked up along the exception's bases, the nearest first.  Messages are made of the host, the kind and the
operating system's words; the library's own text is left out, because it may quote a header.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from router.values import Kind

from . import PATIENCE, Breakdown, Request

_KINDS: dict[str, Kind] = {
    # aiohttp
    "ClientConnectorDNSError": Kind.DNS,
    "ClientConnectorCertificateError": Kind.TLS,
    "ClientConnectorSSLError": Kind.TLS,
    "ServerFingerprintMismatch": Kind.TLS,
    "ClientProxyConnectionError": Kind.CONNECT,
    "ClientHttpProxyError": Kind.CONNECT,
    "ClientConnectorError": Kind.CONNECT,
    "ConnectionTimeoutError": Kind.CONNECT_TIMEOUT,
    "ServerTimeoutError": Kind.TIMEOUT,
    "ClientConnectionError": Kind.RESET,
    "EofStream": Kind.RESET,
    "InvalidURL": Kind.CONNECT,
    # httpx2, httpx and the httpcore below them
    "ConnectTimeout": Kind.CONNECT_TIMEOUT,
    "TimeoutException": Kind.TIMEOUT,
    "ConnectError": Kind.CONNECT,
    "ProxyError": Kind.CONNECT,
    "UnsupportedProtocol": Kind.CONNECT,
    "NetworkError": Kind.RESET,
    # our own, http1.py and decoding.py
    "NoAnswer": Kind.RESET,
    "CutShort": Kind.TRUNCATED,
    "CutInside": Kind.TRUNCATED,
    # the standard library, anyio and trio
    "gaierror": Kind.DNS,
    "TimeoutError": Kind.TIMEOUT,
    "BrokenResourceError": Kind.RESET,
    "ClosedResourceError": Kind.RESET,
    "ConnectionError": Kind.RESET,
}
_NEVER_SENT = frozenset({Kind.DNS, Kind.CONNECT, Kind.CONNECT_TIMEOUT, Kind.TLS})
_CUT_SHORT = ("complete message body", "incomplete chunked read", "Not enough data")
"""How h11 and aiohttp say that the body ended before its announced end."""

_CHECK_THE_WAY = "Check api_base, and the way there: firewall, proxy, private endpoint"


def breakdown_of(error: Exception, request: Request, handled: BaseException | None) -> Breakdown:
    """The Breakdown that stands for `error`.

    It is a new one.  Raise it outside the `except` block: then it has no context, and no traceback that holds the
    request's headers.

    Args:
        error: what the library raised.
        request: the one that failed.
        handled: `sys.exception()` as the call began.  Whoever calls in an `except` block, to fall back on us, has it;
            Python makes it the context of whatever is raised, but it says nothing about this failure.
    """
    chain = _chain(error, handled)
    for cause in chain:
        if isinstance(cause, Breakdown):  # ours, or of the body that was being sent
            return Breakdown(cause.kind, cause.message, sent=cause.sent)
    kind = kind_of(chain)
    if kind is Kind.PROTOCOL and not _is_address(request.url):
        words = f"no connection to {host_of(request)}: its address cannot be one.  Check api_base"
        return Breakdown(Kind.CONNECT, words, sent=False)
    sent = kind not in _NEVER_SENT and type(error).__name__ != "PoolTimeout"
    return Breakdown(kind, _message(kind, chain, request), sent=sent)


def out_of_time(request: Request, seconds: float, waiting_for: str = "an answer", *, sent: bool = True) -> Breakdown:
    """The Breakdown of a read, or of a wait for a connection, that took longer than `seconds`."""
    return Breakdown(Kind.TIMEOUT, f"{host_of(request)} gave no {waiting_for} within {seconds:.3g} s", sent=sent)


def ambiguous(request: Request) -> Breakdown:
    """The Breakdown of an answer with a length and chunks as well, which RFC 9112 §6.3 forbids; h11 lets it pass."""
    return Breakdown(Kind.PROTOCOL, f"{host_of(request)} announced a length and chunks for the same answer", sent=True)


def unasked(request: Request) -> Breakdown:
    """The Breakdown of an answer that stood there before its request was sent: it could be somebody else's."""
    return Breakdown(Kind.PROTOCOL, f"{host_of(request)} answered before it was asked", sent=True)


def too_large(request: Request) -> Breakdown:
    """The Breakdown of a body beyond `request.max_bytes`, counted after decompression."""
    limit = request.max_bytes
    return Breakdown(Kind.TOO_LARGE, f"the answer of {host_of(request)} is longer than {limit} bytes", sent=True)


def kind_of(chain: list[BaseException]) -> Kind:
    """The kind of an exception of any of the libraries, given with its causes; PROTOCOL if it is none that we know."""
    error = chain[0]
    kind = next((_KINDS[name] for name in _names(error) if name in _KINDS), Kind.PROTOCOL)
    if kind is Kind.CONNECT:
        below = {name for cause in chain for name in _names(cause)}
        if "gaierror" in below:
            return Kind.DNS
        return Kind.TLS if "SSLError" in below else Kind.CONNECT
    return _end_of(error) if kind is Kind.PROTOCOL else kind


def host_of(request: Request) -> str:
    """Host and port of the request, for messages: never the path, which may name a resource of the caller."""
    try:
        return urlsplit(request.url).netloc.rpartition("@")[2] or "the service"
    except ValueError:  # a bracket that is not closed
        return "the service"


def _is_address(url: str) -> bool:
    """Whether there could be such a host and port.  The libraries do not look before they dial."""
    try:
        parts = urlsplit(url)
        host, _port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:  # of the brackets, of a part of the name that is empty or too long, of the port
        return False
    return bool(host)


def _end_of(error: BaseException) -> Kind:
    """Tell a connection that ended early from one that spoke gibberish; the libraries give both the same class."""
    text = str(error)
    if "ConnectionReset" in text or "BrokenPipe" in text or "without sending a response" in text:
        return Kind.RESET
    return Kind.TRUNCATED if any(words in text for words in _CUT_SHORT) else Kind.PROTOCOL


def _message(kind: Kind, chain: list[BaseException], request: Request) -> str:
    host, error = host_of(request), chain[0]
    match kind:
        case Kind.DNS:
            return f"the name of {host} could not be resolved.  Check the resource's name in api_base, and the DNS here"
        case Kind.TLS:
            return (
                f"no trusted TLS connection to {host}{_detail(chain)}; "
                "the trust store is the operating system's (ca-certificates, SSL_CERT_FILE)"
            )
        case Kind.CONNECT:
            return f"no connection to {host}{_detail(chain)}.  {_CHECK_THE_WAY}"
        case Kind.CONNECT_TIMEOUT:
            return f"no connection to {host} within {connect_time(request):.3g} s.  {_CHECK_THE_WAY}"
        case Kind.TIMEOUT if type(error).__name__ == "PoolTimeout":
            return f"no free connection to {host} within {request.timeout:.3g} s: all are in use"
        case Kind.TIMEOUT:
            return f"{host} gave no answer within {request.timeout:.3g} s"
        case Kind.RESET:
            return f"{host} broke the connection off"
        case Kind.TRUNCATED:
            return f"the answer of {host} ended before its announced end"
        case _:
            return f"{host} and we did not speak the same HTTP ({type(error).__name__})"


def connect_time(request: Request) -> float:
    """Seconds for connecting: always less than for the whole, so that a dead host is told from a slow one."""
    return min(request.connect_timeout, request.timeout * PATIENCE)


def _detail(chain: list[BaseException]) -> str:
    """What the system said, from the innermost exception that says it."""
    words = ""
    for cause in chain:
        said = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None)
        words = said if isinstance(said, str) else words
    return f" ({words})" if words else ""


def _names(error: BaseException) -> Iterator[str]:
    return (cls.__name__ for cls in type(error).__mro__)


def _chain(error: BaseException, handled: BaseException | None) -> list[BaseException]:
    """The exception and what caused it, at most ten deep; groups are followed along their first member.

    What was `handled` before, or led to that, is left out.
    """
    before = _chain(handled, None) if handled is not None else []
    chain = [error]
    while len(chain) < 10:
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None
        cause = inner or error.__cause__ or getattr(error, "os_error", None) or error.__context__
        if cause is None or any(cause is other for other in before):
            break
        chain.append(error := cause)
    return chain
