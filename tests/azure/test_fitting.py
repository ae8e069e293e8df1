"""A request becomes one that the deployment takes, or an error that says what is wrong and what to do."""

import json
from dataclasses import replace

import pytest

from router.azure.endpoint import parse_endpoint
from router.azure.wire import encode
from router.configured import Deployment, ParameterRules
from router.errors import BadRequestError, UnsupportedParamsError
from router.values import Call

AZURE = parse_endpoint("azure/d", "https://r.openai.azure.com", "2024-10-21")
O_SERIES = replace(AZURE, family="o_series")
HELLO = [{"role": "user", "content": "canary-prompt"}]


def sent(body, *, endpoint=O_SERIES, operation="chat.completions", ours=None, callers=None, **more):
    where = Deployment("east", "g", "d", **more)
    where = where if ours is None else replace(where, rules=ours)
    call = Call(operation, "g", body)
    call.rules = callers or call.rules
    return json.loads(encode(endpoint, where, call))


def test_the_error_names_the_parameters_the_deployment_and_the_way_out():
    with pytest.raises(UnsupportedParamsError) as caught:
        sent({"messages": HELLO, "temperature": 0.2, "logit_bias": {"1": 2}}, base_model="azure/o3-mini")
    said = str(caught.value)
    for part in ("`temperature`, `logit_bias`", "east", "'azure/o3-mini'", "drop_params=True", "allowed_openai_params"):
        assert part in said
    assert "canary" not in said
    assert isinstance(caught.value, BadRequestError)
    assert (caught.value.param, caught.value.status_code, caught.value.deployment) == ("temperature", 400, "east")


def test_what_is_refused_is_left_out_where_that_is_wanted():
    body = {"messages": HELLO, "temperature": 0.2, "top_p": 1, "user": "u"}
    expected = {"model": "d", "messages": HELLO, "top_p": 1, "user": "u"}
    assert sent(body, ours=ParameterRules(drop=True)) == expected
    assert sent(body, callers=ParameterRules(drop=True)) == expected
    assert sent(body, ours=ParameterRules(drop=False), callers=ParameterRules(drop=True)) == expected
    with pytest.raises(UnsupportedParamsError):
        sent(body, ours=ParameterRules(drop=True), callers=ParameterRules(drop=False))


def test_defaults_of_the_deployment_are_left_out_as_well():
    with pytest.raises(UnsupportedParamsError):
        sent({"messages": HELLO}, defaults={"temperature": 0})
    assert sent({"messages": HELLO}, defaults={"temperature": 0}, ours=ParameterRules(drop=True)) == {
        "model": "d",
        "messages": HELLO,
    }
    # the caller's own, which is harmless, silences it
    assert sent({"messages": HELLO, "temperature": 1}, defaults={"temperature": 0})["temperature"] == 1


def test_unwanted_parameters_are_never_sent_and_allowed_ones_always():
    unwanted = ParameterRules(unwanted=frozenset({"user", "max_tokens", "temperature"}))
    body = {"messages": HELLO, "user": "u", "max_tokens": 5, "seed": 1, "temperature": 0}
    for endpoint in (AZURE, O_SERIES):
        assert sent(body, endpoint=endpoint, ours=unwanted) == {"model": "d", "messages": HELLO, "seed": 1}
        assert sent(body, endpoint=endpoint, callers=unwanted) == {"model": "d", "messages": HELLO, "seed": 1}
    allowed = ParameterRules(drop=True, allowed=frozenset({"temperature"}))
    assert sent({"messages": HELLO, "temperature": 0, "top_p": 0}, ours=allowed) == {
        "model": "d",
        "messages": HELLO,
        "temperature": 0,
    }


def test_what_is_not_known_passes_untouched():
    body = {"messages": HELLO, "temperature": 0.2, "brand_new": {"a": [1]}}
    assert sent(body, endpoint=AZURE) == {"model": "d", **body}
    body = {"messages": HELLO, "brand_new": {"a": [1]}, "reasoning_effort": "extreme"}
    assert sent(body) == {"model": "d", **body}


def test_a_deployment_called_demo3_is_none_of_the_o_series():
    where = Deployment("east", "g", "demo3")
    body = json.loads(encode(AZURE, where, Call("chat.completions", "g", {"messages": HELLO, "temperature": 0.2})))
    assert body["temperature"] == 0.2


def test_responses_follow_the_same_rules_and_other_operations_none():
    with pytest.raises(UnsupportedParamsError):
        sent({"input": "x", "temperature": 0}, operation="responses")
    assert sent({"input": "x", "temperature": 0}, operation="embeddings")["temperature"] == 0


def test_the_callers_objects_stay_as_they_are_and_the_next_deployment_gets_them_whole():
    messages = [{"role": "system", "content": "s"}, {"role": "developer", "content": "d"}]
    call = Call("chat.completions", "g", {"messages": messages, "temperature": 0.5, "max_tokens": 4})
    call.rules = ParameterRules(drop=True)
    picky = json.loads(encode(O_SERIES, Deployment("a", "g", "d"), call))
    plain = json.loads(encode(AZURE, Deployment("b", "g", "x"), call))
    again = json.loads(encode(O_SERIES, Deployment("a", "g", "d"), call))
    assert [m["role"] for m in picky["messages"]] == ["developer", "developer"]
    assert "temperature" not in picky
    assert picky["max_completion_tokens"] == 4
    assert plain == {"model": "x", "messages": messages, "temperature": 0.5, "max_tokens": 4}
    assert again == picky
    assert [m["role"] for m in messages] == ["system", "developer"]


CLAUDE = parse_endpoint("azure/claude-sonnet-4-5", "https://r.services.ai.azure.com", None)


def test_what_claude_refuses_is_an_error_with_its_reason_or_is_left_out():
    body = {"messages": HELLO, "seed": 1, "temperature": 1.5}
    with pytest.raises(UnsupportedParamsError) as caught:
        sent(body, endpoint=CLAUDE)
    for part in ("`seed`, `temperature` are refused by Claude", "east", "end at 1", "drop_params=True"):
        assert part in str(caught.value)
    assert "canary" not in str(caught.value)
    assert (caught.value.param, caught.value.deployment) == ("seed", "east")
    plain = sent({"messages": HELLO}, endpoint=CLAUDE)
    assert plain["messages"] == [{"role": "user", "content": [{"type": "text", "text": "canary-prompt"}]}]
    assert sent(body, endpoint=CLAUDE, ours=ParameterRules(drop=True)) == plain
    assert sent(body, endpoint=CLAUDE, callers=ParameterRules(unwanted=frozenset({"seed", "temperature"}))) == plain
    allowed = sent(body, endpoint=CLAUDE, callers=ParameterRules(drop=True, allowed=frozenset({"seed"})))
    assert allowed == {**plain, "seed": 1}


def test_claudes_own_messages_are_nobodys_to_judge():
    body = {"messages": HELLO, "max_tokens": 5, "seed": 1, "top_k": 2}
    assert sent(body, endpoint=CLAUDE, operation="messages") == {"model": "d", **body}
