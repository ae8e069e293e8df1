"""Every failure has one word, and says nothing of what a server or a library said."""

from __future__ import annotations

import socket
import ssl

import pytest
from redis import exceptions

from router.stores.reach.reasons import SAYS, StoreUnavailable, reason_of


def wrapped(inner: BaseException) -> BaseException:
    """As redis-py does: an error of its own, raised while the system's is handled."""
    try:
        try:
            raise inner
        except BaseException:
            raise exceptions.ConnectionError("Error connecting to CANARY") from None
    except exceptions.ConnectionError as error:
        return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (exceptions.TimeoutError("Timeout reading from CANARY"), "timeout"),
        (TimeoutError(), "timeout"),
        (wrapped(ConnectionRefusedError()), "refused"),
        (wrapped(ssl.SSLCertVerificationError()), "tls"),
        (wrapped(socket.gaierror()), "dns"),
        (wrapped(OSError(113, "No route to host")), "refused"),
        (exceptions.ConnectionError(ssl.SSLError("x")), "tls"),
        (exceptions.ConnectionError("Connection closed by server."), "reset"),
        (ConnectionResetError(), "reset"),
        (exceptions.AuthenticationError("invalid username-password pair"), "auth"),
        (exceptions.NoPermissionError("this user has no permissions"), "forbidden"),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), "readonly"),
        (exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "readonly"),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), "readonly"),
        (exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "oom"),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "loading"),
        (exceptions.ResponseError("BUSY Redis is busy running a script."), "busy"),
        (exceptions.MovedError("866 127.0.0.1:7000"), "moved"),
        (exceptions.ClusterDownError("CLUSTERDOWN The cluster is down"), "cluster_down"),
        (exceptions.TryAgainError("Multiple keys request during rehashing of slot"), "cluster_down"),
        (exceptions.ClusterCrossSlotError("Keys in request don't hash to the same slot"), "cross_slot"),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), "wrong_type"),
        (exceptions.ResponseError("Error running script (call to f_1): @user_script:3: -READONLY You"), "readonly"),
        (exceptions.ResponseError("Error running script: @user_script:1: WRONGTYPE Operation"), "wrong_type"),
        (exceptions.ResponseError("user_script:1: Script attempted to access nonexistent global"), "script"),
        (exceptions.InvalidResponse("Protocol Error: b'HTTP/1.1'"), "protocol"),
        (StoreUnavailable("crowded"), "crowded"),
        (ValueError("CANARY"), "protocol"),
    ],
)
def test_a_reason(error: BaseException, reason: str) -> None:
    assert reason_of(error) == reason


def test_each_reason_has_a_sentence_that_goes_on_from_the_name_of_the_server() -> None:
    for reason, says in SAYS.items():
        error = StoreUnavailable(reason, "redis://cache:6379/0")
        assert str(error) == f"redis://cache:6379/0 {says}"
        assert (error.reason, error.shown) == (reason, "redis://cache:6379/0")
    with pytest.raises(KeyError):
        StoreUnavailable("weather")
