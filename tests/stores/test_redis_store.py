"""Does a replica go on, whatever happens to a real Redis, and does nothing stay behind in it?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import anyio

from router.configured import Deployment
from router.events import Event, StoreBack, StoreLost, StoreMended
from router.shared.ledger import SharedLedger
from router.steps import Reserve, Settle
from router.stores.reach.client import ScriptClient
from router.stores.reach.configured import access
from router.stores.reach.settings import RedisSettings
from router.stores.redis import RedisStore
from router.values import Call, Failure, Kind, Lease, Reply
from strategies.least_loaded import LeastLoaded
from tests.redis_servers import Cluster, Proxy, Replicated, Server

TIMEOUT_S = 0.25
DEPLOYMENTS = (Deployment("a", "g", "a", tpm=100_000, rpm=10_000), Deployment("b", "g", "b", tpm=100_000, rpm=10_000))


@contextmanager
def store_on(settings: RedisSettings, *, leases: bool = False) -> Iterator[tuple[RedisStore, list[Event]]]:
    told: list[Event] = []
    client = ScriptClient(access(settings), TIMEOUT_S)
    store = RedisStore(SharedLedger(DEPLOYMENTS, LeastLoaded(), Random(1), leases=leases), client, told.append)
    try:
        yield store, told
    finally:
        store.close()


def at(server: Server) -> RedisSettings:
    return RedisSettings(url=server.url)


def call(tokens: int = 10) -> Call:
    return Call("chat.completions", "g", {}, tokens)


def reserve(store: RedisStore, tokens: int = 10) -> tuple[Lease, float]:
    """A lease, and how long it took."""
    began = time.monotonic()
    lease = store.apply(Reserve(call(tokens), "g"))
    assert isinstance(lease, Lease)
    return lease, time.monotonic() - began


def wait_for(told: list[Event], kind: type[Event], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not any(isinstance(event, kind) for event in told):
        assert time.monotonic() < end, f"no {kind.__name__} within {seconds} s"
        time.sleep(0.01)  # a real server and a real thread: there is no virtual time here


def stands(server: Server, deployment: str = "a") -> tuple[int, int]:
    """Tokens and requests that stand in Redis for a deployment, added up from its slots."""
    fields = server.client.hgetall(f"azure-router:{{g}}:{deployment}")
    tokens = sum(int(v) for k, v in fields.items() if k[:1] == b"T")
    return tokens, sum(int(v) for k, v in fields.items() if k[:1] == b"R")


def both(server: Server) -> tuple[int, int]:
    (a, b), (c, d) = stands(server, "a"), stands(server, "b")
    return a + c, b + d


# ---- two replicas ------------------------------------------------------------------------------------------------


def test_two_replicas_see_each_other(redis_server: Server) -> None:
    with store_on(at(redis_server)) as (one, _), store_on(at(redis_server)) as (two, _):
        for _ in range(4):
            assert isinstance(one.apply(Reserve(call(45_000), "g")), Lease)
        refusal = two.apply(Reserve(call(45_000), "g"))
        assert not isinstance(refusal, Lease)
        assert refusal.reason == "full"
        assert 59.0 < refusal.opening - refusal.now <= 61.0
        assert two.look(lambda ledger, now: ledger.links["g"].replicas) == 2


def test_what_was_never_sent_is_given_back_within_a_moment(redis_server: Server) -> None:
    with store_on(at(redis_server)) as (store, _):
        lease, _ = reserve(store, 500)
        assert both(redis_server) == (500, 1)
        store.apply(Settle(lease, Failure(Kind.CANCELLED, sent=False)))
    assert both(redis_server) == (0, 0)  # told at the close, at the latest


def test_redis_holds_numbers_only_and_all_of_it_ends(redis_server: Server) -> None:
    with store_on(at(redis_server)) as (store, _):
        lease, _ = reserve(store)
        store.apply(Settle(lease, Failure(Kind.THROTTLED, status=429, retry_after=30.0)))
        reserve(store)
    client = redis_server.client
    keys = sorted(key.decode() for key in client.keys("*"))
    assert keys == ["azure-router:{g}:a", "azure-router:{g}:b", "azure-router:{g}:group"]
    for key in keys:
        assert 0 < client.ttl(key) <= 220
        assert client.type(key) == b"hash"


# ---- violence ----------------------------------------------------------------------------------------------------


def test_killed_under_load_no_call_fails_and_it_returns_by_itself(own_redis: Server) -> None:
    with store_on(at(own_redis)) as (store, told):
        reserve(store)
        own_redis.kill()
        slowest = max(reserve(store)[1] for _ in range(50))
        assert slowest < TIMEOUT_S + 0.2
        assert [type(event) for event in told] == [StoreLost]
        assert store.look(lambda ledger, now: ledger.accounts["a"].hold_for).startswith("alone")
        own_redis.restart()
        wait_for(told, StoreBack)
        assert store.look(lambda ledger, now: ledger.accounts["a"].hold_for) == "shared"
        reserve(store)
        assert both(own_redis) == (520, 52)  # what was charged before, and alone, was told again; each once


def test_frozen_a_call_waits_once_and_nothing_is_counted_twice(own_redis: Server) -> None:
    with store_on(at(own_redis)) as (store, told):
        reserve(store)
        own_redis.freeze()
        try:
            slowest = max(reserve(store)[1] for _ in range(20))
        finally:
            own_redis.thaw()
        assert slowest < TIMEOUT_S + 0.2
        wait_for(told, StoreBack)
        reserve(store)
        assert both(own_redis) == (220, 22)


def test_emptied_it_is_told_again(own_redis: Server) -> None:
    with store_on(at(own_redis)) as (store, told):
        for _ in range(5):
            reserve(store, 100)
        own_redis.client.flushall()
        own_redis.client.script_flush()
        reserve(store, 100)
        assert both(own_redis) == (600, 6)
        assert told == []


def test_full_or_read_only_it_is_left_alone_and_the_reason_is_told(own_redis: Server) -> None:
    with store_on(at(own_redis)) as (store, told):
        own_redis.config(maxmemory=1)
        reserve(store)
        own_redis.config(maxmemory=0)
        wait_for(told, StoreBack)
        assert [event.reason for event in told if isinstance(event, StoreLost)] == ["oom"]


def test_a_copy_that_may_not_be_written_is_left_alone(own_redis: Server) -> None:
    with Server(own_redis.kind) as primary, store_on(at(own_redis)) as (store, told):
        own_redis.replicate(primary)
        reserve(store)
        own_redis.replicate(None)
        wait_for(told, StoreBack)
        assert [event.reason for event in told if isinstance(event, StoreLost)] == ["readonly"]


def test_slow_each_call_waits_for_its_timeout_at_most_once(own_redis: Server) -> None:
    with Proxy(own_redis.port) as proxy, store_on(RedisSettings(url=proxy.url)) as (store, told):
        reserve(store)
        proxy.delay = 2.0
        slow = sorted(reserve(store)[1] for _ in range(20))
        assert slow[-1] < TIMEOUT_S + 0.2
        assert slow[-2] < 0.1  # after the first that waited, nobody did
        proxy.delay = 0.0
        wait_for(told, StoreBack)
        reserve(store)
        assert both(own_redis) == (220, 22)


def test_the_user_of_the_page_may_do_all_that_is_needed(own_redis: Server) -> None:
    page = (Path(__file__).parents[2] / "docs" / "redis.md").read_text(encoding="utf-8")
    words = next(line for line in page.splitlines() if line.startswith("ACL SETUSER")).split()
    own_redis.client.execute_command(*words)
    settings = RedisSettings(host="127.0.0.1", port=own_redis.port, username="azure-router", password="secret")
    with store_on(settings) as (store, told):
        lease, _ = reserve(store)
        store.apply(Settle(lease, Failure(Kind.CANCELLED, sent=False)))
        own_redis.client.script_flush()
        reserve(store)
        assert told == []


def test_a_key_of_another_kind_is_taken_over(redis_server: Server) -> None:
    redis_server.client.set("azure-router:{g}:a", "somebody else's")
    redis_server.client.rpush("azure-router:{g}:group", "x")
    with store_on(at(redis_server)) as (store, told):
        reserve(store)
        assert [event.keys for event in told if isinstance(event, StoreMended)] == [2]
        assert both(redis_server) == (10, 1)


def test_absent_at_the_start_calls_go_on_with_half(own_redis: Server) -> None:
    own_redis.kill()
    with store_on(at(own_redis)) as (store, told):
        reserve(store)
        assert [event.share for event in told if isinstance(event, StoreLost)] == [0.5]


# ---- cancellation ------------------------------------------------------------------------------------------------


async def test_cancelled_calls_leave_no_reservation_and_no_wrong_reply(redis_server: Server) -> None:
    dice = Random(3)
    with store_on(at(redis_server)) as (store, _):
        kept: list[Lease] = []

        async def one(seconds: float) -> None:
            with anyio.move_on_after(seconds):
                lease = await store.aapply(Reserve(call(7), "g"))
                assert isinstance(lease, Lease)
                assert lease.tokens == 7
                kept.append(lease)

        for _ in range(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(25):
                    tasks.start_soon(one, dice.random() * 0.004)
        for lease in kept:
            await store.aapply(Settle(lease, Failure(Kind.CANCELLED, sent=False)))
        await store.client.aclose()
    assert both(redis_server) == (0, 0)


def test_threads_share_one_store(redis_server: Server) -> None:
    with store_on(at(redis_server), leases=True) as (store, _):
        leases: list[Lease] = []

        def work() -> None:
            for _ in range(50):
                lease, _ = reserve(store, 20)
                leases.append(lease)
                store.apply(Settle(lease, Reply(200, {})))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(leases) == 400
        assert store.questions < 200  # the rest came out of allowances
    assert both(redis_server) == (8000, 400)


# ---- other shapes ------------------------------------------------------------------------------------------------


def test_it_runs_on_a_cluster(redis_cluster: Cluster) -> None:
    settings: dict[str, Any] = {"url": redis_cluster.url, "cluster": True}
    with store_on(RedisSettings(**settings)) as (one, _), store_on(RedisSettings(**settings)) as (two, told):
        reserve(one, 60_000)
        reserve(one, 60_000)
        assert not isinstance(two.apply(Reserve(call(60_000), "g")), Lease)
        assert told == []


def test_a_sentinels_failover_costs_no_call(redis_sentinel: Replicated) -> None:
    settings = RedisSettings(sentinels=tuple(redis_sentinel.sentinels), service_name="quota")
    with store_on(settings) as (store, told):
        reserve(store, 100)
        primary = redis_sentinel.fail_over()
        for _ in range(20):
            reserve(store, 100)
        if any(isinstance(event, StoreLost) for event in told):
            wait_for(told, StoreBack)
        reserve(store, 100)
        assert both(primary) == (2200, 22)
