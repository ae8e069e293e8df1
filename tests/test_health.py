"""The state machine of a deployment's health: each road through it, LiteLLM's settings, and what never happens."""

from __future__ import annotations

from math import inf, nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.configured import AllowedFails, Deployment, HealthPolicy
from router.health import Health, State, ejection_allowed, throttle_seconds
from router.values import Kind


def health(policy: HealthPolicy | None = None, **deployment: object) -> Health:
    return Health(Deployment("east", "gpt", "gpt", **deployment), policy or HealthPolicy())  # type: ignore[arg-type]


def fail(h: Health, now: float, times: int = 1, kind: Kind = Kind.SERVER_ERROR, **more: object) -> float | None:
    """The same failure several times; the seconds of the ejection if any of them led to one."""
    told: dict[str, object] = {"weight": 1.0, "may_eject": True, "rng": Random(7)} | more
    rests = [h.failed(now, kind, **told) for _ in range(times)]  # type: ignore[arg-type]
    return next((rest for rest in rests if rest is not None), None)


def ejected(now: float = 100.0) -> tuple[Health, float]:
    """A deployment that has just been ejected, and when its probe is due."""
    h = health()
    seconds = fail(h, now, times=5)
    assert seconds is not None
    return h, now + seconds


def probing() -> tuple[Health, float]:
    """A deployment whose probe is out, and the time."""
    h, due = ejected()
    h.begin_probe(due)
    return h, due


# ---- ready, ejected ------------------------------------------------------------------------------------


def test_a_new_deployment_is_usable_at_full_weight():
    h = health()
    assert (h.state(0.0), h.usable(0.0), h.ready, h.ramp(0.0), h.opening(3.0)) == (State.READY, True, True, 1.0, 3.0)


def test_five_hard_failures_in_a_row_eject_and_four_do_not():
    h = health()
    assert fail(h, 10.0, times=4) is None
    assert h.state(10.0) is State.READY
    seconds = fail(h, 10.0)
    assert seconds is not None
    assert 2.5 <= seconds <= 5.0
    assert (h.state(10.0), h.since, h.reason) == (State.EJECTED, 10.0, "server_error")
    assert not h.usable(10.0 + seconds - 0.01)
    assert h.opening(10.0) == 10.0 + seconds


def test_a_success_between_failures_breaks_the_row():
    h = health()
    for now in range(0, 900, 100):  # far enough apart that no share of outcomes is judged
        fail(h, now, times=4)
        h.succeeded(now + 1.0)
    assert h.state(900.0) is State.READY


def test_soft_failures_count_by_half():
    h = health()
    assert fail(h, 0.0, times=9, kind=Kind.REQUEST_TIMEOUT, weight=0.5) is None
    assert fail(h, 0.0, kind=Kind.REQUEST_TIMEOUT, weight=0.5) is not None


@pytest.mark.parametrize(
    ("good", "bad", "out"), [(4, 6, True), (5, 5, False), (3, 5, False), (15, 5, True), (16, 4, False)]
)
def test_bad_shares_of_the_last_thirty_seconds_eject(good, bad, out):
    """6 bad of 10 and 5 of 20 are too many; half of 10, 4 of 20, or any share of 8 are not."""
    h = health()
    pairs = min(good, bad)
    for _ in range(bad - pairs):
        fail(h, 0.0)
    for _ in range(good - pairs):
        h.succeeded(1.0)
    for _ in range(pairs):
        h.succeeded(2.0)
        fail(h, 2.0)
    assert (h.state(2.0) is State.EJECTED) is out


def test_outcomes_older_than_thirty_seconds_are_forgotten():
    """9 bad of 18 are just good enough; one more is not, unless the others lie 30 s back."""
    for last, state in ((2.0, State.EJECTED), (33.0, State.READY)):
        h = health()
        for _ in range(9):
            h.succeeded(1.0)
            fail(h, 1.0)
        assert h.state(1.0) is State.READY
        fail(h, last)
        assert h.state(last) is state


def test_where_nothing_may_be_ejected_the_failures_are_remembered_until_one_may():
    h = health()
    assert fail(h, 0.0, times=50, may_eject=False) is None
    assert h.usable(0.0)
    assert fail(h, 1.0) is not None


