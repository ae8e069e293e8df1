"""A script and its name."""

from __future__ import annotations

from importlib.resources import files

import pytest

from router.stores.reach.script import Script
from tests.redis_servers import Server

FOLDER = files("router.stores") / "lua"
VERBS = sorted(path.name.removesuffix(".lua") for path in FOLDER.iterdir()) if FOLDER.is_dir() else []


def test_redis_knows_it_by_the_same_name(redis_server: Server) -> None:
    script = Script("return 'ä'")
    assert redis_server.client.script_load(script.text) in (script.sha, script.sha.encode())


@pytest.mark.parametrize("verb", VERBS)
def test_each_file_is_a_script(verb: str, redis_server: Server) -> None:
    script = Script.named(verb)
    assert script is Script.named(verb)
    assert redis_server.client.script_load(script.text) in (script.sha, script.sha.encode())


def test_a_verb_that_does_not_exist() -> None:
    with pytest.raises(FileNotFoundError):
        Script.named("nonsense")
