"""Scripts run on real servers, from threads, on asyncio and on trio; and whatever happens to the server has a name."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import fakeredis
import pytest

from router.stores.reach.client import ScriptClient
from router.stores.reach.configured import access
from router.stores.reach.reasons import StoreUnavailable
from router.stores.reach.script import Script
from router.stores.reach.settings import RedisSettings
from tests.redis_servers import Certificates, Cluster, Kind, Proxy, Replicated, Server
from tests.redis_servers.server import wait_until

ADD = Script("return {redis.call('INCRBY', KEYS[1], ARGV[1]), #KEYS}")
ECHO = Script("return ARGV[1]")
SLOW = Script("while redis.call('TIME')[1] - ARGV[1] < 100 do end")
Run = Callable[..., Awaitable[Any]]


def client_of(timeout: float = 0.25, **settings: Any) -> ScriptClient:
    return ScriptClient(access(RedisSettings(**settings)), timeout)


@pytest.fixture(params=["blocking", "awaiting"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a script through one of the two doors, in an async test: there are both, and on both kinds of loop."""

    async def run(client: ScriptClient, script: Script, *keys: str, args: tuple[Any, ...] = ()) -> Any:
        if request.param == "awaiting":
            return await client.acall(script, keys, args)
        return client.call(script, keys, args)

    return run


@pytest.fixture
def clients() -> Iterator[list[ScriptClient]]:
    """What is in here is closed at the end."""
    kept: list[ScriptClient] = []
    yield kept
    for client in kept:
        client.close()


async def reason(run: Run, client: ScriptClient, *rest: Any, **more: Any) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await run(client, *(rest or (ADD, "a")), **(more or {"args": (1,)}))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.reason


# ---- it works ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["url", "unix_url"])
async def test_a_script_runs_is_remembered_and_its_loss_is_made_good(
    over: str, redis_server: Server, run: Run, clients: list[ScriptClient]
) -> None:
    client = client_of(url=getattr(redis_server, over))
    clients.append(client)
    before = redis_server.calls("eval")
    assert await run(client, ADD, "{a}1", "{a}2", args=(5,)) == [5, 2]
    assert await run(client, ADD, "{a}1", args=(b"1",)) == [6, 1]
    assert redis_server.calls("eval") == before + 1
    redis_server.client.script_flush()
    assert await run(client, ADD, "{a}1", args=("1",)) == [7, 1]
    assert redis_server.calls("eval") == before + 2
    await client.aclose()


async def test_a_call_is_one_round_trip_and_a_connection_costs_none_of_its_own(
    redis_server: Server, run: Run, clients: list[ScriptClient]
) -> None:
    client = client_of(port=redis_server.port, host="127.0.0.1")
    clients.append(client)
    await run(client, ADD, "a", args=(1,))
    await client.aclose()
    client.close()
    again = client_of(port=redis_server.port, host="127.0.0.1")
    clients.append(again)
    before = redis_server.info("stats")["total_commands_processed"]
    await run(again, ADD, "a", args=(1,))
    assert redis_server.info("stats")["total_commands_processed"] - before == 3  # EVALSHA, its INCRBY, the INFO before
    await again.aclose()


async def test_concurrent_calls_each_get_their_own_answer(redis_server: Server, clients: list[ScriptClient]) -> None:
    client = client_of(url=redis_server.url, timeout=5.0)
    clients.append(client)
    answers: dict[int, Any] = {}

    async def ask(number: int) -> None:
        answers[number] = await client.acall(ECHO, [], [number])

    async with anyio.create_task_group() as tasks:
        for number in range(300):
            tasks.start_soon(ask, number)
    assert answers == {number: str(number).encode() for number in range(300)}
    await client.aclose()


def test_threads_share_it_and_each_gets_its_own_answer(redis_server: Server, clients: list[ScriptClient]) -> None:
    client = client_of(url=redis_server.url, timeout=5.0)
    clients.append(client)
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda number: client.call(ECHO, [], [number]), range(500)))
    assert answers == [str(number).encode() for number in range(500)]


