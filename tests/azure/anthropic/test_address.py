"""Which address is Claude's."""

import pytest

from router.azure.address import read_address
from router.azure.anthropic.address import claude_base

R = "https://x.services.ai.azure.com"


@pytest.mark.parametrize(
    ("base", "name", "found"),
    [
        (R, "claude-sonnet-4-5", f"{R}/anthropic"),
        (f"{R}/anthropic", "claude-sonnet-4-5", f"{R}/anthropic"),
        (f"{R}/anthropic/", "my-sonnet", f"{R}/anthropic"),
        (f"{R}/anthropic/v1", "claude-x", f"{R}/anthropic"),
        (f"{R}/anthropic/v1/messages", "claude-x", f"{R}/anthropic"),
        ("https://gate.example.com/team/anthropic", "claude-x", "https://gate.example.com/team/anthropic"),
        ("https://gate.example.com/team", "claude-x", "https://gate.example.com/team/anthropic"),
        ("https://x.openai.azure.com", "claude-x", f"{R}/anthropic"),
        ("https://x.cognitiveservices.azure.com/", "claude-x", f"{R}/anthropic"),
        ("http://127.0.0.1:8080", "claude-x", "http://127.0.0.1:8080/anthropic"),
        ("https://x.openai.azure.com/openai/v1", "claude-x", None),
        ("https://x.openai.azure.com/openai/deployments/claude-x", "claude-x", None),
        (R, "gpt-4o", None),
        (f"{R}/anthropic/v2/other", "gpt-4o", None),
    ],
)
def test_the_path_decides_and_then_the_name(base, name, found):
    address = claude_base(read_address(base), name)
    assert (address and address.url(address.segments)) == found
