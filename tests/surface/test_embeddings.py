"""Embeddings in all forms."""

from __future__ import annotations

from typing import Any

import pytest

from router import Router
from tests.azure.fault_server import answer
from tests.recorder import Recorder
from tests.worlds import World


@pytest.mark.parametrize(
    ("given", "tokens"), [("one two", 2), (["one", "two"], 2), ([1, 2, 3], 3), ([[1, 2], [3]], 3)], ids=repr
)
@pytest.mark.parametrize("vector", [[0.5, 0.25], "AAAAPwAAgD4="])
def test_every_form_is_sent_and_comes_back(
    world: World, router: Router, server: Recorder, given: Any, tokens: int, vector: Any
) -> None:
    server.reply = answer({"object": "list", "data": [{"index": 0, "embedding": vector}], "model": "m"})
    form = "float" if isinstance(vector, list) else "base64"
    reply = world.call(router, "embedding", model="g", input=given, dimensions=2, encoding_format=form)
    assert server.last.path == "/openai/deployments/dep/embeddings"
    assert server.last.json == {"model": "dep", "input": given, "dimensions": 2, "encoding_format": form}
    assert reply.data[0].embedding == vector
    assert reply.routing.tokens_reserved == tokens
