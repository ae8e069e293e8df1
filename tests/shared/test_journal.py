"""Is every charge told once, whatever is corrected, lost or forked?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.shared.journal import KEPT_S, Entry, Journal, Post


def noted(
    journal: Journal, tokens: int = 100, *, slot: int | None = 8, serial: int | None = 1, at: float = 10.0
) -> Entry:
    return journal.note(Entry("d", slot, tokens, 1, at, serial))


def test_corrections_of_one_slot_are_one_post() -> None:
    journal = Journal()
    one, two = noted(journal), noted(journal)
    journal.amend(one, -30, 0)
    journal.amend(two, 50, -1)
    assert journal.take() == [Post("d", 8, 20, -1)]
    assert not journal.waits


def test_a_correction_by_nothing_waits_for_nobody() -> None:
    journal = Journal()
    journal.amend(noted(journal), 0, 0)
    assert not journal.waits


def test_what_was_charged_while_the_store_was_away_is_told_with_its_correction() -> None:
    journal = Journal()
    entry = noted(journal, slot=None, serial=None, at=10.0)
    journal.amend(entry, -40, 0)
    assert not journal.waits
    journal.tell_untold(now=12.0, slot_at=100.5, slots_per_second=4.0, serial=5)
    assert journal.take() == [Post("d", 92, 60, 1)]
    journal.tell_untold(now=13.0, slot_at=104.5, slots_per_second=4.0, serial=6)
    assert journal.take() == []


def test_a_store_that_lost_everything_is_told_the_last_minute_as_it_is_now() -> None:
    journal = Journal()
    noted(journal, at=10.0 - KEPT_S - 1)
    entry = noted(journal, at=10.0, slot=9)
    journal.amend(entry, -40, 0)  # still waits, and is part of what is told again
    journal.lost(0, now=10.0)
    assert journal.take() == [Post("d", 9, 60, 1)]


def test_a_store_that_lost_the_last_questions_is_told_those_again() -> None:
    journal = Journal()
    noted(journal, serial=3, slot=7)
    noted(journal, serial=4, slot=8)
    journal.lost(3, now=10.0)
    assert journal.take() == [Post("d", 8, 100, 1)]


def test_posts_that_did_not_arrive_wait_again() -> None:
    journal = Journal()
    journal.amend(noted(journal), -30, 0)
    posts = journal.take()
    journal.put_back(posts)
    assert journal.take() == posts


def test_what_corrects_a_charge_that_may_not_have_arrived_waits_for_it() -> None:
    journal = Journal()
    entry = noted(journal, slot=None, serial=None, at=10.0)
    journal.tell_untold(now=10.0, slot_at=40.0, slots_per_second=4.0, serial=5)
    charge = journal.take()
    journal.amend(entry, -100, -1)
    other = noted(journal, slot=41)
    journal.amend(other, -30, 0)
    assert journal.take(charge) == [Post("d", 41, -30, 0)]
    journal.put_back(charge)
    assert journal.take() == []


def test_a_forked_child_corrects_nothing_of_its_parents() -> None:
    parents, childs = Journal(), Journal()
    entry = noted(parents)
    childs.amend(entry, -100, -1)
    assert not childs.waits
    assert entry.tokens == 100


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(-200, 200), st.booleans()), max_size=40))
def test_the_store_ends_with_what_the_entries_say(history: list[tuple[int, int, bool]]) -> None:
    """Charges by the question itself, corrections by posts, some of which come back unheard at first."""
    journal, stored, entries = Journal(), dict[int, int](), list[Entry]()
    for serial, (tokens, change, unheard) in enumerate(history, 1):
        slot = serial // 3
        stored[slot] = stored.get(slot, 0) + tokens
        entries.append(noted(journal, tokens, slot=slot, serial=serial))
        journal.amend(entries[-1], change, 0)
        posts = journal.take()
        if unheard:
            journal.put_back(posts)
        else:
            for post in posts:
                stored[post.slot] += post.tokens
    for post in journal.take():
        stored[post.slot] += post.tokens
    assert sum(stored.values()) == sum(entry.tokens for entry in entries)
