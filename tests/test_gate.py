"""A host that cannot be reached closes for all its deployments, and one probe opens it again."""

from __future__ import annotations

from random import Random

from router.gate import Resource, State


def unreachable(*deployments: str, at: float = 0.0) -> tuple[Resource, float | None]:
    """A host after failures by these deployments in turn, and what the last one led to."""
    host, seconds = Resource(), None
    for deployment in deployments:
        seconds = host.failed(at, deployment, Random(5))
    return host, seconds


def test_three_failures_in_a_row_close_a_host_and_two_do_not():
    assert unreachable("a", "a")[1] is None
    host, seconds = unreachable("a", "a", "a", at=10.0)
    assert seconds is not None
    assert 2.5 <= seconds <= 5.0
    assert (host.state(10.0), host.since, host.reason) == (State.EJECTED, 10.0, "unreachable")
    assert not host.usable(10.0)
    assert host.opening(10.0) == 10.0 + seconds


def test_three_failures_of_two_deployments_within_thirty_seconds_close_it_in_spite_of_successes():
    host, rng = Resource(), Random(5)
    host.failed(0.0, "a", rng)
    host.succeeded(1.0)
    host.failed(10.0, "b", rng)
    host.succeeded(11.0)
    assert host.failed(29.0, "a", rng) is not None


def test_failures_of_one_deployment_between_successes_do_not_close_a_host_nor_do_old_ones():
    host, rng = Resource(), Random(5)
    for now in (0.0, 10.0, 20.0, 29.0):
        assert host.failed(now, "a", rng) is None
        host.succeeded(now)
    host = Resource()
    for now in (0.0, 16.0, 32.0, 48.0):
        assert host.failed(now, "a" if now else "b", rng) is None
        host.succeeded(now)


def test_one_probe_opens_a_host_again_at_once():
    host, seconds = unreachable("a", "a", "a")
    now = seconds or 0.0
    assert host.is_probe_due(now)
    host.begin_probe(now)
    assert host.state(now) is State.PROBING
    assert not host.usable(now)
    assert host.succeeded(now)
    assert host.state(now) is State.READY
    assert host.failed(now, "b", Random(5)) is None
    assert host.failed(now, "a", Random(5)) is None  # the failures before the probe are forgotten


def test_a_failed_probe_closes_it_for_about_twice_as_long():
    host, seconds = unreachable("a", "b", "a")
    now = seconds or 0.0
    host.begin_probe(now)
    again = host.failed(now, "a", Random(5))
    assert again is not None
    assert 5.0 <= again <= 10.0


def test_while_it_is_closed_only_the_probe_is_heard():
    host, seconds = unreachable("a", "a", "a")
    now = seconds or 0.0
    assert host.failed(0.0, "a", Random(5)) is None
    assert not host.succeeded(0.0)
    host.begin_probe(now)
    assert not host.succeeded(now, probe=False)
    assert host.state(now) is State.PROBING


def test_an_abandoned_probe_leaves_the_next_call_to_be_it():
    host, seconds = unreachable("a", "a", "a")
    now = seconds or 0.0
    host.begin_probe(now)
    host.abandon_probe(now)
    assert host.is_probe_due(now)


def test_a_panic_does_not_believe_that_a_host_is_gone():
    host, _ = unreachable("a", "a", "a")
    assert host.usable(0.0, panic=True)