async def test_a_name_and_a_password_of_any_characters(redis_kind: Kind, run: Run, clients: list[ScriptClient]) -> None:
    with Server(redis_kind, password="p@:/#%? SS") as server:
        server.client.execute_command("ACL", "SETUSER", "us@er", "on", ">p@:/#%2", "~*", "+@all")
        for settings in (
            {"url": server.url},
            {"url": server.unix_url},
            {"url": f"redis://127.0.0.1:{server.port}", "password": "p@:/#%? SS"},
            {"host": "127.0.0.1", "port": server.port, "password": "p@:/#%? SS"},
            {"host": "127.0.0.1", "port": server.port, "username": "us@er", "password": "p@:/#%2"},
        ):
            client = client_of(**settings)
            clients.append(client)
            assert await run(client, ECHO, args=(1,)) == b"1"
            shown = repr(client) + client.shown  # the socket's folder has a name of chance, in small letters
            assert not any(part in shown for part in ("SS", "p@", "p%40"))
            await client.aclose()


async def test_a_database_of_its_own(redis_server: Server, run: Run, clients: list[ScriptClient]) -> None:
    for settings in ({"url": redis_server.url, "db": 3}, {"url": redis_server.url[:-1] + "3"}):
        client = client_of(**settings)
        clients.append(client)
        await run(client, ADD, "a", args=(1,))
        await client.aclose()
    assert {name: db["keys"] for name, db in redis_server.info("keyspace").items()} == {"db3": 1}


async def test_a_provider_gives_the_credentials_of_each_new_connection(
    redis_kind: Kind, run: Run, clients: list[ScriptClient]
) -> None:
    class Provider:
        """Counts; the awaiting side of redis-py asks the second way."""

        asked = 0

        def get_credentials(self) -> tuple[str, str]:
            self.asked += 1
            return "default", "token"

        async def get_credentials_async(self) -> tuple[str, str]:
            return self.get_credentials()

    provider = Provider()
    with Server(redis_kind, password="token") as server:
        client = client_of(host="127.0.0.1", port=server.port, credential_provider=provider)
        clients.append(client)
        await run(client, ECHO, args=(1,))
        await run(client, ECHO, args=(1,))
        assert provider.asked == 1
        await client.aclose()


async def test_tls(redis_server: Server, certificates: Certificates, run: Run, clients: list[ScriptClient]) -> None:
    with certificates.in_front_of(redis_server) as door:
        trusting = client_of(url=door.url, ssl_ca_certs=str(certificates.file))
        by_host = client_of(host="localhost", port=door.port, ssl=True, ssl_ca_certs=str(certificates.file))
        stranger = client_of(url=door.url)
        in_clear = client_of(host="127.0.0.1", port=door.port)
        in_tls = client_of(host="127.0.0.1", port=redis_server.port, ssl=True)
        clients += [trusting, by_host, stranger, in_clear, in_tls]
        assert await run(trusting, ECHO, args=(1,)) == b"1"
        assert await run(by_host, ECHO, args=(1,)) == b"1"
        assert await reason(run, stranger) == "tls"
        assert await reason(run, in_clear) in ("reset", "protocol")
        assert await reason(run, in_tls) in ("tls", "timeout")  # Redis waits for the end of a line
        for client in clients:
            await client.aclose()


async def test_one_that_blocks_only_serves_from_threads(run: Run) -> None:
    server = fakeredis.FakeServer()
    client = client_of(client=fakeredis.FakeRedis(server=server))
    assert await run(client, ADD, "a", args=(5,)) == [5, 1]
    server.connected = False
    assert await reason(run, client) in ("refused", "reset")
    client.close()


async def test_ping(redis_server: Server, redis_kind: Kind, clients: list[ScriptClient]) -> None:
    client = client_of(url=redis_server.url)
    with Server(redis_kind) as gone:
        nobody = client_of(url=gone.url)
    clients += [client, nobody]
    client.ping()
    await client.aping()
    for ping in (nobody.aping, partial(anyio.to_thread.run_sync, nobody.ping)):
        with pytest.raises(StoreUnavailable) as caught:
            await ping()
        assert caught.value.reason == "refused"
    await client.aclose()


