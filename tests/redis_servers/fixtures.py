"""Fixtures of real servers: one that is shared and emptied before each test, and one to be ill-treated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .binaries import KINDS, Kind
from .cluster import Cluster
from .replicated import Replicated
from .server import Server
from .tls import Certificates


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def redis_kind(request: pytest.FixtureRequest) -> Kind:
    """Each test that asks for it, or for a fixture below, runs once per server program that is here."""
    kind: Kind = request.param
    return kind


@pytest.fixture(scope="session")
def _shared_redis(redis_kind: Kind) -> Iterator[Server]:
    with Server(redis_kind) as server:
        yield server


@pytest.fixture
def redis_server(_shared_redis: Server) -> Server:
    """A running server without data and scripts, shared with other tests: do not change what FLUSHALL leaves."""
    _shared_redis.client.flushall()
    _shared_redis.client.script_flush()
    return _shared_redis


@pytest.fixture
def own_redis(redis_kind: Kind) -> Iterator[Server]:
    """A running server of this test alone: freeze it, kill it, fill it, set a password."""
    with Server(redis_kind) as server:
        yield server


@pytest.fixture(scope="session")
def _shared_cluster(redis_kind: Kind) -> Iterator[Cluster]:
    with Cluster(redis_kind) as cluster:
        yield cluster


@pytest.fixture
def redis_cluster(_shared_cluster: Cluster) -> Cluster:
    """A cluster of three without data and scripts, shared with other tests."""
    for server in _shared_cluster.servers:
        server.client.flushall()
        server.client.script_flush()
    return _shared_cluster


@pytest.fixture
def redis_sentinel(redis_kind: Kind) -> Iterator[Replicated]:
    """A primary, its copy and a sentinel, of this test alone."""
    with Replicated(redis_kind) as replicated:
        yield replicated


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority that only this session's tests know."""
    return Certificates(Path(tmp_path_factory.mktemp("tls")))
