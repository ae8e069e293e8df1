"""Files in LiteLLM's shape, and places with line and column."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.config import Settings, read_config, settings_from_file
from router.errors import ConfigError

ENTRY = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/chat
      api_base: https://east.openai.azure.com
      api_key: k-CANARY
"""
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read(write: Write, text: str, **options: Any) -> Settings:
    return settings_from_file(write(text), **options)


def problems(write: Write, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        settings_from_file(write(text))
    assert "CANARY" not in str(caught.value)
    return caught.value.problems or (str(caught.value),)


def test_a_file_says_what_the_arguments_would_say(write: Write) -> None:
    text = ENTRY + (
        "    model_info: {id: mine}\n    rpm: 60\n"
        "router_settings:\n  num_retries: 0\n  timeout: 30\n  routing_strategy: round-robin\n"
        "litellm_settings:\n  drop_params: True\n"
        "general_settings:\n  master_key: sk-CANARY\n"
    )
    made = read(write, text)
    assert [(d.id, d.rpm, d.model) for d in made.deployments] == [("mine", 60, "chat")]
    assert (made.policy.retries.default, made.timeout, made.deployments[0].rules.drop) == (0, 30.0, True)
    assert made.master_key == "sk-CANARY"
    assert "CANARY" not in repr(made)


def test_dates_versions_and_numbers_are_what_the_field_wants(write: Write) -> None:
    text = (
        ENTRY
        + "      api_version: 2024-10-21\n      temperature: 0.2\n      user: '7'\n      base_model: 1.10\n"
        + "    tpm: 240_000\n"
    )
    (made,) = read(write, text).deployments
    assert made.endpoint.endpoint.api_version == "2024-10-21"
    assert made.defaults == {"temperature": 0.2, "user": "7"}
    assert type(made.defaults["temperature"]) is float
    assert (made.base_model, made.tpm) == ("1.10", 240_000)


def test_a_number_from_the_environment_is_a_number(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT", "99")
    (made,) = read(write, ENTRY + "      max_tokens: os.environ/LIMIT\n      rpm: ${LIMIT}\n").deployments
    assert (made.defaults, made.rpm) == ({"max_tokens": 99}, 99)


def test_router_settings_win_over_litellm_settings_and_arguments_over_both(write: Write) -> None:
    text = ENTRY + "litellm_settings: {num_retries: 1, request_timeout: 11}\nrouter_settings: {num_retries: 2}\n"
    made = read(write, text)
    assert (made.policy.retries.default, made.timeout) == (2, 11.0)
    assert read(write, text, num_retries=3).policy.retries.default == 3


def test_variables_of_the_file_are_for_the_file_alone(write: Write) -> None:
    text = "environment_variables:\n  HERE: k-here\n  AZURE_API_BASE: https://env.openai.azure.com\n  N: 5\n"
    text += "model_list:\n  - model_name: a\n    params: {model: azure/x, api_key: os.environ/HERE, rpm: '${N}'}\n"
    (made,) = read(write, text).deployments
    assert made.endpoint.credential.authorization() == "k-here"
    assert (made.resource, made.rpm) == ("env.openai.azure.com", 5)
    assert not os.environ.keys() & {"HERE", "AZURE_API_BASE", "N"}


def test_every_mistake_has_its_line_and_column_in_the_order_of_the_file(write: Write) -> None:
    text = (
        "general_settings:\n  custom_auth: CANARY\n"
        + ENTRY
        + "      api_bse: CANARY\n      tpm: lots\n"
        + "  - model_name: b\n"
        + "router_settings:\n  num_retries: -1\n  retry_policy:\n    TimeoutErorRetries: 1\n"
        + "  fallbacks: [{gpt-4o: [c]}]\n"
        + "litellm_settings:\n  request_timeout: 0\n  num_retrys: 1\nrouter_setings: {}\n"
    )
    found = problems(write, text)
    assert [line.split(": ")[0] for line in found] == [
        "config.yaml:2:3 general_settings.custom_auth",
        "config.yaml:9:7 model_list[0].litellm_params.api_bse",
        "config.yaml:10:7 model_list[0].litellm_params.tpm",
        "config.yaml:11:5 model_list[1].litellm_params",
        "config.yaml:13:3 router_settings.num_retries",
        "config.yaml:15:5 router_settings.retry_policy.TimeoutErorRetries",
        "config.yaml:16:25 router_settings.fallbacks[0].gpt-4o[0]",
        "config.yaml:18:3 litellm_settings.request_timeout",
        "config.yaml:19:3 litellm_settings.num_retrys",
        "config.yaml:20:1 router_setings",
    ]
    assert found[-1].endswith("unknown section 'router_setings'; did you mean 'router_settings'?")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("num_retries: 1\n" + ENTRY, "config.yaml:1:1 num_retries: unknown section 'num_retries'; it belongs in"),
        (ENTRY + "router_settings: [1]\n", "config.yaml:7:1 router_settings: must be a mapping"),
        (ENTRY + "general_settings: {num_retries: 1}\n", "unknown key 'num_retries'; it belongs in router_settings"),
        (ENTRY + "general_settings: {xyz: 1}\n", "unknown key 'xyz'; remove it"),
        (ENTRY + "general_settings: {master_key: os.environ/MISSING}\n", "the environment variable MISSING is not set"),
        (ENTRY + "general_settings: {master_key: ''}\n", "master_key: must be text that is not empty"),
        (ENTRY + "include: [other.yaml]\n", "further files are not read in this version"),
        (ENTRY + "litellm_settings: {enable_tag_filtering: true}\n", "tag routing is not in this version"),
        (ENTRY + "environment_variables: {A: [1]}\n", "environment_variables.A: must be text"),
        ("model_list: []\n", "config.yaml:1:1 model_list: must be a list of at least one deployment"),
        ("router_settings: {}\n", "model_list: must be a list of at least one deployment"),
        ("- a\n", "config.yaml: must be a mapping with model_list"),
        ("just text\n", "config.yaml: must be a mapping with model_list"),
    ],
)  # fmt: skip
def test_a_section_that_cannot_be_meant_is_refused(write: Write, text: str, says: str) -> None:
    assert any(says in line for line in problems(write, text))