# ---- it does not ---------------------------------------------------------------------------------------------------


async def test_frozen_then_thawed(own_redis: Server, run: Run, clients: list[ScriptClient]) -> None:
    client = client_of(url=own_redis.url, timeout=0.2)
    clients.append(client)
    assert await run(client, ADD, "a", args=(1,)) == [1, 1]
    own_redis.freeze()
    started = time.monotonic()
    assert await reason(run, client) == "timeout"
    assert time.monotonic() - started < 2.0
    own_redis.thaw()
    # Carried out once, late, and the answer is nobody's.
    wait_until(lambda: own_redis.client.get("a") == b"2", "it was carried out")
    assert await run(client, ADD, "a", args=(1,)) == [3, 1]
    await client.aclose()


async def test_killed_then_restarted(own_redis: Server, run: Run, clients: list[ScriptClient]) -> None:
    client = client_of(url=own_redis.url)
    clients.append(client)
    await run(client, ADD, "a", args=(1,))
    own_redis.kill()
    assert await reason(run, client) == "refused"
    own_redis.start()
    assert await run(client, ADD, "a", args=(1,)) == [1, 1]
    await client.aclose()


async def test_an_idle_connection_that_was_closed_is_not_used(
    own_redis: Server, run: Run, clients: list[ScriptClient]
) -> None:
    client = client_of(url=own_redis.url)
    clients.append(client)
    await run(client, ADD, "a", args=(1,))
    own_redis.restart()
    assert await run(client, ADD, "a", args=(1,)) == [1, 1]
    await client.aclose()


async def test_a_line_that_is_cut_after_the_request(
    redis_server: Server, run: Run, clients: list[ScriptClient]
) -> None:
    with Proxy(redis_server.port) as proxy:
        client = client_of(url=proxy.url)
        clients.append(client)
        await run(client, ADD, "a", args=(1,))
        proxy.cut_replies = True
        assert await reason(run, client) == "reset"
        proxy.cut_replies = False
        assert await run(client, ADD, "a", args=(0,)) == [2, 1]  # it had been carried out, and not twice
        await client.aclose()


async def test_what_a_server_refuses_has_a_name(own_redis: Server, run: Run, clients: list[ScriptClient]) -> None:
    client = client_of(url=own_redis.url)
    clients.append(client)
    await run(client, ADD, "a", args=(1,))
    own_redis.client.hset("h", "x", 1)
    assert await reason(run, client, ADD, "h") == "wrong_type"
    assert await reason(run, client, Script("return nonsense()")) == "script"
    own_redis.config(maxmemory=1)
    assert await reason(run, client) == "oom"
    own_redis.config(maxmemory=0)
    own_redis.client.execute_command("ACL", "SETUSER", "default", "-incrby")
    assert await reason(run, client) in ("forbidden", "script")  # Redis before 7 tells the script only
    own_redis.client.execute_command("ACL", "SETUSER", "default", "+incrby", "-evalsha", "-eval")
    assert await reason(run, client) == "forbidden"
    own_redis.client.execute_command("ACL", "SETUSER", "default", "+@all")
    assert await run(client, ADD, "a", args=(1,)) == [2, 1]
    await client.aclose()


async def test_a_wrong_password_and_none(redis_kind: Kind, run: Run, clients: list[ScriptClient]) -> None:
    with Server(redis_kind, password="right") as server:
        wrong = client_of(host="127.0.0.1", port=server.port, password="CANARY")
        none = client_of(host="127.0.0.1", port=server.port)
        clients += [wrong, none]
        assert await reason(run, wrong) == "auth"
        assert await reason(run, none) == "auth"
        with pytest.raises(StoreUnavailable) as caught:
            await run(wrong, ECHO, args=(1,))
        assert "CANARY" not in f"{caught.value} {caught.value!r} {wrong!r}"
        assert str(caught.value).startswith(f"redis://127.0.0.1:{server.port}/0 refused the user name or password")
        await wrong.aclose()
        await none.aclose()