@pytest.mark.parametrize(
    ("now_ejected", "usable", "total", "allowed"),
    [
        (0, 1, 1, False),  # the only one
        (0, 2, 2, True),
        (1, 1, 2, False),  # the last usable one
        (0, 3, 3, True),
        (1, 2, 3, False),  # a second of three would be more than half
        (1, 3, 4, True),
        (2, 2, 4, False),
        (0, 1, 4, False),  # the others are throttled
    ],
)
def test_at_most_half_of_a_tier_is_ejected_but_always_one_and_never_the_last(now_ejected, usable, total, allowed):
    assert ejection_allowed(now_ejected, usable, total) is allowed


# ---- probe and slow start ------------------------------------------------------------------------------


def test_exactly_one_probe_passes_when_the_ejection_has_run_out():
    h, due = ejected()
    assert not h.is_probe_due(due - 0.01)
    assert h.is_probe_due(due)
    assert h.usable(due)
    h.begin_probe(due)
    assert h.state(due) is State.PROBING
    assert not h.is_probe_due(due + 100.0)
    assert not h.usable(due + 100.0)
    assert due < h.opening(due) < inf


def test_a_good_probe_leads_through_a_slow_start_of_thirty_seconds_to_full_weight():
    h, now = probing()
    assert h.succeeded(now)
    assert (h.state(now), h.since, h.ready) == (State.SLOW_START, now, False)
    assert h.usable(now)
    assert [round(h.ramp(now + t), 3) for t in (0.0, 1.5, 3.0, 15.0, 27.0, 30.0)] == [0.1, 0.1, 0.1, 0.5, 0.9, 1.0]
    assert h.ready
    assert h.state(now + 30.0) is State.READY


def test_a_bad_probe_ejects_again_for_about_twice_as_long_up_to_five_minutes():
    h, due = ejected()
    for length in (10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0):
        h.begin_probe(due)
        seconds = fail(h, due)
        assert seconds is not None
        assert length / 2 <= seconds <= length
        assert h.state(due) is State.EJECTED
        due += seconds


def test_no_dice_make_an_ejection_longer_than_five_minutes():
    class Unlucky(Random):
        def random(self):
            return 0.999_999

    h, due = ejected()
    for _ in range(10):
        h.begin_probe(due)
        seconds = fail(h, due, rng=Unlucky())
        assert seconds is not None
        due += seconds
    assert seconds == pytest.approx(300.0)


def test_a_failed_probe_stays_out_even_where_nothing_may_be_ejected():
    h, now = probing()
    assert fail(h, now, may_eject=False) is not None


def test_an_abandoned_probe_says_nothing_and_the_next_call_is_the_probe():
    h, now = probing()
    h.abandon_probe(now + 1.0)
    assert h.state(now + 1.0) is State.EJECTED
    assert h.is_probe_due(now + 1.0)


def test_abandoning_a_probe_that_is_not_out_changes_nothing():
    h, due = ejected()
    h.abandon_probe(due - 1.0)
    assert not h.usable(due - 0.01)


def test_a_throttled_probe_found_a_living_service_that_rests_and_then_starts_slowly():
    h, now = probing()
    h.throttled(now, 20.0)
    assert h.state(now) is State.THROTTLED
    assert not h.usable(now + 19.9)
    assert h.usable(now + 20.0)
    assert h.state(now + 20.0) is State.SLOW_START
    assert h.ramp(now + 35.0) == pytest.approx(0.5)


def test_a_throttled_probe_keeps_the_length_that_the_next_ejection_would_have():
    h, now = probing()
    h.throttled(now, 1.0)
    seconds = fail(h, now + 2.0, times=5)
    assert seconds is not None
    assert 5.0 <= seconds <= 10.0


@pytest.mark.parametrize(("healthy", "longest"), [(59.0, 40.0), (61.0, 20.0), (121.0, 10.0), (10_000.0, 5.0)])
def test_each_healthy_minute_forgets_one_ejection(healthy, longest):
    h, due = ejected()
    for _ in range(2):
        h.begin_probe(due)
        due += fail(h, due) or 0.0
    h.begin_probe(due)
    h.succeeded(due)
    seconds = fail(h, due + healthy, times=5)
    assert seconds is not None
    assert longest / 2 <= seconds <= longest


