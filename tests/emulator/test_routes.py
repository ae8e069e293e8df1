"""What a URL says, in all the forms that Azure, OpenAI and Anthropic have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.emulator.routes import Route, resource_of_host, route_of

DATED = "?api-version=2025-04-01-preview"


@pytest.mark.parametrize(
    ("target", "operation", "resource", "deployment", "dialect"),
    [
        (f"/openai/deployments/d/audio/speech{DATED}", "audio/speech", None, "d", "azure"),
        (f"/east/openai/deployments/d/extensions/chat/completions{DATED}", "chat/completions", "east", "d", "azure"),
        ("/openai/v1/responses", "responses", None, None, "azure"),
        ("/openai/openai/v1/embeddings", "embeddings", "openai", None, "azure"),
        (f"/east/openai/responses{DATED}", "responses", "east", None, "azure"),
        ("/v1/images/edits", "images/edits", None, None, "openai"),
        ("/east/v1/models", "models", "east", None, "openai"),
        ("/east/anthropic/v1/messages", "messages", "east", None, "anthropic"),
        ("/anthropic/v1/messages/count_tokens", "messages/count_tokens", None, None, "anthropic"),
        (f"/openai/deployments/a%20b/embeddings{DATED}", "embeddings", None, "a b", "azure"),
    ],
)
def test_deployments_are_found(target, operation, resource, deployment, dialect):
    route = route_of(target)
    assert (route.operation, route.resource, route.deployment, route.dialect) == (
        operation,
        resource,
        deployment,
        dialect,
    )


@pytest.mark.parametrize(
    ("target", "operation", "identity", "action"),
    [
        ("/openai/v1/files/f-1/content", "files", "f-1", "content"),
        (f"/openai/batches/b-1/cancel{DATED}", "batches", "b-1", "cancel"),
        ("/v1/fine_tuning/jobs/j/checkpoints", "fine_tuning/jobs", "j", "checkpoints"),
        ("/openai/v1/responses/r/input_items?limit=2&order=asc", "responses", "r", "input_items"),
    ],
)
def test_objects_are_found(target, operation, identity, action):
    route = route_of(target)
    assert (route.operation, route.id, route.action, route.is_inference) == (operation, identity, action, False)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/openai",
        "/openai/v1",
        "/openai/v1/nonsense",
        "/openai/files",
        "/openai/files?api-version=v1",
        f"/openai/chat/completions{DATED}",
        f"/openai/deployments/d/files{DATED}",
        f"/openai/deployments//chat/completions{DATED}",
        "/openai/v1/files/a/b/c",
        "/anthropic/v1/models",
        "/anthropic/messages",
    ],
)
def test_everything_else_is_not_found(target):
    assert route_of(target) is None


def test_methods_go_with_what_is_asked():
    assert route_of("/v1/files").allows("POST")
    assert not route_of("/v1/files").allows("DELETE")
    assert route_of("/v1/files/x").allows("DELETE")
    assert not route_of("/v1/responses").allows("GET")
    assert not route_of("/v1/batches/x/content").allows("GET")
    assert not route_of("/v1/embeddings").allows("GET")


def test_v1_knows_its_own_versions():
    known = [route_of(f"/openai/v1/models{query}").version_known for query in ("", "?api-version=preview", DATED)]
    assert known == [True, True, False]
    assert route_of("/openai/v1/files?limit=3").asked("limit") == "3"


@given(st.text(st.sampled_from("/?&=%openaiv1deploymentsfilesmg-0")) | st.text())
def test_any_target_is_read_or_not_found(target):
    assert isinstance(route_of("/" + target), Route | None)


@pytest.mark.parametrize(
    ("host", "resource"),
    [
        ("east.openai.azure.com:443", "east"),
        ("East.x.y", "east"),
        ("127.0.0.1:80", ""),
        ("localhost", ""),
        ("[::1]:8", ""),
    ],
)
def test_a_host_names_its_resource(host, resource):
    assert resource_of_host(host) == resource
