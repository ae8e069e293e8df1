"""Which connection takes the next request: checked against a plain list that does the same the slow way."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.azure.engines import KEEP_ALIVE_S, roster
from router.azure.engines.roster import Origin, Roster

HOSTS: list[Origin] = [(True, "a", 443), (True, "b", 443), (False, "a", 443)]


@dataclass(eq=False)
class Line:
    """A connection that can be told to have something to read."""

    origin: Origin
    quiet: bool = True
    expires_at: float = 0.0

    def is_quiet(self) -> bool:
        return self.quiet


deeds = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from(HOSTS)),
        st.tuples(st.just("keep"), st.integers(0, 9)),
        st.tuples(st.just("drop"), st.integers(0, 9)),
        st.tuples(st.just("speak"), st.integers(0, 9)),
        st.tuples(st.just("pass"), st.sampled_from([0.0, 1.0, 20.0, KEEP_ALIVE_S])),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(deeds, st.integers(2, 6))
def test_the_roster_does_what_a_plain_list_would(deeds: list[tuple[str, object]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roster, "MAX_CONNECTIONS", most)
        ours: Roster[Line] = Roster()
        busy: list[Line] = []
        idle: list[tuple[float, Line]] = []
        """When each became idle."""
        now = 0.0
        for deed, what in deeds:
            if deed == "take" and len(busy) < most:
                assert isinstance(what, tuple)
                over = [line for since, line in idle if since + KEEP_ALIVE_S <= now]
                idle = [(since, line) for since, line in idle if line not in over]
                expected = None
                for entry in reversed([entry for entry in idle if entry[1].origin == what]):
                    idle.remove(entry)
                    if entry[1].quiet:
                        expected = entry[1]
                        break
                    over.append(entry[1])
                if expected is None and idle and len(busy) + len(idle) >= most:
                    over.append(idle.pop(0)[1])
                taken, given_up = ours.take(what, now)
                assert (taken, given_up) == (expected, over)
                if taken is None:
                    ours.add(taken := Line(what))
                busy.append(taken)
            elif deed in ("keep", "drop") and busy:
                assert isinstance(what, int)
                line = busy.pop(what % len(busy))
                ours.give_back(line, now, keep=deed == "keep")
                if deed == "keep":
                    idle.append((now, line))
            elif deed == "speak" and idle:
                assert isinstance(what, int)
                idle[what % len(idle)][1].quiet = False
            elif deed == "pass":
                assert isinstance(what, float)
                now += what
            assert len(ours) == len(busy) + len(idle) <= most
        with_request, kept = ours.clear()
        assert sorted(map(id, with_request)) == sorted(map(id, busy))
        assert kept == [line for _, line in idle]
        assert len(ours) == 0


def test_what_was_idle_for_a_minute_is_given_up_whoever_is_asked_for() -> None:
    ours: Roster[Line] = Roster()
    lines = [Line(HOSTS[0]) for _ in range(3)]
    for second, line in enumerate(lines):
        ours.add(line)
        ours.give_back(line, float(second), keep=True)
    assert ours.take(HOSTS[1], KEEP_ALIVE_S + 1.5) == (None, lines[:2])
    assert ours.take(HOSTS[0], KEEP_ALIVE_S + 1.5) == (lines[2], [])