def test_a_copy_refuses_and_is_connected_to_anew(
    own_redis: Server, redis_kind: Kind, clients: list[ScriptClient]
) -> None:
    async def twice() -> None:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="is a read-only copy"):
                await client.acall(ADD, ["a"], [1])

    with Server(redis_kind) as primary:
        client = client_of(url=own_redis.url)
        clients.append(client)
        own_redis.replicate(primary)
        before = own_redis.info("stats")["total_connections_received"]
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="is a read-only copy"):
                client.call(ADD, ["a"], [1])
        asyncio.run(twice())
        assert own_redis.info("stats")["total_connections_received"] == before + 4


async def test_a_server_that_is_busy_with_a_script(own_redis: Server, run: Run, clients: list[ScriptClient]) -> None:
    own_redis.config(lua_time_limit=1)
    client = client_of(url=own_redis.url, timeout=0.3)
    clients.append(client)
    await run(client, ADD, "a", args=(1,))
    now = own_redis.client.time()[0]
    assert await reason(run, client, SLOW, args=(now,)) == "timeout"
    assert await reason(run, client) == "busy"
    own_redis.client.script_kill()
    wait_until(own_redis.client.ping, "the script is dead")
    assert await run(client, ADD, "a", args=(1,)) == [2, 1]
    await client.aclose()


async def test_names_and_ports_that_lead_nowhere(run: Run, clients: list[ScriptClient]) -> None:
    with Server() as gone:
        port, path = gone.port, gone.socket
    for settings, says in (
        ({"host": "no-such-host.invalid"}, "dns"),
        ({"host": "127.0.0.1", "port": port}, "refused"),
        ({"url": f"unix://{path}"}, "refused"),
    ):
        client = client_of(timeout=2.0, **settings)
        clients.append(client)
        assert await reason(run, client) == says
        await client.aclose()


async def test_somebody_else_on_the_port(run: Run, clients: list[ScriptClient]) -> None:
    async def serve(stream: Any) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        client = client_of(host="127.0.0.1", port=port, timeout=2.0)
        clients.append(client)
        with pytest.raises(StoreUnavailable) as caught:
            await client.acall(ECHO, [], [1])
        assert caught.value.reason == "protocol"
        await client.aclose()
        tasks.cancel_scope.cancel()


# ---- cancelled -----------------------------------------------------------------------------------------------------


async def test_cancelled_callers_leave_no_reply_for_others(redis_server: Server, clients: list[ScriptClient]) -> None:
    """An answer that was left on a connection would be the next caller's (CVE-2023-28858)."""
    client = client_of(url=redis_server.url, timeout=5.0)
    clients.append(client)
    wrong: list[Any] = []

    async def ask(number: int, turns: int) -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_after, scope, turns)
                answer = await client.acall(ECHO, [], [number])
                if answer != str(number).encode():
                    wrong.append((number, answer))
                tasks.cancel_scope.cancel()

    for start in range(0, 1000, 50):
        async with anyio.create_task_group() as tasks:
            for number in range(start, start + 50):
                tasks.start_soon(ask, number, number % 7)
    assert wrong == []
    assert await client.acall(ECHO, [], ["last"]) == b"last"
    await client.aclose()


async def _cancel_after(scope: anyio.CancelScope, turns: int) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


def test_on_asyncio_a_cancelled_caller_costs_no_connection(redis_server: Server) -> None:
    async def main() -> None:
        client = client_of(url=redis_server.url, timeout=5.0)
        await client.acall(ECHO, [], [1])
        before = redis_server.info("stats")["total_connections_received"]
        for _ in range(100):
            task = asyncio.create_task(client.acall(ECHO, [], [1]))
            for _ in range(3):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        await client.acall(ECHO, [], [1])
        assert redis_server.info("stats")["total_connections_received"] <= before + 3
        await client.aclose()

    asyncio.run(main())


