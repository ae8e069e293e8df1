"""The story of one call: reserve, send, judge, settle; and again, or elsewhere, if it is worth it.

A journey is a generator.  It yields the steps that it asks of the world (`steps.py`), is sent their answers, and can
do nothing else: it reads no clock (each answer of the store says what time it is), never sleeps, touches no socket.
The same story therefore runs blocking, on asyncio, on trio, and under virtual time; a test answers its questions
by hand.

    resolve and estimate      before the journey, at the door (router.py)
    reserve                   admit, choose and charge in one stroke; or wait in the queue; or learn that it is useless
    send, judge, settle       whatever happened is charged before anything else is decided
    again                     in another deployment; in the same one only when no other is left, after a backoff
    fall back                 the next group of a flat plan; a group is visited once, so a circle ends by itself
    hand over                 a whole reply, or a begun stream together with its open lease

Whoever holds the lease settles it: the journey while it runs, the driver if it dies, the stream after the hand-over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from random import Random

from .budget import backoff_seconds
from .configured import Fallback, Policy
from .errors import APIError, NoDeploymentLeft, error_for
from .events import Chosen, FellBack, GaveUp
from .steps import Begin, Journey, Refusal, Reserve, Send, Settle, Tell, Ticket, Wait
from .tokens import estimate
from .values import Attempt, Call, Failure, Kind, Lease, Reply, Routing
from .verdict import VERDICTS, judge, retries_allowed

DEFAULT_MAX_WAIT_S = 30.0
MAX_WAIT_BEFORE_FALLBACK_S = 1.0
ATTEMPT_SHARE = 0.8
"""Of the time that is left, what one attempt may take while another could still be tried (DESIGN §4.5)."""
FAIR_SHARE = 0.5
"""Of the call's time, what an attempt must have had for its timeout to say something about the deployment."""
USED_SHARE = 0.8
"""Of an attempt's limit, what it must have taken for that limit to be what ended it, and not one of the service's own
(to connect, between the events of a stream)."""
LAG_S = 0.5
TIMEOUTS = (Kind.TIMEOUT, Kind.FIRST_EVENT_TIMEOUT, Kind.CONNECT_TIMEOUT)


def _all_fit(call: Call) -> frozenset[str]:
    return frozenset()


def _as_stated(call: Call) -> int:
    return estimate(call.operation, call.body)


@dataclass(slots=True)
class Granted:
    """What a journey brings home.  For a stream the lease is still open, and whoever takes this must settle it."""

    reply: Reply
    lease: Lease
    routing: Routing


@dataclass(slots=True)
class Diary:
    """What happened so far, over all groups."""

    policy: Policy
    rng: Random
    unfit_for: Callable[[Call], frozenset[str]] = _all_fit
    deadline: float | None = None
    """On the store's clock, known from its first answer."""
    attempts: tuple[Attempt, ...] = ()
    waited: float = 0.0
    groups: tuple[str, ...] = ()
    attempted: int = 0
    """Groups in which an attempt was made; another may have refused the call."""

    def left(self, call: Call, now: float) -> float:
        """Seconds of the call's time that are left."""
        if self.deadline is None:
            self.deadline = now + call.timeout
        return self.deadline - now


@dataclass(slots=True)
class Stay:
    """One call's time in one group: what it tried there and how often it may try again."""

    call: Call
    patience: float
    """Seconds that it may still wait here."""
    has_fallback: bool
    tried: frozenset[str]
    banned: frozenset[str]
    """Tried, and not worth trying again whatever happens (it refused our key, it does not exist)."""
    retries: int = 0
    retry_cost: float = 0.0
    failure: Failure | None = None
    lease: Lease | None = None
    """The last one."""


