"""Whom a conversation asks, and that it asks again only what was certainly not carried out."""

from __future__ import annotations

from typing import Any

import pytest
from redis import exceptions

from router.stores.reach.configured import access
from router.stores.reach.reasons import StoreUnavailable
from router.stores.reach.route import HOPS, Call, Conversation, Exchange, Route
from router.stores.reach.script import Script
from router.stores.reach.settings import RedisSettings

RUN = Script("return 1")
A, B, C = ("a", 1), ("b", 2), ("c", 3)
SLOTS = [[0, 8000, [b"a", 1, b"id"], [b"copy", 9]], [8001, 16383, [b"b", 2, b"id"]]]


def route(**settings: Any) -> Route:
    return Route(access(RedisSettings(**settings)))


def cluster() -> Route:
    return route(startup_nodes=(A, C))


def calls(number: int = 1) -> list[Call]:
    return [Call(RUN, ["{x}k"], [i]) for i in range(number)]


def talk(conversation: Conversation[Any], *answers: Any) -> tuple[list[Exchange], Any]:
    """Play a conversation with these answers; an exception is thrown in.  Returns what was asked, and its result."""
    asked: list[Exchange] = []
    try:
        _play(conversation, answers, asked)
    except StopIteration as done:
        return asked, done.value
    raise AssertionError("it goes on")


def failing(conversation: Conversation[Any], *answers: Any) -> tuple[list[Exchange], str]:
    """The same for one that comes to nothing: what was asked, and the reason."""
    asked: list[Exchange] = []
    with pytest.raises(StoreUnavailable) as caught:
        _play(conversation, answers, asked)
    return asked, caught.value.reason


def _play(conversation: Conversation[Any], answers: tuple[Any, ...], asked: list[Exchange]) -> None:
    step = next(conversation)
    for answer in answers:
        asked.append(step)
        step = conversation.throw(answer) if isinstance(answer, StoreUnavailable) else conversation.send(answer)


def test_a_single_server_is_asked_once_for_all_calls() -> None:
    (asked,), answer = talk(route(host="a", port=1).run(0, calls(3)), [[1], [2], [3]])
    assert answer == [[1], [2], [3]]
    assert asked == Exchange(A, [("EVALSHA", RUN.sha, 1, "{x}k", i) for i in range(3)])


def test_a_script_that_is_not_known_is_sent_whole_for_those_calls_only() -> None:
    lost = exceptions.NoScriptError("NOSCRIPT")
    (_, again), answer = talk(route(host="a", port=1).run(0, calls(3)), [lost, [2], lost], [[1], [3]])
    assert answer == [[1], [2], [3]]
    assert again.commands == [("EVAL", RUN.text, 1, "{x}k", i) for i in (0, 2)]


@pytest.mark.parametrize("reason", ["timeout", "reset", "refused"])
def test_what_may_have_been_carried_out_is_not_asked_again(reason: str) -> None:
    for one in (route(host="a"), cluster()):
        failed = StoreUnavailable(reason)
        asked, found = failing(one.run(0, calls()), *([[SLOTS]] if one.access.nodes[0] == A else []), failed)
        assert found == reason
        assert sum("EVALSHA" in step.commands[0] for step in asked) == 1


def test_an_error_of_one_call_is_that_calls_own() -> None:
    full = exceptions.OutOfMemoryError("x")
    _, (first, second) = talk(route(host="a").run(0, calls(2)), [full, [2]])
    assert isinstance(first, StoreUnavailable)
    assert (first.reason, second) == ("oom", [2])


def test_calls_of_one_slot_share_an_exchange_on_a_cluster_and_all_calls_elsewhere() -> None:
    assert cluster().lane(["{x}1"]) == cluster().lane(["{x}2"]) != cluster().lane(["{y}1"])
    assert cluster().lane([]) == route(host="a").lane(["{x}1"]) == route(host="a").lane(["{y}"]) == 0


def test_a_cluster_is_asked_for_its_slots_once() -> None:
    one = cluster()
    (slots, run), _ = talk(one.run(9000, calls()), [SLOTS], [[1]])
    assert slots == Exchange(A, [("CLUSTER", "SLOTS")])
    assert run.address == B
    (run,), _ = talk(one.run(5, calls()), [[1]])
    assert run.address == A


def test_a_server_that_gives_no_name_of_its_own_is_the_one_that_was_asked() -> None:
    (_, run), _ = talk(cluster().run(5, calls()), [[[0, 16383, [b"", 7]]]], [[1]])
    assert run.address == ("a", 7)


