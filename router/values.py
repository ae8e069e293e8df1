"""What a call carries and brings home: calls, replies, failures, leases.

Plain slotted values that import the standard library only.  Times are seconds on the router's own monotonic
clock, durations are seconds, tokens are whole tokens, unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from .configured import NO_RULES, Deployment, ParameterRules


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart form.  What `router.uploads` makes of the caller's has been looked at: it can be read."""

    key: str
    """Of the form: `file`, `image[]`, `mask`."""
    name: str
    """Of the file, as the service is told."""
    content: Any = field(repr=False)
    """bytes, a path, a seekable binary file, or a function without arguments that returns an iterator of bytes; each
    attempt reads it from the start."""
    content_type: str = "application/octet-stream"
    size: int | None = None
    """In bytes.  None: not known, so the form is sent in chunks."""
    start: int = 0
    """Where reading a file object begins."""


@dataclass(slots=True, eq=False)
class Call:
    """One question of a caller, before anything is decided.  Compared by identity."""

    operation: str
    """A key of `router.azure.operations.OPERATIONS`, such as `chat.completions`."""
    group: str
    """The group asked for; after a fallback, the group that is tried now."""
    body: Mapping[str, Any] = field(repr=False)
    """The JSON of the request without `model`, or the fields of its form.  Never printed: it holds the prompt."""
    tokens: int = 0
    """Estimated charge at admission."""
    stream: bool = False
    timeout: float = 600.0
    """Seconds for the whole call: attempts, waits and fallbacks."""
    timeout_is_callers: bool = False
    """The caller set `timeout` for this call, so running out of it says nothing about a deployment."""
    attempt_timeout: float | None = None
    stream_timeout: float | None = None
    """Seconds to the first event of a stream and between events."""
    max_wait: float | None = None
    """Seconds to queue when nothing has room.  None: 30 s, or 1 s where a fallback exists; 0 refuses at once."""
    num_retries: int | None = None
    """Overrides every other retry setting when not None; 0 means none."""
    priority: int = 0
    """Lower goes first in the queue."""
    tags: tuple[str, ...] = ()
    rules: ParameterRules = NO_RULES
    """The caller's, for this call."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    simulated: Failure | None = None
    """`mock_testing_fallbacks` and its kin: the first group fails like this without a request."""
    unfit: frozenset[str] = frozenset()
    """Deployments of `group` that cannot serve it, because their models refuse its parameters; set by the journey."""
    watched: bool = False
    """Somebody listens to every attempt, so `Chosen` and `Settled` are worth making."""
    path_id: str | None = None
    """What the URL names besides the deployment: a file, a batch, a response; as its owner knows it."""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the URL, besides `api-version`."""
    uploads: tuple[Upload, ...] = ()
    charged: bool = True
    """It counts against limits and needs room; see `Operation.charged`."""
    repeatable: bool = True
    """It may be sent again after a failure that leaves open whether it was carried out."""
    encoded: Any = field(default=None, init=False, repr=False)
    """The body as bytes once an attempt has made them, so that the next need not; see `router.azure.wire.encode`."""


class Kind(StrEnum):
    """Why an attempt did not succeed.  `verdict.py` says what follows from each."""

    # The service was not reached, or spoke gibberish.
    DNS = "dns"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    RESET = "reset"
    TRUNCATED = "truncated"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    BAD_CONTENT_TYPE = "bad_content_type"
    BAD_JSON = "bad_json"
    BAD_SHAPE = "bad_shape"
    EMPTY = "empty"
    # Time ran out.
    TIMEOUT = "timeout"
    FIRST_EVENT_TIMEOUT = "first_event_timeout"
    # The service answered, and the answer was no.
    THROTTLED = "throttled"
    BUSY = "busy"
    SERVER_ERROR = "server_error"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    AUTHENTICATION = "authentication"
    SIGN_IN_REFUSED = "sign_in_refused"
    """A 401 to a token that is fetched anew now and then, so the next one may be good."""
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    CONTEXT_WINDOW = "context_window"
    CONTENT_POLICY = "content_policy"
    UNPROCESSABLE = "unprocessable"
    MISSING = "missing"
    """Something that the request names, such as a previous response or a file, is not there; the deployment is."""
    # Neither: our side.
    STREAM = "stream"
    """An error event, a malformed event or a missing end inside a stream that began well."""
    CREDENTIALS = "credentials"
    """A token provider failed; nothing was sent."""
    CANCELLED = "cancelled"
    """The caller went away."""
    SIMULATED = "simulated"
    """`mock_testing_fallbacks` and its kin: no request was sent."""


class RateLimits(NamedTuple):
    """What the `x-ratelimit-*` headers of a reply said; None where absent, no number, or too small to mean it."""

    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    limit_requests: int | None = None
    remaining_requests: int | None = None