def test_on_asyncio_calls_travel_together(redis_server: Server) -> None:
    async def main() -> None:
        with Proxy(redis_server.port) as proxy:
            client = client_of(url=proxy.url, timeout=5.0)
            await asyncio.gather(*(client.acall(ECHO, [], [1]) for _ in range(1000)))
            assert proxy.connections <= 4
            await client.aclose()

    asyncio.run(main())


def test_on_asyncio_who_waits_for_a_flight_waits_no_longer_than_the_timeout(own_redis: Server) -> None:
    async def main() -> None:
        client = client_of(url=own_redis.url, timeout=0.2)
        await client.acall(ECHO, [], [1])
        own_redis.freeze()
        started = time.monotonic()
        answers: list[Any] = []
        for _ in range(20):
            answers.append(asyncio.create_task(client.acall(ECHO, [], [1])))
            await asyncio.sleep(0)
        found = await asyncio.gather(*answers, return_exceptions=True)
        assert {error.reason for error in found} == {"timeout"}
        assert time.monotonic() - started < 2.0
        own_redis.thaw()
        assert await client.acall(ECHO, [], [2]) == b"2"
        await client.aclose()

    asyncio.run(main())


# ---- loops, threads, processes -------------------------------------------------------------------------------------


def test_loops_that_end_close_what_they_opened(redis_server: Server) -> None:
    client = client_of(url=redis_server.url)

    async def once() -> Any:
        return await client.acall(ECHO, [], [1])

    for _ in range(3):
        assert asyncio.run(once()) == b"1"
    gc.collect()  # a connection left open would warn, and warnings are errors
    wait_until(lambda: redis_server.info("clients")["connected_clients"] == 1, "only the test is connected")


def test_loops_in_several_threads_each_have_their_own(redis_server: Server) -> None:
    client = client_of(url=redis_server.url, timeout=5.0)

    async def many() -> set[Any]:
        return set(await asyncio.gather(*(client.acall(ECHO, [], [1]) for _ in range(50))))

    found: list[set[Any]] = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(many()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{b"1"}] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_connections_of_its_own(redis_server: Server, clients: list[ScriptClient]) -> None:
    client = client_of(url=redis_server.url)
    clients.append(client)
    assert client.call(ECHO, [], ["parent"]) == b"parent"
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def child(number: int) -> None:
        found = [client.call(ECHO, [], [f"{number} {i}"]) for i in range(50)]
        answers.put(found == [f"{number} {i}".encode() for i in range(50)])

    children = [context.Process(target=child, args=(number,)) for number in range(3)]
    for process in children:
        process.start()
    for i in range(50):
        assert client.call(ECHO, [], [f"parent {i}"]) == f"parent {i}".encode()
    assert [answers.get(timeout=20) for _ in children] == [True] * 3
    for process in children:
        process.join()
    before = redis_server.info("stats")["total_connections_received"]
    assert client.call(ECHO, [], ["parent"]) == b"parent"
    assert redis_server.info("stats")["total_connections_received"] == before  # the child has not closed its own copy


async def test_closed_is_closed(redis_server: Server, run: Run) -> None:
    client = client_of(url=redis_server.url)
    await run(client, ECHO, args=(1,))
    await client.aclose()
    client.close()
    client.close()
    assert await reason(run, client) == "closed"


# ---- Cluster and Sentinel ------------------------------------------------------------------------------------------


async def test_a_cluster_serves_each_group_where_it_lives(
    redis_cluster: Cluster, run: Run, clients: list[ScriptClient]
) -> None:
    for settings in ({"url": redis_cluster.url, "cluster": True}, {"startup_nodes": (_node(redis_cluster, 1),)}):
        client = client_of(**settings)
        clients.append(client)
        for number in range(30):
            answer = await run(client, ADD, f"{{{number}}}a", f"{{{number}}}b", args=(1,))
            assert answer[1] == 2
        await client.aclose()
    assert all(server.client.dbsize() for server in redis_cluster.servers)


def _node(cluster: Cluster, number: int) -> tuple[str, int]:
    return "127.0.0.1", cluster.servers[number].port