def journey(
    call: Call,
    policy: Policy,
    rng: Random,
    name_of: Callable[[str], str] = lambda name: name,
    unfit_for: Callable[[Call], frozenset[str]] = _all_fit,
    tokens_for: Callable[[Call], int] = _as_stated,
) -> Journey[Granted]:
    """Take one call from question to answer.

    Args:
        call: resolved and estimated.
        policy: retries and fallbacks.
        rng: dice for the jitter of a backoff.
        name_of: from the name of a fallback to the name of a group (aliases).
        unfit_for: the ids of the deployments in a call's group that cannot serve it; raises an APIError where none can.
        tokens_for: the estimate of a call in its group, for one that goes to a fallback.

    Returns:
        `Granted`.

    Raises:
        APIError: what the first group failed with, carrying the attempts of all.
    """
    diary = Diary(policy, rng, unfit_for)
    plan: tuple[Fallback, ...] = ()
    first: APIError | None = None
    original = call
    while True:
        diary.groups += (call.group,)
        outlook = plan or _targets(policy, call.group, "general", diary, plan, name_of)
        answer = yield from _stay(call, bool(outlook) and len(diary.groups) <= policy.max_fallbacks, diary)
        if isinstance(answer, Granted):
            return answer
        failed, wish = answer
        first = first or failed
        wanted = _targets(policy, call.group, wish, diary, plan, name_of)
        plan = wanted + plan if wish != "general" else plan + wanted
        if not plan or len(diary.groups) > policy.max_fallbacks:
            first.attempts = diary.attempts
            yield Tell(GaveUp(original.group, type(first).__name__, len(diary.attempts)))
            raise first
        target, plan = plan[0], plan[1:]
        yield Tell(FellBack(call.group, target.group, _reason(failed, diary)))
        call = _redirected(original, target)
        call.tokens = tokens_for(call)


def _reason(failed: APIError, diary: Diary) -> str:
    return diary.attempts[-1].reason if diary.attempts else type(failed).__name__


def _redirected(call: Call, target: Fallback) -> Call:
    """The call as it goes to a fallback group: with that entry's parameters, and without the simulation."""
    body = {**call.body, **target.overrides} if target.overrides else call.body
    return replace(call, group=target.group, simulated=None, body=body)


def _targets(
    policy: Policy, group: str, wish: str, diary: Diary, plan: tuple[Fallback, ...], name_of: Callable[[str], str]
) -> tuple[Fallback, ...]:
    """Where a call may go on after `group`: its special list first where the failure has one, then the ordinary."""
    special: tuple[Fallback, ...] = ()
    if wish == "context_window":
        special = policy.context_window_fallbacks.get(group) or policy.context_window_fallbacks.get("*", ())
    elif wish == "content_policy":
        special = policy.content_policy_fallbacks.get(group) or policy.content_policy_fallbacks.get("*", ())
    elif wish == "none":
        return ()
    ordinary = policy.fallbacks.get(group, policy.default_fallbacks)
    if not special and not ordinary:
        return ()
    seen = {*diary.groups, *(f.group for f in plan)}
    wanted: list[Fallback] = []
    for target in (*special, *ordinary):
        name = name_of(target.group)
        if name not in seen:
            seen.add(name)
            wanted.append(target if name == target.group else replace(target, group=name))
    return tuple(wanted)


def _stay(call: Call, has_fallback: bool, diary: Diary) -> Journey[Granted | tuple[APIError, str]]:
    """All attempts in one group.  Returns the reply, or the error and the kind of fallback it calls for."""
    if call.simulated is not None:
        failure = call.simulated
        diary.attempts += (Attempt(call.group, failure.status, str(failure.kind), 0.0),)
        diary.attempted += 1
        return error_for(failure), judge(failure).fallbacks
    try:
        call.unfit = diary.unfit_for(call)
    except APIError as error:
        return error, "general"
    patience = call.max_wait
    if patience is None:
        patience = MAX_WAIT_BEFORE_FALLBACK_S if has_fallback else DEFAULT_MAX_WAIT_S
    stay = Stay(call, patience, has_fallback, tried=call.unfit, banned=call.unfit)
    while True:
        answer = yield from _reserve(stay, diary)
        if isinstance(answer, Refusal):
            return _refused(stay, diary, answer), judge(stay.failure).fallbacks if stay.failure else "general"
        granted = yield from _attempt(stay, diary, answer)
        if granted is not None:
            return granted
        if not _again(stay, diary):
            return _error(stay, diary), judge(_last(stay)).fallbacks