def test_stragglers_neither_open_an_ejected_deployment_nor_keep_it_out_longer():
    h, due = ejected()
    assert fail(h, due - 1.0, times=50) is None
    assert not h.succeeded(due - 1.0)
    assert h.opening(due - 1.0) == due


def test_while_a_probe_is_out_only_the_probe_is_heard():
    h, now = probing()
    assert fail(h, now, times=50, probe=False) is None
    assert not h.succeeded(now, probe=False)
    assert h.disabled(now, Kind.AUTHENTICATION, probe=False) is None
    assert h.state(now) is State.PROBING
    assert h.succeeded(now, probe=True)


def test_failures_before_an_ejection_do_not_count_after_it():
    h = health()
    fail(h, 0.0, times=30, may_eject=False)
    due = fail(h, 0.0) or 0.0
    h.begin_probe(due)
    h.succeeded(due)
    fail(h, due, times=4)
    assert h.state(due) is State.SLOW_START


def test_failures_that_a_figure_counted_before_an_ejection_do_not_count_after_it():
    h = health(HealthPolicy(allowed_fails=AllowedFails(default=1)))
    due = fail(h, 0.0, times=2) or 0.0
    h.begin_probe(due)
    h.succeeded(due)
    assert fail(h, due) is None


# ---- throttled -----------------------------------------------------------------------------------------


def test_a_throttle_ends_by_itself_without_a_probe():
    h = health()
    h.throttled(5.0, 0.25)
    assert (h.state(5.0), h.since, h.reason) == (State.THROTTLED, 5.0, "throttled")
    assert h.opening(5.0) == 5.25
    assert h.usable(5.25)
    assert not h.is_probe_due(5.25)
    assert (h.state(5.25), h.ramp(5.25)) == (State.READY, 1.0)


def test_a_later_shorter_throttle_does_not_shorten_a_longer_one_and_a_longer_one_extends_it():
    h = health()
    h.throttled(0.0, 30.0)
    h.throttled(1.0, 2.0)
    assert h.opening(1.0) == 30.0
    h.throttled(10.0, 40.0)
    assert h.opening(10.0) == 50.0


def test_any_number_of_429s_is_no_illness():
    h = health()
    for now in range(100):
        h.throttled(now, 0.5)
    assert h.state(200.0) is State.READY
    assert h.ready


def test_a_throttle_during_an_ejection_delays_the_probe():
    h, due = ejected()
    h.throttled(due - 1.0, 20.0)
    assert h.opening(due) == due + 19.0
    assert not h.is_probe_due(due)


def test_a_throttle_outlasts_a_probe_that_was_out_when_it_came():
    """A straggler's 429 asks for 60 s; neither a good nor a bad end of the probe shortens that."""
    h, now = probing()
    h.throttled(now, 60.0, probe=False)
    h.succeeded(now)
    assert h.state(now) is State.THROTTLED
    assert h.opening(now) == now + 60.0

    h, now = probing()
    h.throttled(now, 60.0, probe=False)
    fail(h, now)
    assert h.opening(now) == now + 60.0


def test_a_panic_keeps_the_longest_throttle_that_came_during_an_ejection():
    h, due = ejected()
    h.throttled(due, 30.0)
    h.throttled(due, 1.0)
    assert not h.usable(due + 29.0, panic=True)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(None, 10.0), (0.25, 0.25), (0.0, 0.1), (7.0, 7.0), (86_400.0, 60.0), (inf, 60.0), (nan, 10.0), (-5.0, 10.0)],
)
def test_a_throttle_lasts_as_long_as_the_service_asked_within_reason(asked, seconds):
    assert throttle_seconds(asked, Deployment("a", "g", "m"), HealthPolicy()) == seconds


