"""Does one ledger behind a lock serve many threads, tell its events outside it, and survive a fork?"""

from __future__ import annotations

import subprocess
import sys
import threading
from random import Random
from typing import Any

import pytest

from router.charge import ChargePolicy
from router.configured import Deployment
from router.events import Event, Throttled
from router.ledger import Ledger
from router.steps import Begin, Leave, Refusal, Reserve, Settle, Tell
from router.stores.memory import MemoryStore
from router.values import Call, Failure, Kind, Lease, Reply, Usage
from strategies.least_loaded import LeastLoaded


def call(tokens: int = 10, **options: Any) -> Call:
    return Call("chat.completions", "g", {}, tokens, **options)


def ledger_of(*names: str, charge: ChargePolicy = ChargePolicy.AUTO, **options: Any) -> Ledger:
    return Ledger([Deployment(n, "g", n, **options) for n in names], LeastLoaded(), Random(1), charge=charge)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# ---- steps -------------------------------------------------------------------------------------------------------


def test_each_step_is_carried_out_at_the_moment_of_the_stores_clock() -> None:
    clock = Clock()
    store = MemoryStore(ledger_of("east", tpm=1000), lambda event: None, clock)
    lease = store.apply(Reserve(call(900), "g"))
    assert isinstance(lease, Lease)
    assert lease.at == 1000.0
    clock.now = 1005.0
    refusal = store.apply(Reserve(call(900), "g", patience=100.0))
    assert isinstance(refusal, Refusal)
    assert (refusal.now, refusal.opening) == (1005.0, 1060.75)
    assert refusal.ticket is not None
    store.apply(Begin(lease, Reply(200, object())))
    assert lease.begun
    store.apply(Settle(lease, Reply(200, {}, Usage(1, 1, 2))))
    assert lease.settled
    store.apply(Leave(refusal.ticket, "g"))
    assert store.look(lambda ledger, now: (len(ledger.groups["g"].queue), now)) == (0, 1005.0)


async def test_the_awaiting_handle_is_the_same_door() -> None:
    store = MemoryStore(ledger_of("east", rpm=1), lambda event: None)
    assert isinstance(await store.aapply(Reserve(call(), "g")), Lease)
    assert isinstance(store.apply(Reserve(call(), "g")), Refusal)


def test_a_step_that_is_not_for_a_store_is_refused_by_name() -> None:
    store = MemoryStore(ledger_of("east"), lambda event: None)
    with pytest.raises(TypeError, match="a store was given Tell, which is no step of its own"):
        store.apply(Tell(Throttled("g", "east", 1.0)))  # type: ignore[arg-type]
    assert isinstance(store.apply(Reserve(call(), "g")), Lease), "and it holds its lock no longer"


def test_events_are_told_after_the_step_and_outside_the_lock() -> None:
    """A listener may ask the store something: it would wait for ever if the lock were held."""
    heard: list[tuple[Event, int]] = []
    store = MemoryStore(
        ledger_of("east"),
        lambda event: heard.append((event, store.look(lambda ledger, now: ledger.accounts["east"].in_flight))),
    )
    lease = store.apply(Reserve(call(), "g"))
    store.apply(Settle(lease, Failure(Kind.THROTTLED, "full", status=429, retry_after=3.0)))
    assert heard == [(Throttled("g", "east", 3.0), 0)]
    store.apply(Settle(lease, Failure(Kind.THROTTLED, "full", status=429, retry_after=3.0)))
    assert len(heard) == 1


def test_the_states_are_dated_from_the_start_of_the_store() -> None:
    ledger = ledger_of("east", "west")
    MemoryStore(ledger, lambda event: None, lambda: 1234.0)
    assert {account.health.since for account in ledger.accounts.values()} == {1234.0}


# ---- threads -----------------------------------------------------------------------------------------------------


