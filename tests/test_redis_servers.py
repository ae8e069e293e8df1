"""The servers that other tests stand on do what their names promise."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .redis_servers import Certificates, Cluster, Kind, Proxy, Replicated, Server
from .redis_servers.server import wait_until


def client(port: int, **options: object) -> redis.Redis:
    """Waits a tenth of a second and never retries."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis(port=port, socket_timeout=0.1, retry=retry, retry_on_error=[], **options)  # type: ignore[arg-type]


def test_a_shared_server_is_empty_before_each_test(redis_server: Server) -> None:
    assert redis_server.client.dbsize() == 0
    sha = redis_server.client.script_load("return 1")
    redis_server.client.set("a", 1)
    again = redis_server.client
    assert again.script_exists(sha) == [True]
    assert redis.Redis.from_url(redis_server.unix_url).get("a") == b"1"


def test_a_frozen_server_carries_out_later_what_was_sent(own_redis: Server) -> None:
    with client(own_redis.port) as impatient:
        impatient.ping()  # connected: else it would wait for the greeting and send nothing
        own_redis.freeze()
        with pytest.raises(redis.TimeoutError):
            impatient.incr("a")
    own_redis.thaw()
    wait_until(lambda: own_redis.client.get("a") == b"1", "it was carried out")


def test_a_killed_server_refuses_and_a_restarted_one_is_empty_on_the_same_port(own_redis: Server) -> None:
    own_redis.client.set("a", 1)
    own_redis.kill()
    with client(own_redis.port) as impatient, pytest.raises(redis.ConnectionError):
        impatient.get("a")
    own_redis.start()
    assert own_redis.client.get("a") is None


def test_a_full_server_and_a_copy_refuse_to_write(own_redis: Server, redis_kind: Kind) -> None:
    own_redis.client.set("a", 1)
    own_redis.config(maxmemory=1)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        own_redis.client.set("b", 1)
    with Server(redis_kind) as primary:
        own_redis.config(maxmemory=0)
        own_redis.replicate(primary)
        with pytest.raises(redis.exceptions.ReadOnlyError):
            own_redis.client.set("b", 1)
        own_redis.replicate(None)
        assert own_redis.client.set("b", 1)


def test_a_password_is_asked_for(redis_kind: Kind) -> None:
    with Server(redis_kind, password="p@:/#ss") as server:
        assert server.client.ping()
        assert redis.Redis.from_url(server.url).ping()
        with client(server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("a")


def test_calls_are_counted(redis_server: Server) -> None:
    before = redis_server.calls("get")
    redis_server.client.get("a")
    assert redis_server.calls("get") == before + 1


def test_a_cluster_shares_the_slots_and_a_slot_can_move(redis_cluster: Cluster) -> None:
    first, second, _ = redis_cluster.servers
    with redis.RedisCluster.from_url(redis_cluster.url) as everybody:
        slot = everybody.keyslot("{a}")
        assert everybody.set("{a}", 1)
        assert redis_cluster.owner(slot).client.get("{a}") == b"1"
        everybody.delete("{a}")
        home = redis_cluster.owner(slot)
        other = second if home is first else first
        redis_cluster.move(slot, home, other)
        try:
            assert everybody.set("{a}", 2)
            assert other.client.get("{a}") == b"2"
            everybody.delete("{a}")
        finally:
            redis_cluster.move(slot, other, home)


def test_when_the_primary_dies_its_copy_is_promoted(redis_sentinel: Replicated) -> None:
    old = redis_sentinel.primary
    old.client.set("a", 1)
    old.client.wait(1, 1000)
    new = redis_sentinel.fail_over()
    assert new is not old
    assert new.client.get("a") == b"1"
    assert new.client.set("b", 1)


def test_tls_is_spoken_with_those_who_trust_its_authority(redis_server: Server, certificates: Certificates) -> None:
    with certificates.in_front_of(redis_server) as door:
        trusting = {"ssl": True, "ssl_ca_certs": str(certificates.file)}
        with client(door.port, **trusting) as friend:
            assert friend.set("a", "x" * 100_000)
            assert len(friend.get("a") or b"") == 100_000
        with client(door.port, ssl=True) as stranger, pytest.raises(redis.ConnectionError) as caught:
            stranger.ping()
        assert isinstance(caught.value.__cause__ or caught.value.__context__, ssl.SSLCertVerificationError)


def test_a_proxy_delays_loses_holds_back_and_cuts_replies(redis_server: Server) -> None:
    with Proxy(redis_server.port) as proxy, client(proxy.port) as through:
        assert through.incr("a") == 1
        proxy.delay = 0.3
        with pytest.raises(redis.TimeoutError):
            through.incr("a")
        proxy.delay = 0.0
        through.ping()  # connected anew: what is lost is a reply, and no greeting
        proxy.lose_replies = True
        with pytest.raises(redis.TimeoutError):
            through.incr("a")
        proxy.lose_replies = False
        assert through.incr("a") == 4  # each had been carried out
        proxy.cut_replies = True
        with pytest.raises(redis.ConnectionError):
            through.incr("a")
        proxy.cut_replies = False
        assert through.get("a") == b"5"
        proxy.replies.clear()
        threading.Timer(0.03, proxy.replies.set).start()
        assert through.incr("a") == 6
        proxy.cut()
        assert proxy.connections >= 4


def test_servers_are_gone_when_their_test_run_was_killed() -> None:
    code = """
import sys, time
from tests.redis_servers import Server
server = Server().__enter__()
print(server._process.pid, server.folder, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        run.send_signal(signal.SIGKILL)
    wait_until(lambda: not _is_alive(int(pid)), "the server is gone")
    subprocess.run(["rm", "-r", folder], check=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"  # nobody may be there to bury it
    except OSError:
        return False


def test_a_server_that_cannot_start_shows_its_log(redis_kind: Kind) -> None:
    with pytest.raises(RuntimeError, match="did not start"), Server(redis_kind, options={"nonsense": "1"}):
        pass