@pytest.mark.parametrize(
    ("own", "routers", "asked", "seconds"),
    [
        (3.0, 20.0, 7.0, 3.0),
        (None, 20.0, 7.0, 7.0),
        (None, 20.0, None, 20.0),
        (0.0, 20.0, 7.0, 0.0),
        (None, 0.0, 7.0, 0.0),
        (3.0, 0.0, 7.0, 3.0),
    ],
)
def test_the_deployments_cooldown_beats_retry_after_and_that_the_routers(own, routers, asked, seconds):
    deployment = Deployment("a", "g", "m", cooldown_time=own)
    assert throttle_seconds(asked, deployment, HealthPolicy(cooldown_time=routers)) == seconds


def test_switched_off_cooldowns_beat_every_cooldown_time():
    deployment = Deployment("a", "g", "m", cooldown_time=3.0)
    assert throttle_seconds(7.0, deployment, HealthPolicy(disable_cooldowns=True)) == 0.0


# ---- disabled and panic --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.AUTHENTICATION, Kind.PERMISSION, Kind.NOT_FOUND])
def test_a_refused_key_or_a_missing_deployment_is_out_for_five_minutes_and_then_probed(kind):
    h = health()
    assert h.disabled(1.0, kind) == 300.0
    assert (h.state(1.0), h.reason) == (State.DISABLED, kind)
    assert not h.usable(300.9)
    assert h.is_probe_due(301.0)
    h.begin_probe(301.0)
    assert h.disabled(301.0, kind) == 300.0
    h.begin_probe(601.0)
    assert h.succeeded(601.0)
    assert h.state(601.0) is State.SLOW_START


def test_after_a_refused_token_the_next_one_is_tried_soon_and_then_ever_later():
    h, now, rests = health(), 100.0, []
    for _ in range(8):
        rests.append(h.disabled(now, Kind.SIGN_IN_REFUSED))
        assert h.state(now) is State.DISABLED
        assert not h.usable(now, panic=True)
        now += rests[-1]
        assert h.is_probe_due(now)
        h.begin_probe(now)
    assert rests == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    assert h.succeeded(now)
    assert health(cooldown_time=7.0).disabled(0.0, Kind.SIGN_IN_REFUSED) == 7.0


def test_stragglers_do_not_keep_a_disabled_deployment_out_longer():
    h = health()
    h.disabled(1.0, Kind.AUTHENTICATION)
    assert h.disabled(2.0, Kind.AUTHENTICATION) is None
    assert h.opening(2.0) == 301.0


def test_a_refused_key_is_told_even_by_a_straggler_of_an_ejected_deployment():
    h, due = ejected()
    assert h.disabled(due - 1.0, Kind.AUTHENTICATION) == 300.0
    assert h.state(due) is State.DISABLED


def test_a_panic_uses_ejected_and_probed_deployments_but_no_throttled_or_disabled_ones():
    h, due = ejected()
    assert h.usable(due - 0.1, panic=True)
    h.throttled(due - 0.1, 5.0)
    assert not h.usable(due, panic=True)

    h, now = probing()
    assert h.usable(now, panic=True)

    h = health()
    h.throttled(0.0, 5.0)
    assert not h.usable(1.0, panic=True)

    h = health()
    h.disabled(0.0, Kind.AUTHENTICATION)
    assert not h.usable(1.0, panic=True)
    h.begin_probe(300.0)
    assert not h.usable(300.0, panic=True)


# ---- LiteLLM's settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [0, 1, 2, 3, 7])
def test_allowed_fails_of_n_means_that_failure_n_plus_one_within_the_window_ejects(allowed):
    h = health(HealthPolicy(allowed_fails=AllowedFails(default=allowed)))
    for _ in range(allowed):
        assert fail(h, 1.0) is None
    assert fail(h, 1.0) is not None


def test_failures_outside_the_cooldown_time_do_not_add_up():
    h = health(HealthPolicy(allowed_fails=AllowedFails(default=1)))
    assert [fail(h, now) for now in (0.0, 5.1, 10.2, 15.3)] == [None] * 4
    assert fail(h, 20.2) is not None  # 4.9 s after the last

    h = health(HealthPolicy(allowed_fails=AllowedFails(default=1), cooldown_time=30.0))
    fail(h, 0.0)
    assert fail(h, 29.0) == 30.0


