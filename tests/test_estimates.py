"""What deployments add to a call is charged with it."""

from __future__ import annotations

from typing import Any

import pytest

from router import NoDeploymentLeft, Router
from router.configured import Deployment
from router.estimates import Estimates
from router.values import Call

from .fleets import HELLO, emulated, entry

EIGHT = {"messages": [{"role": "user", "content": "x" * 32}]}
"""Thirty-two characters: eight tokens."""


def tokens(*defaults: dict[str, Any], operation: str = "chat.completions", **body: Any) -> int:
    fleet = [Deployment(f"d{n}", "g", "m", defaults=stated) for n, stated in enumerate(defaults)]
    return Estimates(lambda group: fleet).tokens_for(Call(operation, "g", {**EIGHT, **body}))


@pytest.mark.parametrize(
    ("defaults", "body", "expected"),
    [
        ([{}], {}, 8),
        ([{"temperature": 0.5}], {}, 8),
        ([{"max_tokens": 100}], {}, 108),
        ([{"max_tokens": 100, "n": 3}], {}, 308),
        ([{"max_tokens": 100}], {"n": 2}, 208),
        ([{"max_tokens": 100}], {"max_tokens": 10}, 18),
        ([{"max_tokens": 100}], {"max_completion_tokens": 10}, 18),
        ([{"max_tokens": 100}], {"max_tokens": None}, 8),
        ([{"n": 4}], {"max_tokens": 10}, 48),
        ([{"max_tokens": 100}, {"max_completion_tokens": 300}, {}], {}, 308),
        ([{}, {"n": 2}], {"max_tokens": 10}, 28),
    ],
)
def test_a_deployments_own_limit_and_number_of_answers_count_where_the_call_is_silent(
    defaults: list[dict[str, Any]], body: dict[str, Any], expected: int
) -> None:
    assert tokens(*defaults, **body) == expected


def test_a_call_of_another_kind_is_estimated_by_its_own_rule() -> None:
    assert tokens({"max_tokens": 100}, operation="embeddings", input="x" * 40) == 10


def test_a_limit_of_the_deployment_is_kept() -> None:
    """Two calls of 4,001 tokens fit into a minute of 10,000; the emulator, which counts as Azure does, agrees."""
    with emulated("east", tpm=10_000) as server:
        configured = entry(server, "east")
        configured["litellm_params"] |= {"max_tokens": 4000, "tpm": 10_000}
        with Router([configured], max_wait=0) as router:
            for _ in range(2):
                reply = router.completion(model="gpt-4o", messages=HELLO)
                assert reply.routing.tokens_reserved > 4000
            with pytest.raises(NoDeploymentLeft):
                router.completion(model="gpt-4o", messages=HELLO)