async def test_a_slot_that_moves_is_followed(redis_cluster: Cluster, run: Run, clients: list[ScriptClient]) -> None:
    client = client_of(url=redis_cluster.url, cluster=True)
    clients.append(client)
    slot = redis_cluster.servers[0].client.cluster("KEYSLOT", "{a}")
    home = redis_cluster.owner(slot)
    other = next(server for server in redis_cluster.servers if server is not home)
    await run(client, ECHO, "{a}", args=(1,))
    redis_cluster.begin_move(slot, home, other)
    # On its way: home knows the script, does not have the key, and says who may; this holds for this time only.
    assert await run(client, ADD, "{a}", args=(1,)) == [1, 1]
    assert await run(client, ADD, "{a}", args=(1,)) == [2, 1]
    assert (home.client.dbsize(), other.client.dbsize()) == (0, 1)
    redis_cluster.end_move(slot, home, other)
    try:
        assert await run(client, ADD, "{a}", args=(1,)) == [3, 1]
        asked = home.calls("evalsha")
        assert await run(client, ADD, "{a}", args=(1,)) == [4, 1]
        assert home.calls("evalsha") == asked  # it is remembered
    finally:
        other.client.flushall()
        redis_cluster.move(slot, other, home)
        await client.aclose()


async def test_one_that_takes_a_cluster_for_a_server_is_told(
    redis_cluster: Cluster, run: Run, clients: list[ScriptClient]
) -> None:
    client = client_of(url=redis_cluster.url)
    clients.append(client)
    found = {await reason(run, client, ADD, f"{{{i}}}") if not await _works(run, client, i) else "" for i in range(9)}
    assert found == {"", "moved"}
    assert await reason(run, client_of(url=redis_cluster.url, cluster=True), ADD, "{a}", "{b}") == "cross_slot"
    await client.aclose()


async def _works(run: Run, client: ScriptClient, number: int) -> bool:
    try:
        await run(client, ADD, f"{{{number}}}", args=(1,))
    except StoreUnavailable:
        return False
    return True


def test_a_dead_server_of_a_cluster_leaves_the_others(clients: list[ScriptClient]) -> None:
    with Cluster() as cluster:
        client = client_of(url=cluster.url, cluster=True)
        clients.append(client)
        keys = {}
        for server in cluster.servers:
            server.config(cluster_require_full_coverage="no")
        for number in range(40):
            keys[cluster.owner(cluster.servers[0].client.cluster("KEYSLOT", f"{{{number}}}"))] = f"{{{number}}}"
        first, *others = cluster.servers
        for key in keys.values():
            client.call(ADD, [key], [1])
        first.kill()
        with pytest.raises(StoreUnavailable) as caught:
            client.call(ADD, [keys[first]], [1])
        assert caught.value.reason == "refused"
        for server in others:
            assert client.call(ADD, [keys[server]], [1]) == [2, 1]


def test_sentinel_leads_to_the_primary_and_after_its_death_to_the_next(
    redis_kind: Kind, clients: list[ScriptClient]
) -> None:
    with Server() as dead, Replicated(redis_kind, password="da@ta", sentinel_password="se:nt") as replicated:
        dead.kill()
        client = client_of(
            sentinels=(("127.0.0.1", dead.port), *replicated.sentinels),
            service_name="quota",
            password="da@ta",
            sentinel_password="se:nt",
        )
        nobody = client_of(sentinels=replicated.sentinels, service_name="CANARY", sentinel_password="se:nt")
        clients += [client, nobody]
        old = replicated.primary
        assert client.call(ADD, ["a"], [1]) == [1, 1]
        assert asyncio.run(client.acall(ADD, ["a"], [1])) == [2, 1]
        old.client.wait(1, 1000)
        replicated.fail_over()
        with pytest.raises(StoreUnavailable) as caught:
            client.call(ADD, ["a"], [1])
        assert caught.value.reason == "refused"
        assert client.call(ADD, ["a"], [1]) == [3, 1]
        assert asyncio.run(client.acall(ADD, ["a"], [1])) == [4, 1]
        with pytest.raises(StoreUnavailable, match="has no primary that the sentinels know"):
            nobody.call(ADD, ["a"], [1])