def _reserve(stay: Stay, diary: Diary) -> Journey[Lease | Refusal]:
    """Reserve a deployment, waiting for room and backing off where that is allowed and can help."""
    call = stay.call
    ticket: Ticket | None = None
    tried = stay.tried
    while True:
        patience = max(0.0, min(stay.patience, call.timeout))
        deadline = inf if diary.deadline is None else diary.deadline
        paid = tried is not stay.tried
        step = Reserve(call, call.group, tried, stay.retry_cost, patience, ticket, deadline, paid)
        answer: Lease | Refusal = yield step
        if isinstance(answer, Lease):
            if answer.wait > 0.0:
                yield from _wait_for_slot(stay, diary, answer)
            return answer
        left = diary.left(call, answer.now)
        if answer.ticket is not None:
            ticket = answer.ticket
            pause = (answer.opening or answer.now) - answer.now
        elif answer.reason == "tried" and tried is stay.tried and stay.tried > stay.banned:
            # Only deployments that this call has used are left: the best of them once more, but not at once.
            # Asked for only once: where they have no room either, that is the answer.
            ticket = None
            tried = stay.banned
            stay.retry_cost = 0.0  # this retry was paid for when it was refused
            asked = (stay.failure.retry_after if stay.failure is not None else None) or 0.0
            pause = backoff_seconds(stay.retries, diary.rng, asked, diary.policy.retry_after)
            if pause > left or asked > stay.patience:
                return answer  # what the service asks for is a wait like any other; our own backoff is not
        else:
            return answer
        waited: float = yield Wait(max(0.0, min(pause, left)), ticket)
        diary.waited += waited
        if ticket is not None:
            stay.patience -= waited


def _wait_for_slot(stay: Stay, diary: Diary, lease: Lease) -> Journey[None]:
    """The lease is booked for a slot that opens a little later."""
    diary.left(stay.call, lease.at)
    waited: float = yield Wait(lease.wait)
    lease.at += waited
    diary.waited += waited
    stay.patience -= waited


def _attempt(stay: Stay, diary: Diary, lease: Lease) -> Journey[Granted | None]:
    """Send one attempt, and settle it whatever comes.  None: it failed, and `stay.failure` says how."""
    call = stay.call
    left = diary.left(call, lease.at)
    if stay.lease is None:
        diary.attempted += 1
    stay.lease = lease
    if call.watched:
        yield Tell(Chosen(call.group, lease.deployment.id, lease.tokens, len(diary.attempts) + 1))
    limit, is_excuse = _attempt_limit(stay, diary, lease, left)
    if left <= 0:
        result: Reply | Failure = Failure(Kind.TIMEOUT, f"the call's {call.timeout:g} s were over", sent=False)
    else:
        result = yield Send(lease, limit)
    if isinstance(result, Reply):
        diary.attempts += (Attempt(lease.deployment.id, result.status, "ok", result.seconds),)
        yield Begin(lease, result) if call.stream else Settle(lease, result)
        return Granted(result, lease, _routing(diary, lease))
    # A timer that fired this late fired in an event loop that was blocked: the answer may well have been there.
    late = result.seconds - limit > LAG_S
    blameless = result.kind in TIMEOUTS and (late or (is_excuse and result.seconds >= USED_SHARE * limit))
    yield Settle(lease, result, blameless)
    stay.failure = result
    diary.attempts += (
        Attempt(lease.deployment.id, result.status, str(result.kind), result.seconds, result.retry_after),
    )
    return None


