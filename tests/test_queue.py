"""Who is next in line, who may overtake whom, and who is woken?"""

from __future__ import annotations

from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from router.queue import EXAMINED, Queue
from router.steps import Ticket
from router.values import Call

PLACES = st.tuples(st.integers(0, 3), st.sampled_from([10.0, 20.0, 30.0]), st.integers(1, 5))
"""Priority, deadline, tokens."""


def call(priority: int = 0) -> Call:
    return Call("chat.completions", "g", {}, priority=priority)


def line(*places: tuple[int, float, int]) -> tuple[Queue, list[Ticket]]:
    queue = Queue()
    return queue, [queue.join(call(priority), tokens, deadline) for priority, deadline, tokens in places]


def rung(tickets: list[Ticket]) -> list[int]:
    return [i for i, ticket in enumerate(tickets) if ticket.rung]


@given(st.lists(PLACES, max_size=30))
def test_the_order_is_priority_then_deadline_then_arrival(places: list[tuple[int, float, int]]) -> None:
    queue, tickets = line(*places)
    by_hand = sorted(range(len(places)), key=lambda i: (places[i][0], places[i][1], i))
    assert queue.tickets == [tickets[i] for i in by_hand]


@given(st.lists(PLACES, max_size=30), PLACES)
def test_a_newcomer_waits_behind_every_earlier_ticket_that_needs_no_more_and_passes_those_that_need_more(
    places: list[tuple[int, float, int]], new: tuple[int, float, int]
) -> None:
    queue, tickets = line(*places)
    priority, deadline, tokens = new
    ahead = list(queue.ahead_of(call(priority), tokens, deadline, None))
    earlier = {
        t for t, (p, d, n) in zip(tickets, places, strict=True) if (p, d) <= (priority, deadline) and n <= tokens
    }
    assert set(ahead) == earlier


@given(st.lists(PLACES, min_size=1, max_size=30), st.data())
def test_a_ticket_waits_behind_the_same_ones_as_when_it_came(places: list[tuple[int, float, int]], data: Any) -> None:
    queue, tickets = line(*places)
    mine = data.draw(st.sampled_from(tickets))
    ahead = list(queue.ahead_of(mine.call, mine.tokens, mine.deadline, mine))
    before = queue.tickets[: queue.tickets.index(mine)]
    assert ahead == [t for t in before if t.tokens <= mine.tokens]


@given(st.lists(PLACES, min_size=1, max_size=20), st.lists(st.integers(0, 19), max_size=40))
def test_leaving_in_any_order_and_more_than_once_empties_the_line(
    places: list[tuple[int, float, int]], leavers: list[int]
) -> None:
    queue, tickets = line(*places)
    for i in leavers:
        ticket = tickets[i % len(tickets)]
        queue.leave(ticket)
        assert ticket not in queue.tickets
    assert len(queue) == len(tickets) - len({i % len(tickets) for i in leavers})
    for ticket in tickets:
        queue.leave(ticket)
    assert len(queue) == 0


def test_when_the_head_leaves_the_next_is_rung_and_so_on_to_the_end() -> None:
    queue, tickets = line((0, 10.0, 1), (0, 20.0, 1), (0, 30.0, 1))
    for i in range(3):
        assert rung(tickets) == list(range(1, i + 1))
        queue.leave(tickets[i])


def test_when_one_in_the_middle_leaves_the_one_behind_it_is_rung() -> None:
    queue, tickets = line((0, 10.0, 1), (0, 20.0, 1), (0, 30.0, 1))
    queue.leave(tickets[1])
    assert rung(tickets) == [2]


def test_when_the_last_leaves_the_head_is_rung() -> None:
    queue, tickets = line((0, 10.0, 1), (0, 20.0, 1))
    queue.leave(tickets[1])
    assert rung(tickets) == [0]


def test_leaving_twice_rings_nobody_a_second_time() -> None:
    queue, tickets = line((0, 10.0, 1), (0, 20.0, 1), (0, 30.0, 1))
    queue.leave(tickets[0])
    tickets[1].rung = False
    queue.leave(tickets[0])
    assert rung(tickets) == []


def test_what_was_kept_for_the_head_is_free_again_when_the_head_leaves_and_only_then() -> None:
    queue, tickets = line((0, 10.0, 1), (0, 20.0, 1))
    queue.kept = "east"
    queue.leave(tickets[1])
    assert queue.kept == "east"
    queue.leave(tickets[0])
    assert queue.kept is None


def test_only_the_first_in_line_is_its_head() -> None:
    queue, tickets = line((1, 10.0, 1), (0, 20.0, 1))
    assert [queue.is_head(ticket) for ticket in tickets] == [False, True]
    assert not queue.is_head(None)
    for ticket in tickets:
        queue.leave(ticket)
        assert not queue.is_head(ticket)


def test_room_that_came_free_rings_the_first_that_fits_in_it() -> None:
    queue, tickets = line((0, 10.0, 500), (0, 20.0, 50), (0, 30.0, 40))
    queue.ring_for(100)
    assert rung(tickets) == [1]
    queue.ring_for(inf)
    assert rung(tickets) == [0, 1]


def test_room_that_is_too_small_for_all_rings_nobody() -> None:
    queue, tickets = line((0, 10.0, 500), (0, 20.0, 50))
    queue.ring_for(49)
    assert rung(tickets) == []


def test_ringing_calls_the_bell_and_is_remembered_without_one() -> None:
    _, (ticket,) = line((0, 10.0, 1))
    heard: list[int] = []
    ticket.ring()
    assert ticket.rung
    ticket.bell = lambda: heard.append(1)
    ticket.ring()
    assert heard == [1]


def test_a_long_line_costs_no_more_than_its_first_tickets() -> None:
    queue, _ = line(*[(0, 10.0, 1)] * (3 * EXAMINED))
    assert len(list(queue.ahead_of(call(), 1, 10.0, None))) == EXAMINED
