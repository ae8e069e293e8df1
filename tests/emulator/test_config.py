"""Configurations are read strictly, and mistakes are named by their place."""

from __future__ import annotations

import pytest

from router.emulator import (
    AZURE_LATENCY,
    NO_LATENCY,
    EmulatedDeployment,
    EmulatorConfig,
    Fault,
    FaultKind,
    demo_config,
    parse_config,
    read_emulator_config,
)
from router.errors import ConfigError

YAML = """
keys: [one, two]
seed: 7
latency: azure
deployments:
  - name: chat-east
    resource: east
    tpm: 100000
    rpm: 600
    limiter: fixed_minute
    request_windows: [10, 1]
    latency: {first_ms: 20, per_token_ms: 1}
    fault: {kind: status, status: 503, share: 0.5}
  - name: quiet
    latency: none
"""


def test_a_file_becomes_a_configuration(tmp_path):
    path = tmp_path / "emulator.yaml"
    path.write_text(YAML)
    config = read_emulator_config(path)
    east, quiet = config.deployments
    assert (east.tpm, east.limiter, tuple(east.request_windows)) == (100_000, "fixed_minute", (10.0, 1.0))
    assert east.latency is not None
    assert east.latency.first_ms == 20
    assert east.fault == Fault(FaultKind.STATUS, 503, share=0.5)
    assert quiet.latency == NO_LATENCY
    assert config.latency == AZURE_LATENCY
    assert list(config.keys) == ["one", "two"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tmp": 5}, "did you mean `tpm`"),
        ({"limiter": "leaky"}, "limiter"),
        ({"tpm": 0}, "tpm is 0"),
        ({"tpm": "many"}, "tpm"),
        ({"request_windows": []}, "request_windows"),
        ({"limiter": "ptu"}, "ptu needs tpm"),
        ({"fault": {"kind": "explode"}}, "no fault is called 'explode'"),
        ({"latency": {"first": 5}}, "unknown key"),
    ],
)
def test_mistakes_are_named_with_the_way_out(change, words):
    with pytest.raises(ConfigError) as caught:
        parse_config({"deployments": [{"name": "a", **change}]})
    assert words in str(caught.value)
    assert caught.value.problems


def test_every_mistake_is_found_at_once():
    with pytest.raises(ConfigError) as caught:
        parse_config({"deployments": [{"name": "a", "limiter": "x"}, {"tpm": "y", "name": "b"}], "sed": 1})
    assert len(caught.value.problems) == 3


def test_two_deployments_of_one_name_need_two_resources():
    twins = [EmulatedDeployment("chat"), EmulatedDeployment("chat")]
    with pytest.raises(ConfigError, match="twice"):
        EmulatorConfig(twins)
    assert EmulatorConfig([twins[0], EmulatedDeployment("chat", resource="west")])
    with pytest.raises(ConfigError, match="no deployments"):
        EmulatorConfig([])


@pytest.mark.parametrize("text", ["- a\n- b", "deployments: [", ""])
def test_a_file_that_is_no_configuration_is_an_error(tmp_path, text):
    path = tmp_path / "emulator.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_emulator_config(path)
    with pytest.raises(ConfigError):
        read_emulator_config(tmp_path / "absent.yaml")


def test_the_demonstration_has_limits_from_ten_to_one():
    limits = [d.tpm or 0 for d in demo_config().deployments]
    assert len(limits) == 4
    assert max(limits) == 10 * min(limits)


def test_no_key_is_ever_shown():
    config = EmulatorConfig([EmulatedDeployment("a", keys=["canary-1"])], keys=["canary-2"], tokens=["canary-3"])
    assert "canary" not in repr(config)
