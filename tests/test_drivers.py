"""Is everything given back, however a call dies, and is nobody left asleep?

The real journey and the real store; the transport is a fake that blocks, so that a call can be killed at each place
where it waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio

from router.configured import Deployment, HealthPolicy, Policy
from router.drivers import adrive, drive
from router.errors import BadRequestError, InternalServerError, NoDeploymentLeft
from router.events import Event, GaveUp, StrategyFailed
from router.journey import Granted, journey
from router.ledger import Ledger
from router.steps import Journey, Leave, Refusal, Reserve, Settle, StoreStep, Ticket, Wait
from router.stores.memory import MemoryStore
from router.values import Call, Failure, Kind, Lease, Reply, Usage
from strategies import Candidate, Situation
from strategies.least_loaded import LeastLoaded

SOON = 5.0
"""Seconds after which a test that hangs fails; none of them waits this long."""


def call(tokens: int = 10, **options: Any) -> Call:
    return Call("chat.completions", "g", {"messages": []}, tokens, **options)


def store_of(**options: Any) -> MemoryStore:
    """One deployment."""
    ledger = Ledger([Deployment("east", "g", "m", **options)], LeastLoaded(), Random(1), HealthPolicy())
    return MemoryStore(ledger, lambda event: None)


def trip(asked: Call | None = None) -> Journey[Granted]:
    return journey(asked or call(), Policy(), Random(1))


def nothing_is_held(store: MemoryStore) -> bool:
    account = store.ledger.accounts["east"]
    return account.in_flight == 0 and len(store.ledger.groups["g"].queue) == 0


def ignore(event: Event) -> None:
    """Nobody listens."""


class Transport:
    """Answers at once, or does what a test wants."""

    def __init__(self, deed: Callable[[], Any] | None = None, adeed: Callable[[], Any] | None = None) -> None:
        self.deed = deed
        self.adeed = adeed
        self.sent = 0

    def send(self, lease: Lease, timeout: float) -> Reply | Failure:
        self.sent += 1
        answer = self.deed() if self.deed is not None else None
        return answer or Reply(200, {}, Usage(5, 5, 10))

    async def asend(self, lease: Lease, timeout: float) -> Reply | Failure:
        self.sent += 1
        answer = await self.adeed() if self.adeed is not None else None
        return answer or Reply(200, {}, Usage(5, 5, 10))


class SlowStore:
    """A store across a network: each step may be cancelled before it is carried out."""

    waits = True

    def __init__(self, store: MemoryStore, stop_at: int) -> None:
        self.store = store
        self.stop_at = stop_at
        self.steps = 0
        self.stopped = anyio.Event()

    def apply(self, step: StoreStep) -> Any:
        return self.store.apply(step)

    def apply_later(self, step: Settle | Leave) -> None:
        self.store.apply_later(step)

    async def aapply(self, step: StoreStep) -> Any:
        self.steps += 1
        if self.steps == self.stop_at:
            self.stopped.set()
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        return self.store.apply(step)


# ---- the plain way -----------------------------------------------------------------------------------------------


def test_a_journey_is_driven_to_its_end_blocking() -> None:
    store = store_of()
    granted = drive(trip(), store, Transport(), ignore)
    assert granted.routing.deployment == "east"
    assert nothing_is_held(store)


async def test_a_journey_is_driven_to_its_end_awaiting() -> None:
    store = store_of()
    granted = await adrive(trip(), store, Transport(), ignore)
    assert granted.routing.deployment == "east"
    assert nothing_is_held(store)


async def test_both_drivers_do_the_same_steps_in_the_same_order() -> None:
    """A failure, a pause, a retry, and the end; told by both."""

    def told(events: list[Event]) -> list[str]:
        return [repr(event) for event in events]

    answers = [Failure(Kind.BAD_REQUEST, "no", status=400)]
    blocking: list[Event] = []
    awaiting: list[Event] = []
    with pytest.raises(BadRequestError):
        drive(trip(call(watched=True)), store_of(), Transport(lambda: answers[0]), blocking.append)

    async def no() -> Failure:
        return answers[0]

    with pytest.raises(BadRequestError):
        await adrive(trip(call(watched=True)), store_of(), Transport(adeed=no), awaiting.append)
    assert told(blocking) == told(awaiting)
    assert isinstance(blocking[-1], GaveUp)


def test_a_stream_is_handed_over_with_its_lease_open() -> None:
    store = store_of()
    granted = drive(trip(call(stream=True)), store, Transport(), ignore)
    assert not granted.lease.settled
    assert store.ledger.accounts["east"].in_flight == 1


async def test_a_stream_is_handed_over_with_its_lease_open_awaiting() -> None:
    store = store_of()
    granted = await adrive(trip(call(stream=True)), store, Transport(), ignore)
    assert not granted.lease.settled
    assert store.ledger.accounts["east"].in_flight == 1


def strange() -> Generator[Any, Any, Granted]:
    yield "a sandwich"
    raise AssertionError("a driver must not answer this")


async def test_a_step_that_no_driver_knows_is_named() -> None:
    with pytest.raises(TypeError, match="a journey asked for str, which no driver knows"):
        drive(strange(), store_of(), Transport(), ignore)
    with pytest.raises(TypeError, match="a journey asked for str, which no driver knows"):
        await adrive(strange(), store_of(), Transport(), ignore)


# ---- death: blocking ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("death", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_ctrl_c_while_sending_gives_the_lease_back_and_keeps_its_charge(death: type[BaseException]) -> None:
    store = store_of(tpm=1000)

    def die() -> None:
        raise death

    with pytest.raises(death):
        drive(trip(), store, Transport(die), ignore)
    assert nothing_is_held(store)
    assert store.ledger.accounts["east"].tokens.used == 10, "the service may have counted it"
    assert store.ledger.accounts["east"].counters.failures == 0, "and it is no failure of the deployment"


def test_a_request_that_cannot_be_sent_costs_nothing() -> None:
    store = store_of(tpm=1000)

    def refuse() -> None:
        raise BadRequestError("this cannot be written as JSON")

    with pytest.raises(BadRequestError):
        drive(trip(), store, Transport(refuse), ignore)
    assert nothing_is_held(store)
    assert store.ledger.accounts["east"].tokens.used == 0


def test_ctrl_c_while_queueing_gives_the_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(max_parallel_requests=1)
    drive(trip(call(stream=True)), store, Transport(), ignore)

    def interrupted(self: threading.Event, timeout: float | None = None) -> bool:
        assert len(store.ledger.groups["g"].queue) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drive(trip(), store, Transport(), ignore)
    assert len(store.ledger.groups["g"].queue) == 0


def test_a_listener_that_dies_between_reserve_and_send_costs_nothing() -> None:
    store = store_of(tpm=1000)

    def die(event: Event) -> None:
        raise KeyboardInterrupt

    transport = Transport()
    with pytest.raises(KeyboardInterrupt):
        drive(trip(call(watched=True)), store, transport, die)
    assert transport.sent == 0
    assert nothing_is_held(store)
    assert store.ledger.accounts["east"].tokens.used == 0


def test_a_call_that_fails_holds_nothing_afterwards() -> None:
    store = store_of()
    failure = Failure(Kind.SERVER_ERROR, "boom", status=500)
    with pytest.raises(InternalServerError):
        drive(trip(call(num_retries=0)), store, Transport(lambda: failure), ignore)
    assert nothing_is_held(store)


def test_a_listener_that_dies_of_an_event_of_the_choice_costs_nothing() -> None:
    """`StrategyFailed` is told after the choice is charged and before anybody holds its lease."""

    class Failing:
        def choose(self, candidates: Sequence[Candidate], situation: Situation) -> Candidate:
            raise LookupError

    def die(event: Event) -> None:
        assert isinstance(event, StrategyFailed)
        raise SystemExit

    deployments = [Deployment(name, "g", "m", tpm=1000) for name in ("east", "west")]
    store = MemoryStore(Ledger(deployments, Failing(), Random(1), HealthPolicy()), die)
    with pytest.raises(SystemExit):
        drive(trip(), store, Transport(), ignore)
    assert [(a.in_flight, a.tokens.used) for a in store.ledger.accounts.values()] == [(0, 0), (0, 0)]


# ---- death: awaiting ---------------------------------------------------------------------------------------------


async def test_cancelling_while_sending_gives_the_lease_back_and_keeps_its_charge() -> None:
    store = store_of(tpm=1000)
    sending = anyio.Event()

    async def hang() -> None:
        sending.set()
        await anyio.sleep_forever()

    with anyio.fail_after(SOON):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(adrive, trip(), store, Transport(adeed=hang), ignore)
            await sending.wait()
            assert store.ledger.accounts["east"].in_flight == 1
            tasks.cancel_scope.cancel()
    assert nothing_is_held(store)
    assert store.ledger.accounts["east"].tokens.used == 10


def close_within(store: MemoryStore, trapped: Coroutine[Any, Any, Any]) -> None:
    """As the garbage collector closes what waited in an event loop that is gone: at any allocation, under any lock."""
    closing = threading.Thread(target=store.look, args=[lambda _ledger, _now: trapped.close()], daemon=True)
    closing.start()
    closing.join(SOON)
    assert not closing.is_alive()
    store.look(lambda _ledger, _now: None)


class Never:
    """Awaited, it gives the control back to nobody."""

    def __await__(self) -> Generator[None]:
        yield


def test_a_call_that_is_collected_while_it_sends_gives_its_lease_back() -> None:
    async def hang() -> None:
        await Never()

    store = store_of(tpm=1000)
    trapped = adrive(trip(), store, Transport(adeed=hang), ignore)
    trapped.send(None)
    assert not nothing_is_held(store)
    close_within(store, trapped)
    assert nothing_is_held(store)
    assert store.ledger.accounts["east"].tokens.used == 10


def test_a_call_that_is_collected_while_it_queues_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: Wait) -> float:
        await Never()
        return 0.0

    monkeypatch.setattr("router.drivers._asleep", hang)
    store = store_of(max_parallel_requests=1)
    drive(trip(call(stream=True)), store, Transport(), ignore)
    trapped = adrive(trip(), store, Transport(), ignore)
    trapped.send(None)
    assert len(store.ledger.groups["g"].queue) == 1
    close_within(store, trapped)
    assert len(store.ledger.groups["g"].queue) == 0


async def test_cancelling_while_queueing_gives_the_place_back() -> None:
    store = store_of(max_parallel_requests=1)
    await adrive(trip(call(stream=True)), store, Transport(), ignore)
    queue = store.ledger.groups["g"].queue
    with anyio.fail_after(SOON):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(adrive, trip(), store, Transport(), ignore)
            while not queue.tickets or queue.tickets[0].bell is None:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
    assert len(queue) == 0


async def test_cancelling_in_a_backoff_holds_nothing() -> None:
    store = store_of()

    async def boom() -> Failure:
        return Failure(Kind.THROTTLED, "full", status=429, retry_after=20.0)

    with anyio.move_on_after(0.05) as scope:
        await adrive(trip(call(timeout=60.0)), store, Transport(adeed=boom), ignore)
    assert scope.cancelled_caught
    assert nothing_is_held(store)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("stop_at", [1, 2])
async def test_cancelling_at_any_step_of_a_remote_store_leaves_nothing_behind(stop_at: int, stream: bool) -> None:
    """The first step reserves; the second settles a whole reply or begins a stream."""
    store = SlowStore(store_of(tpm=1000), stop_at)
    with anyio.fail_after(SOON):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(adrive, trip(call(stream=stream)), store, Transport(), ignore)
            await store.stopped.wait()
            tasks.cancel_scope.cancel()
    assert nothing_is_held(store.store)
    assert store.store.ledger.accounts["east"].tokens.used == (0 if stop_at == 1 else 10)


async def test_cancelling_while_a_waiter_looks_again_gives_its_place_back() -> None:
    """Rung, it asks a remote store once more, and is cancelled in the middle of that."""
    inner = store_of(max_parallel_requests=1)
    open_stream = await adrive(trip(call(stream=True)), inner, Transport(), ignore)
    store = SlowStore(inner, 2)
    queue = inner.ledger.groups["g"].queue
    with anyio.fail_after(SOON):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(adrive, trip(), store, Transport(), ignore)
            while not queue.tickets or queue.tickets[0].bell is None:
                await anyio.lowlevel.checkpoint()
            queue.tickets[0].ring()
            await store.stopped.wait()
            tasks.cancel_scope.cancel()
    assert len(queue) == 0
    assert not open_stream.lease.settled


async def test_a_listener_that_dies_costs_nothing_awaiting() -> None:
    store = store_of(tpm=1000)

    def die(event: Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await adrive(trip(call(watched=True)), store, Transport(), die)
    assert nothing_is_held(store)
    assert store.ledger.accounts["east"].tokens.used == 0


# ---- waking ------------------------------------------------------------------------------------------------------


def wait_for(ticket: Ticket, seconds: float = SOON) -> Journey[float]:
    """A journey that only waits for a ticket."""
    waited: float = yield Wait(seconds, ticket)
    return waited


def ticket() -> Ticket:
    return Ticket(call(), 10, 1e9, 1)


def ring_when_it_sleeps(waiting: Ticket) -> threading.Thread:
    """Ring from another thread as soon as the driver has hung up its bell."""

    def ring() -> None:
        while waiting.bell is None:
            pass
        waiting.ring()

    thread = threading.Thread(target=ring)
    thread.start()
    return thread


def test_a_ring_from_another_thread_wakes_a_blocked_thread() -> None:
    waiting = ticket()
    thread = ring_when_it_sleeps(waiting)
    assert drive(wait_for(waiting), store_of(), Transport(), ignore) < SOON
    thread.join()
    assert waiting.bell is None


async def test_a_ring_from_another_thread_wakes_a_task() -> None:
    waiting = ticket()
    thread = ring_when_it_sleeps(waiting)
    assert await adrive(wait_for(waiting), store_of(), Transport(), ignore) < SOON
    thread.join()
    assert waiting.bell is None


async def test_a_ring_between_the_refusal_and_the_wait_is_not_lost() -> None:
    for _ in range(3):
        waiting = ticket()
        waiting.ring()
        assert drive(wait_for(waiting), store_of(), Transport(), ignore) < SOON
        assert await adrive(wait_for(waiting), store_of(), Transport(), ignore) < SOON


async def test_without_a_ring_it_sleeps_as_long_as_it_was_told_and_no_longer() -> None:
    assert 0.01 <= drive(wait_for(ticket(), 0.01), store_of(), Transport(), ignore) < SOON
    assert 0.009 <= await adrive(wait_for(ticket(), 0.01), store_of(), Transport(), ignore) < SOON


async def test_a_pause_without_a_ticket_is_slept_through() -> None:
    def pause() -> Journey[float]:
        waited: float = yield Wait(0.01)
        return waited

    assert drive(pause(), store_of(), Transport(), ignore) >= 0.01
    assert await adrive(pause(), store_of(), Transport(), ignore) >= 0.009


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_ringing_for_an_event_loop_that_has_ended_is_harmless(run: Callable[[Any], Any]) -> None:
    waiting = ticket()
    kept: list[Callable[[], None]] = []

    async def main() -> None:
        async def catch_the_bell() -> None:
            while waiting.bell is None:
                await anyio.lowlevel.checkpoint()
            kept.append(waiting.bell)
            waiting.ring()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(catch_the_bell)
            await adrive(wait_for(waiting), store_of(), Transport(), ignore)

    run(main())
    kept[0]()


def test_threads_asyncio_and_trio_may_wait_in_one_line_at_once() -> None:
    """One parallel slot, and twelve callers of each world: every one is served, and nobody sleeps on."""
    store = store_of(max_parallel_requests=1)
    served: list[str] = []

    def blocking() -> None:
        drive(trip(call(max_wait=SOON)), store, Transport(), ignore)
        served.append("thread")

    async def awaiting(name: str) -> None:
        async def work() -> None:
            await adrive(trip(call(max_wait=SOON)), store, Transport(adeed=lambda: anyio.sleep(0.001)), ignore)
            served.append(name)

        async with anyio.create_task_group() as tasks:
            for _ in range(12):
                tasks.start_soon(work)

    threads = [threading.Thread(target=blocking) for _ in range(12)]
    threads.append(threading.Thread(target=lambda: asyncio.run(awaiting("asyncio"))))
    threads.append(threading.Thread(target=lambda: trio.run(awaiting, "trio")))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert sorted(served) == ["asyncio"] * 12 + ["thread"] * 12 + ["trio"] * 12
    assert nothing_is_held(store)


def test_a_waiter_is_served_when_another_thread_settles() -> None:
    """The whole way: refused, queued, rung by the settlement of the call before it."""
    store = store_of(max_parallel_requests=1)
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        inside.set()
        assert go_on.wait(SOON)

    first = threading.Thread(target=drive, args=(trip(), store, Transport(hold), ignore))
    first.start()
    assert inside.wait(SOON)
    queue = store.ledger.groups["g"].queue

    def release() -> None:
        while not queue.tickets or queue.tickets[0].bell is None:
            pass
        go_on.set()

    second = threading.Thread(target=release)
    second.start()
    granted = drive(trip(), store, Transport(), ignore)
    assert granted.routing.waited < SOON
    first.join()
    second.join()
    assert nothing_is_held(store)


def test_a_call_that_nothing_can_ever_take_is_refused_at_once() -> None:
    with pytest.raises(NoDeploymentLeft):
        drive(trip(call(5000)), store_of(tpm=1000), Transport(), ignore)


def test_leaving_the_line_is_a_step_that_drivers_carry_out() -> None:
    store = store_of(max_parallel_requests=1)
    drive(trip(call(stream=True)), store, Transport(), ignore)

    def impatient() -> Journey[int]:
        refusal: Refusal = yield Reserve(call(), "g", patience=10.0)
        assert isinstance(refusal, Refusal)
        assert refusal.ticket is not None
        length = len(store.ledger.groups["g"].queue)
        yield Leave(refusal.ticket, "g")
        return length

    assert drive(impatient(), store, Transport(), ignore) == 1
    assert len(store.ledger.groups["g"].queue) == 0