def test_each_class_of_failures_follows_its_own_figure():
    h = health(HealthPolicy(allowed_fails=AllowedFails(default=100, timeout=1, internal_server=2)))
    assert fail(h, 0.0, times=2) is None
    assert fail(h, 0.0, kind=Kind.TIMEOUT) is None
    assert fail(h, 0.0, kind=Kind.RESET, times=50) is None
    assert fail(h, 0.0, kind=Kind.FIRST_EVENT_TIMEOUT) is not None


def test_the_deployments_own_figure_overrides_the_routers():
    h = health(HealthPolicy(allowed_fails=AllowedFails(default=0)), allowed_fails=AllowedFails(default=2))
    assert fail(h, 0.0, times=2) is None
    assert fail(h, 0.0) is not None


def test_where_no_figure_is_stated_for_a_kind_the_built_in_rule_holds():
    h = health(HealthPolicy(allowed_fails=AllowedFails(timeout=0)))
    assert fail(h, 0.0, times=4) is None
    assert fail(h, 0.0) is not None


def test_a_stated_cooldown_time_is_the_length_of_every_ejection_and_never_doubles():
    h = health(HealthPolicy(cooldown_time=7.0))
    assert fail(h, 0.0, times=5) == 7.0
    for now in (7.0, 14.0, 21.0):
        h.begin_probe(now)
        assert fail(h, now) == 7.0


def test_a_stated_cooldown_time_is_also_the_time_until_a_disabled_deployment_is_probed():
    assert health(cooldown_time=7.0).disabled(0.0, Kind.NOT_FOUND) == 7.0


@pytest.mark.parametrize(
    "h",
    [
        health(HealthPolicy(disable_cooldowns=True)),
        health(HealthPolicy(cooldown_time=0.0)),
        health(cooldown_time=0.0),
        health(HealthPolicy(cooldown_time=30.0), cooldown_time=0.0),
        health(HealthPolicy(disable_cooldowns=True, allowed_fails=AllowedFails(default=0)), cooldown_time=9.0),
    ],
)
@given(st.lists(st.sampled_from(["throttled", "failed", "disabled"]), max_size=20))
def test_switched_off_cooldowns_never_close(h, events):
    for now, event in enumerate(events):
        if event == "throttled":
            h.throttled(now, 60.0)
        elif event == "failed":
            assert fail(h, now, times=20) is None
        else:
            assert h.disabled(now, Kind.AUTHENTICATION) is None
        assert h.usable(now)
        assert h.state(now) is State.READY


def test_a_figure_for_rate_limits_lets_as_many_429s_pass_before_one_means_rest():
    h = health(HealthPolicy(allowed_fails=AllowedFails(rate_limit=2)))
    h.throttled(0.0, 10.0)
    h.throttled(0.0, 10.0)
    assert h.usable(0.0)
    h.throttled(0.0, 10.0)
    assert not h.usable(0.0)


def test_the_general_figure_does_not_delay_a_429s_rest():
    h = health(HealthPolicy(allowed_fails=AllowedFails(default=5)))
    h.throttled(0.0, 10.0)
    assert not h.usable(0.0)


def test_a_figure_for_refused_keys_lets_as_many_pass():
    h = health(HealthPolicy(allowed_fails=AllowedFails(authentication=1)))
    assert h.disabled(0.0, Kind.AUTHENTICATION) is None
    assert h.disabled(0.0, Kind.PERMISSION) == 300.0


def test_a_figure_for_the_content_filter_makes_its_refusals_count():
    h = health(HealthPolicy(allowed_fails=AllowedFails(content_policy=1)))
    assert h.watches(Kind.CONTENT_POLICY)
    assert not h.watches(Kind.BAD_REQUEST)
    assert fail(h, 0.0, kind=Kind.CONTENT_POLICY) is None
    assert fail(h, 0.0, kind=Kind.CONTENT_POLICY) is not None


def test_a_watched_refusal_is_still_a_good_probe():
    h = health(HealthPolicy(allowed_fails=AllowedFails(content_policy=0)))
    due = fail(h, 0.0, kind=Kind.CONTENT_POLICY)
    assert due is not None
    h.begin_probe(due)
    assert fail(h, due, kind=Kind.CONTENT_POLICY) is None
    assert h.state(due) is State.SLOW_START


# ---- what never happens --------------------------------------------------------------------------------