def test_two_hundred_threads_lose_no_token_and_leave_nothing_open() -> None:
    """Each reserves, settles (some twice, some as failures) and gives up tickets; the sums are exact."""
    names = ("east", "west", "north")
    ledger = ledger_of(*names, charge=ChargePolicy.ACTUAL, tpm=10_000_000)
    store = MemoryStore(ledger, lambda event: None, lambda: 1000.0)  # time stands still: nothing ages out
    start = threading.Barrier(200)
    charged: list[int] = []
    problems: list[BaseException] = []

    def work(number: int) -> None:
        rng = Random(number)
        mine = 0
        start.wait()
        try:
            for turn in range(25):
                lease = store.apply(Reserve(call(rng.randint(1, 500)), "g"))
                end = turn % 4
                if end == 0:
                    result: Reply | Failure = Failure(Kind.CONNECT, sent=False)
                elif end == 1:
                    result = Failure(Kind.CANCELLED)
                    mine += lease.tokens
                else:
                    used = rng.randint(1, 900)
                    result = Reply(200, {}, Usage(used, 0, used))
                    mine += used
                for _ in range(1 + turn % 2):
                    store.apply(Settle(lease, result, blameless=True))
        except BaseException as error:
            problems.append(error)
        charged.append(mine)

    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # as many interleavings as can be had
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(old)
    assert problems == []
    accounts = [ledger.accounts[name] for name in names]
    assert [account.in_flight for account in accounts] == [0, 0, 0]
    assert sum(account.tokens.used for account in accounts) == sum(charged)
    assert sum(account.counters.attempts for account in accounts) == 200 * 25


def test_two_hundred_threads_never_exceed_a_limit() -> None:
    ledger = ledger_of("east", "west", tpm=50_000, rpm=60, max_parallel_requests=40)
    store = MemoryStore(ledger, lambda event: None, lambda: 1000.0)
    start = threading.Barrier(200)
    granted: list[str] = []

    def work() -> None:
        start.wait()
        answer = store.apply(Reserve(call(1000), "g"))
        if isinstance(answer, Lease):
            granted.append(answer.deployment.id)

    threads = [threading.Thread(target=work) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (granted.count("east"), granted.count("west")) == (40, 40)


# ---- forks -------------------------------------------------------------------------------------------------------

FORK = """
import os, sys, threading
from random import Random
from router.ledger import Ledger
from router.steps import Refusal, Reserve
from router.stores.memory import MemoryStore
from router.configured import Deployment
from router.values import Call, Lease
from strategies.least_loaded import LeastLoaded

ledger = Ledger([Deployment("east", "g", "m", tpm=1000, max_parallel_requests=1)], LeastLoaded(), Random(1))
store = MemoryStore(ledger, print)
assert isinstance(store.apply(Reserve(Call("chat.completions", "g", {}, 400), "g")), Lease)
waiting = store.apply(Reserve(Call("chat.completions", "g", {}, 400), "g", patience=10.0))
assert isinstance(waiting, Refusal) and waiting.ticket is not None
store._lock.acquire()  # as if another thread were in the middle of a step
child = os.fork()
if child == 0:
    lease = store.apply(Reserve(Call("chat.completions", "g", {}, 400), "g"))
    used, line = store.look(lambda ledger, now: (ledger.accounts["east"].tokens.used, len(ledger.groups["g"].queue)))
    os._exit(0 if isinstance(lease, Lease) and (used, line) == (800, 0) else 1)
store._lock.release()
_, status = os.waitpid(child, 0)
used, line = store.look(lambda ledger, now: (ledger.accounts["east"].tokens.used, len(ledger.groups["g"].queue)))
assert (used, line) == (400, 1), (used, line)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_child_keeps_the_charges_and_forgets_the_parents_open_calls_waiters_and_lock() -> None:
    """In an interpreter of its own, so that no thread of the test run is forked along."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_store_that_nobody_uses_any_more_is_collected_all_the_same() -> None:
    """The hook for forks holds it weakly."""
    import gc
    import weakref

    store = MemoryStore(ledger_of("east"), lambda event: None)
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None
