"""Does an id bring back its owner, and is no foreign id taken for one of ours?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ids import owner_of, with_owner

own = st.from_regex(r"(batch_|file-|resp_|ftjob-|)[A-Za-z0-9_-]{1,60}", fullmatch=True)
deployments = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40)


@given(own, deployments)
def test_an_id_brings_back_its_owner(id: str, deployment: str) -> None:
    assert owner_of(with_owner(id, deployment)) == (deployment, id)


@given(own, deployments)
def test_an_id_can_travel_in_a_path_and_keeps_its_kind(id: str, deployment: str) -> None:
    made = with_owner(id, deployment)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", made)
    for kind in ("batch_", "file-", "resp_", "ftjob-"):
        assert made.startswith(kind) or not id.startswith(kind)


@given(st.text(max_size=80) | own | own.map(lambda id: f"batch_azr{id}"))
def test_a_foreign_id_comes_back_as_it_is_or_was_made_here(id: str) -> None:
    deployment, rest = owner_of(id)
    assert rest == id if deployment is None else with_owner(rest, deployment) == id


@given(own, deployments, st.data())
def test_a_damaged_id_never_names_another_thing_of_the_same_owner_silently(
    id: str, deployment: str, data: st.DataObject
) -> None:
    made = with_owner(id, deployment)
    cut = made[: data.draw(st.integers(1, len(made) - 1))]
    assert owner_of(cut)[1] != id or owner_of(cut)[0] is None


def test_an_empty_id_stays_empty() -> None:
    assert with_owner("", "east") == ""
    assert owner_of("") == (None, "")


@pytest.mark.parametrize("id", ["batch_azr!!!", "file-azr", "batch_azrAAAA", "azr", "file-azr_-"])
def test_what_only_looks_like_ours_is_left_alone(id: str) -> None:
    assert owner_of(id) == (None, id)
