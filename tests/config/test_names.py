"""Ids and patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.names import Directory, base_id, captured, unique_id


@pytest.mark.parametrize(
    ("pattern", "name", "means"),
    [
        ("azure/*", "azure/x", "x"),
        ("azure/*", "azure/", ""),
        ("azure/*", "azur/x", None),
        ("*", "anything", "anything"),
        ("a*c", "abc", "b"),
        ("a*a", "a", None),
        ("exact", "exact", ""),
    ],
)
def test_a_pattern_says_what_stands_for_its_star(pattern: str, name: str, means: str | None) -> None:
    assert captured(pattern, name) == means


@given(st.text(max_size=5).filter(lambda s: "*" not in s), st.text(max_size=5), st.text(max_size=5))
def test_what_was_put_in_for_the_star_is_found_again(before: str, inside: str, after: str) -> None:
    after = after.replace("*", "")
    assert captured(f"{before}*{after}", f"{before}{inside}{after}") == inside


@pytest.mark.parametrize(
    ("host", "label"),
    [("east.openai.azure.com", "east"), ("gw.example:8443", "gw"), ("localhost", "localhost"),
     ("localhost:1", "localhost:1"), ("10.0.0.1:80", "10.0.0.1:80"), ("[::1]:80", "[::1]:80"), ("[::1]", "[::1]")],
)  # fmt: skip
def test_an_id_names_the_deployment_and_where_it_is(host: str, label: str) -> None:
    assert base_id("chat", host) == f"chat@{label}"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "a/x", "a/x-2"])), max_size=12))
def test_ids_are_always_unique(wanted: list[tuple[str, str]]) -> None:
    taken: set[str] = set()
    for group, base in wanted:
        made = unique_id(base, group, taken)
        assert made not in taken
        taken.add(made)


def test_a_directory_knows_groups_ids_and_patterns() -> None:
    directory = Directory(("gpt-4o",), frozenset({"chat@east"}), ("azure/*",))
    assert [directory.serves(n) for n in ("gpt-4o", "chat@east", "azure/x", "gpt-4")] == [True, True, True, False]
    assert directory.hint("gpt-4") == "did you mean 'gpt-4o'?"
    assert directory.hint("zzz") == "there are: 'gpt-4o'"
    assert Directory((), frozenset(), ()).hint("x") == "no group is configured"