NO_RATE_LIMITS = RateLimits()


@dataclass(slots=True)
class Usage:
    """Tokens as the service billed them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    stated: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    """The object that the service sent, with cached, audio and reasoning tokens; None: the counts are our estimate."""


@dataclass(slots=True)
class Reply:
    """A success, or the well-begun stream of one."""

    status: int
    body: Any = field(repr=False)
    """The decoded JSON object, or an open stream (see `router.azure.transport`)."""
    usage: Usage | None = None
    """None: the service did not say, or said nonsense."""
    usage_is_nonsense: bool = False
    """The service stated a usage that cannot be true; it was ignored."""
    limits: RateLimits = NO_RATE_LIMITS
    seconds: float = 0.0
    """From sending to the whole reply; for a stream, to its first content."""
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Failure:
    """Why an attempt did not succeed, as a value.  Becomes an exception only at the door (`errors.error_for`)."""

    kind: Kind
    message: str = ""
    """What the service or the engine said, scrubbed of keys; never holds a prompt of ours."""
    status: int | None = None
    code: str | None = None
    param: str | None = None
    type: str | None = None
    retry_after: float | None = None
    """Seconds, as the service asked, uncapped; None if it did not or the value made no sense."""
    limits: RateLimits = NO_RATE_LIMITS
    sent: bool = True
    """False: provably nothing reached the service's limiter, so the reservation may be given back whole."""
    seconds: float = 0.0
    request_id: str | None = None
    usage: Usage | None = None
    """What a broken stream is known to have used."""
    partial: str = field(default="", repr=False)
    """The text that a broken stream had delivered."""
    body: Any = field(default=None, repr=False)
    """The decoded error body, if there was one."""


@dataclass(slots=True, eq=False)
class Lease:
    """The right to send one attempt.  Whoever holds it settles it; settling twice is harmless."""

    deployment: Deployment
    call: Call
    tokens: int
    """Reserved tokens."""
    at: float
    """When it was granted."""
    others: int = 0
    """Deployments of the group that the call has not used and that could be tried after this one."""
    # The store's own notes of what was charged where, and of what it believed then.
    account: Any = field(default=None, repr=False)
    """The deployment's `router.account.Account`."""
    charges: Any = field(default=None, repr=False)
    """What it left in the deployment's windows (`router.window.Charges`)."""
    utilisation: float = 0.0
    """Share of the tightest limit that was used with this attempt."""
    serial: int = 0
    """Which of the deployment's attempts it is."""
    entry: Any = field(default=None, init=False, repr=False)
    """The charge as a shared store knows it (`router.shared.journal.Entry`); None: it does not."""
    # What becomes of it.
    wait: float = 0.0
    """Seconds from `at` before which it must not be sent: it was booked for a slot that opens then."""
    probe: bool = False
    """The one live call that tests a deployment after its ejection."""
    begun: bool = False
    """The stream's head has been judged (`Begin`); what follows only settles."""
    settled: bool = False
    tokens_settled: int = 0
    refunded: bool = False


@dataclass(slots=True)
class Attempt:
    """One request that was sent, or could not be: an entry of `reply.routing.attempts` and `error.attempts`."""

    deployment: str
    status: int | None
    reason: str
    """`ok` or a `Kind`."""
    seconds: float
    retry_after: float | None = None


class Bill(Protocol):
    """What a call used, not yet in dollars; see `router.billing`."""

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price is not known."""
        ...

    @property
    def is_estimate(self) -> bool:
        """The tokens are an estimate."""
        ...


@dataclass(slots=True)
class Routing:
    """What happened to a call: `reply.routing`."""

    deployment: str
    group: str
    attempts: tuple[Attempt, ...] = ()
    retries: int = 0
    """Attempts beyond the first in each group."""
    fallbacks: int = 0
    """Groups beyond the first."""
    waited: float = 0.0
    """Seconds in the queue and in backoff."""
    tokens_reserved: int = 0
    tokens_settled: int = 0
    """Known once the reply is whole: for a stream, after its end."""
    bill: Bill | None = field(default=None, repr=False, compare=False)
    """Made when the reply is whole; works the cost out when that is asked for."""

    @property
    def cost(self) -> float | None:
        """US dollars, by the deployment's own prices or the list's; None where they are not known.

        For a stream it is known after its end.  The first cost of a process takes 0.2 s, in which the
        price list is loaded; later ones take microseconds.
        """
        return None if self.bill is None else self.bill.cost

    @property
    def cost_is_estimate(self) -> bool:
        """The service stated no usage, so `cost` rests on the router's estimate of the tokens.

        So it is for a stream that did not ask for `stream_options={"include_usage": True}`.
        """
        return self.bill is not None and self.bill.is_estimate