def _attempt_limit(stay: Stay, diary: Diary, lease: Lease, left: float) -> tuple[float, bool]:
    """Seconds for one attempt, and whether a deployment that needs longer is excused.

    It is where the caller's own timeout sets the limit, or where the queue and earlier attempts have left too little.
    """
    call = stay.call
    retries_left = _retries_for(stay, diary, lease, Kind.TIMEOUT) - stay.retries
    could_go_on = stay.has_fallback or (lease.others > 0 and retries_left > 0)
    limit = left * ATTEMPT_SHARE if could_go_on else left
    is_excuse = call.timeout_is_callers or limit < FAIR_SHARE * call.timeout
    for configured in (call.attempt_timeout, lease.deployment.timeout):
        if configured is not None and configured < limit:
            limit, is_excuse = configured, False
    return limit, is_excuse


def _retries_for(stay: Stay, diary: Diary, lease: Lease, kind: Kind) -> int:
    """How often the call may be tried again after such a failure.

    The first that says something decides: the request, the deployment, the group, the router.
    """
    count = stay.call.num_retries
    if count is None:
        count = lease.deployment.num_retries
    if count is None:
        policy = diary.policy
        return retries_allowed(kind, policy.group_retries.get(stay.call.group, policy.retries))
    return 0 if VERDICTS[kind].retry == "never" else count


def _again(stay: Stay, diary: Diary) -> bool:
    """Is another attempt in this group worth it?  Notes what it costs and where it may not go."""
    failure, lease = _last(stay), stay.lease
    assert lease is not None
    verdict = judge(failure)
    if not stay.call.repeatable and failure.sent and _may_be_done(failure):
        return False  # twice would be two files, two batches
    if not stay.call.charged and failure.kind is Kind.CONFLICT:
        return False  # a thing in a state that does not allow it, such as a batch that has ended
    if stay.retries >= _retries_for(stay, diary, lease, failure.kind):
        return False
    stay.retries += 1
    stay.retry_cost = verdict.retry_cost
    stay.tried |= {lease.deployment.id}
    if verdict.retry == "elsewhere":
        stay.banned |= {lease.deployment.id}
    return True


def _may_be_done(failure: Failure) -> bool:
    """Whether a request that was received may have been carried out although it failed: all but a clear no."""
    return failure.status is None or failure.status < 400 or failure.status == 408 or failure.status >= 500


def _last(stay: Stay) -> Failure:
    assert stay.failure is not None
    return stay.failure


def _error(stay: Stay, diary: Diary) -> APIError:
    deployment = stay.lease.deployment.id if stay.lease is not None else None
    return error_for(_last(stay), deployment=deployment, attempts=diary.attempts)


def _refused(stay: Stay, diary: Diary, refusal: Refusal) -> APIError:
    """The error of a call that found no place: its last failure if it had one, else NoDeploymentLeft."""
    retry_after = None if refusal.opening is None else max(0.0, refusal.opening - refusal.now)
    if stay.failure is not None:
        error = _error(stay, diary)
        if stay.failure.kind in (Kind.THROTTLED, Kind.BUSY) and retry_after is not None:
            error.retry_after = retry_after  # the soonest of all, not of the one that was asked last
        return error
    group = stay.call.group
    when = "" if retry_after is None else f"; the soonest fits in {retry_after:.1f} s"
    waited = f" after waiting {diary.waited:.1f} s" if diary.waited else ""
    lines = "".join(f"\n  {line}" for line in refusal.details)
    never = "Waiting does not help: ask for less (a shorter prompt, a smaller `max_tokens`), or raise the limit"
    patience = never if retry_after is None else "To wait longer, raise `max_wait`"
    error = NoDeploymentLeft(
        f"no deployment of {group!r} can take the call{'' if retry_after is None else ' now'}{waited}{when}.{lines}\n"
        f"  {patience}; to go elsewhere, configure `fallbacks`.",
        attempts=diary.attempts,
        retry_after=retry_after,
    )
    error.group = group
    error.details = refusal.details
    return error


def _routing(diary: Diary, lease: Lease) -> Routing:
    return Routing(
        deployment=lease.deployment.id,
        group=lease.call.group,
        attempts=diary.attempts,
        retries=len(diary.attempts) - diary.attempted,
        fallbacks=len(diary.groups) - 1,
        waited=diary.waited,
        tokens_reserved=lease.tokens,
        tokens_settled=lease.tokens_settled,
    )