def test_a_mistake_in_an_argument_has_no_line(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_from_file(write(ENTRY + "router_settings: {timeout: 5}\n"), timeout=-1)
    assert caught.value.problems == ("config.yaml timeout: must be a number of seconds from 0.001 to 86,400",)


def test_a_mistake_below_an_alias_is_at_the_anchor(write: Write) -> None:
    text = (
        "model_list:\n  - model_name: a\n    params: &p\n      model: azure/x\n      api_base: https://e.openai.azure.com\n"
        "      api_key: k\n      tpm: -1\n  - model_name: b\n    params: *p\n"
    )
    assert [line.split(" ")[0] for line in problems(write, text)] == ["config.yaml:7:7", "config.yaml:7:7"]


def test_settings_of_other_products_give_one_warning(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    text = ENTRY + (
        "litellm_settings:\n  cache: true\n  success_callback: [langfuse]\n  set_verbose: false\n"
        "general_settings:\n  database_url: os.environ/MISSING\n  alerting: [slack]\nguardrails: [{a: 1}]\n"
    )
    read(write, text)
    (record,) = caplog.records
    assert record.getMessage().endswith(
        "guardrails, litellm_settings.cache, litellm_settings.success_callback, general_settings.database_url,"
        " general_settings.alerting"
    )


def test_the_contents_of_a_file_can_be_had_as_plain_values(write: Write) -> None:
    whole = read_config(write(ENTRY + "router_settings: {timeout: 5, x: 1.10}\n"))
    assert whole["router_settings"] == {"timeout": 5, "x": 1.1}
    assert whole["model_list"][0]["model_name"] == "gpt-4o"
    assert type(whole["model_list"][0]["model_name"]) is str
    with pytest.raises(ConfigError, match="must be a mapping"):
        read_config(write("- a\n"))