def test_a_black_hole_costs_five_attempts_and_then_a_few_probes_an_hour():
    """Five failures, six probes while the rest doubles, then at most one in 150 s (half of the cap)."""
    h, rng, wasted = health(), Random(3), 0
    for tick in range(36_000):
        now = tick / 10
        if h.usable(now):
            h.begin_probe(now)
            h.failed(now, Kind.TIMEOUT, 1.0, True, rng)
            wasted += 1
    assert wasted <= 5 + 6 + 3600 / 150
    assert wasted >= 5 + 3600 / 300  # and it is never given up


class Fleet(RuleBasedStateMachine):
    """Four deployments whose calls start, overlap and end as they like, told to their health as the ledger does."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.rng = Random(0)
        self.fleet = [health() for _ in range(4)]
        self.calls: list[tuple[int, bool]] = []
        self.throttled_until = [0.0] * 4

    @initialize(seed=st.integers(0, 2**16))
    def seed(self, seed):
        self.rng.seed(seed)

    def probes(self, i: int) -> int:
        return sum(probe for j, probe in self.calls if i == j)

    def ejected(self) -> int:
        return sum(h.state(self.now) in (State.EJECTED, State.PROBING) for h in self.fleet)

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 6.0, 31.0, 100.0, 301.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule(i=st.integers(0, 3), panic=st.booleans(), calls=st.integers(1, 6))
    def call(self, i, panic, calls):
        h = self.fleet[i]
        for _ in range(calls):
            if h.usable(self.now, panic):
                probe = h.is_probe_due(self.now)
                h.begin_probe(self.now)
                self.calls.append((i, probe))

    @precondition(lambda self: self.calls)
    @rule(
        data=st.data(),
        how=st.sampled_from(["ok", "fail", "fail", "fail", "throttle", "disable", "abandon"]),
        seconds=st.sampled_from([0.1, 10.0, 60.0]),
        times=st.integers(1, 6),
    )
    def end(self, data, how, seconds, times):
        for _ in range(min(times, len(self.calls))):
            i, probe = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
            self.tell(self.fleet[i], i, how, seconds, probe)

    def tell(self, h, i, how, seconds, probe):
        before, was_out = h.opening(self.now), h.state(self.now)
        if how == "ok":
            h.succeeded(self.now, probe)
        elif how == "throttle":
            h.throttled(self.now, seconds, probe)
            self.throttled_until[i] = max(self.throttled_until[i], self.now + seconds)
        elif how == "disable":
            h.disabled(self.now, Kind.AUTHENTICATION, probe)
        elif how == "abandon":
            if probe:
                h.abandon_probe(self.now)
        else:
            usable = sum(other.usable(self.now) for other in self.fleet)
            may = ejection_allowed(self.ejected(), usable, 4)
            if h.failed(self.now, Kind.TIMEOUT, 1.0, may, self.rng, probe) and was_out is State.READY:
                assert self.ejected() <= 2
                assert any(other.usable(self.now) for other in self.fleet)
        if not probe and was_out is not State.PROBING:
            assert h.opening(self.now) >= before, "no later news may shorten a rest"

    @invariant()
    def at_most_one_probe_is_out(self):
        for i, h in enumerate(self.fleet):
            assert self.probes(i) == (h.state(self.now) is State.PROBING)

    @invariant()
    def a_throttle_is_always_kept(self):
        for h, until in zip(self.fleet, self.throttled_until, strict=True):
            if self.now < until:
                assert not h.usable(self.now)
                assert not h.usable(self.now, panic=True)

    @invariant()
    def nothing_is_closed_for_longer_than_five_minutes(self):
        for h in self.fleet:
            assert self.now <= h.opening(self.now) <= self.now + 300.0

    @invariant()
    def what_is_usable_opens_now_and_what_is_not_opens_later(self):
        for h in self.fleet:
            assert h.usable(self.now) is (h.opening(self.now) == self.now)

    @invariant()
    def the_share_in_a_slow_start_lies_between_a_tenth_and_one(self):
        for h in self.fleet:
            assert 0.1 <= h.ramp(self.now) <= 1.0


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=60, stateful_step_count=40)
