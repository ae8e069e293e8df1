"""What a name tells about a Claude."""

import pytest

from router.azure.anthropic.models import is_claude, thinks_adaptively


@pytest.mark.parametrize(
    ("name", "claude"),
    [("claude-sonnet-4-5", True), ("Claude_prod", True), ("claude", True), ("claudette", False), ("my-claude", False)],
)
def test_a_claude_begins_with_its_name_as_a_whole_word(name, claude):
    assert is_claude(name) is claude


@pytest.mark.parametrize(
    ("name", "adaptive"),
    [
        ("claude-sonnet-4-5", False),
        ("claude-sonnet-4-5-20250929", False),
        ("claude-opus-4-20250514", False),
        ("claude-3-7-sonnet-20250219", False),
        ("claude-haiku-4.5", False),
        ("claude-opus-4-6", True),
        ("claude-opus-4.7", True),
        ("claude-sonnet-5", True),
        ("claude-haiku-5-5", True),
        ("claude-prod", True),
    ],
)
def test_models_before_4_6_are_given_a_budget(name, adaptive):
    assert thinks_adaptively(name) is adaptive