def test_moved_is_followed_and_remembered_for_that_slot() -> None:
    one = cluster()
    moved = exceptions.MovedError("5 c:3")
    (_, run, there), answer = talk(one.run(5, calls(2)), [SLOTS], [moved, moved], [[1], [2]])
    assert answer == [[1], [2]]
    assert (run.address, there.address) == (A, C)
    assert talk(one.run(5, calls()), [[1]])[0][0].address == C
    assert talk(one.run(6, calls()), [[1]])[0][0].address == A


def test_ask_is_followed_once_and_not_remembered() -> None:
    one = cluster()
    (_, _, there), answer = talk(
        one.run(5, calls(2)),
        [SLOTS],
        [exceptions.AskError("5 c:3"), exceptions.AskError("5 c:3")],
        ["OK", [1], "OK", [2]],
    )
    assert answer == [[1], [2]]
    assert there.address == C
    assert [command[0] for command in there.commands] == ["ASKING", "EVAL", "ASKING", "EVAL"]
    assert talk(one.run(5, calls()), [[1]])[0][0].address == A


def test_servers_that_send_each_other_the_ball_are_left() -> None:
    one = cluster()
    balls = [[exceptions.MovedError(f"5 {host}:1")] for host in "cdefgh"[: HOPS + 1]]
    asked, (answer,) = talk(one.run(5, calls()), [SLOTS], *balls)
    assert len(asked) == HOPS + 2
    assert answer.reason == "moved"
    assert next(one.run(5, calls())).commands == [("CLUSTER", "SLOTS")]


def test_a_single_server_that_says_moved_is_not_left() -> None:
    _, (answer,) = talk(route(host="a").run(0, calls()), [exceptions.MovedError("5 c:3")])
    assert answer.reason == "moved"


def test_after_a_failure_somebody_else_is_asked_for_the_way() -> None:
    one = cluster()
    failing(one.run(5, calls()), [SLOTS], StoreUnavailable("timeout"))
    assert next(one.run(5, calls())).address == B
    asked, reason = failing(
        one.run(5, calls()), StoreUnavailable("refused"), StoreUnavailable("refused"), StoreUnavailable("dns")
    )
    assert [step.address for step in asked] == [B, C, A]
    assert reason == "dns"


def test_time_that_ran_out_is_not_spent_on_others_and_the_next_begins_elsewhere() -> None:
    one = cluster()
    asked, reason = failing(one.run(5, calls()), StoreUnavailable("timeout"))
    assert (len(asked), reason) == (1, "timeout")
    assert next(one.run(5, calls())).address == C


@pytest.mark.parametrize("reply", [[], [[0, 4, [b"a", 1]]]])
def test_a_slot_that_nobody_has_is_a_cluster_that_is_down(reply: Any) -> None:
    answers = [[reply], [reply]] if not reply else [[reply]]
    assert failing(cluster().run(5, calls()), *answers)[1] == "cluster_down"


def test_sentinels_name_the_primary_which_is_kept_until_it_fails() -> None:
    one = route(sentinels=(A, B), service_name="quota")
    (who, run), _ = talk(one.run(0, calls()), [[b"d", b"7"]], [[1]])
    assert who == Exchange(A, [("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "quota")], sentinel=True)
    assert (run.address, run.sentinel) == (("d", 7), False)
    (run,), (answer,) = talk(one.run(0, calls()), [exceptions.ReadOnlyError("READONLY")])
    assert (run.address, answer.reason) == (("d", 7), "readonly")
    (who, other, run), _ = talk(one.run(0, calls()), StoreUnavailable("refused"), [[b"e", b"8"]], [[1]])
    assert (who.address, other.address, run.address) == (A, B, ("e", 8))


def test_sentinels_that_know_nobody_and_sentinels_that_refuse() -> None:
    one = route(sentinels=(A, B), service_name="quota")
    assert failing(one.run(0, calls()), [None], StoreUnavailable("refused"))[1] == "no_primary"
    refused = exceptions.AuthenticationError("NOAUTH")
    assert failing(one.run(0, calls()), [refused], [refused])[1] == "auth"


def test_ping() -> None:
    assert talk(route(host="a").ping(), [b"PONG"])[0][0].commands == [("PING",)]
    assert failing(route(host="a").ping(), [exceptions.NoPermissionError("x")])[1] == "forbidden"
