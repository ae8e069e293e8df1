"""Whatever is put in, only a ConfigError comes out, and never a value."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.config import Settings, settings_from, settings_from_file
from router.config.keys import other_keys
from router.config.models import AllowedFailsPolicy, Entry, ModelInfo, Options, Params, RetryPolicy
from router.errors import ConfigError

CANARY = "sk-CANARY-7f3a"
_SHAPES = (AllowedFailsPolicy, Entry, ModelInfo, Options, Params, RetryPolicy)
KEYS = sorted({key for shape in _SHAPES for key in shape.model_fields} | {key for _, key, _ in other_keys()})

values = st.sampled_from(
    [
        CANARY,
        f"{CANARY}\n",
        f"{CANARY}/x",
        f"https://{CANARY}.example/{CANARY}",
        f"https://u:{CANARY}@h.example",
        f"http://h.example/{CANARY}",
        f"azure/{CANARY} x",
        f"azure_text/{CANARY}",
        f"os.environ/{CANARY}",
        f"${{{CANARY}}}",
    ]
) | st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=3), st.just(object()))
keys = st.sampled_from(KEYS) | st.text(max_size=5)
junk = st.recursive(
    values, lambda part: st.lists(part, max_size=3) | st.dictionaries(keys, part, max_size=4), max_leaves=8
)
params = st.dictionaries(st.sampled_from([*Params.model_fields]), junk, max_size=6)
entries = st.fixed_dictionaries(
    {"model_name": st.just("gpt-4o") | junk, "litellm_params": params | junk},
    optional={"model_info": st.dictionaries(st.sampled_from([*ModelInfo.model_fields]), junk, max_size=3) | junk},
)
options = st.dictionaries(st.sampled_from([*Options.model_fields]) | keys.filter(str.isidentifier), junk, max_size=4)


def outcome(made: Any) -> str:
    """What anybody could see of it."""
    try:
        result = made()
    except ConfigError as error:
        chain = repr(error.__cause__) + repr(error.__context__ if not error.__suppress_context__ else None)
        return f"{error} {error!r} {error.problems} {chain}"
    assert isinstance(result, Settings)
    return ""


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(model_list=st.lists(entries | junk, max_size=3) | junk, given_options=options)
def test_junk_is_refused_with_a_config_error_and_is_never_shown(
    model_list: Any, given_options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given_options.pop("model_list", None)
    seen = outcome(lambda: settings_from(model_list, **given_options))
    assert "CANARY" not in seen
    assert "CANARY" not in caplog.text


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    whole=st.fixed_dictionaries(
        {},
        optional={
            "model_list": st.lists(entries, max_size=2) | junk,
            "router_settings": options | junk,
            "litellm_settings": options | junk,
            "general_settings": junk,
            "environment_variables": junk,
        },
    )
)
def test_a_file_of_junk_is_refused_with_a_config_error_and_is_never_shown(
    whole: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(_writable(whole)), encoding="utf-8")
    seen = outcome(lambda: settings_from_file(path))
    assert "CANARY" not in seen
    assert "CANARY" not in caplog.text


def _writable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_writable(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) else None


@pytest.mark.parametrize("key", sorted(Params.model_fields))
@pytest.mark.parametrize("value", [CANARY, f"{CANARY}\n", [CANARY], {CANARY[:5]: CANARY}, f"{CANARY} ünd"], ids=repr)
def test_no_field_of_a_deployment_shows_its_value(key: str, value: Any) -> None:
    whole = {"model": "azure/x", "api_base": "https://e.openai.azure.com", "api_key": CANARY, key: value}
    assert "CANARY" not in outcome(lambda: settings_from([{"model_name": "g", "litellm_params": whole}]))


def test_settings_do_not_show_their_secrets() -> None:
    made = settings_from(
        [{"model_name": "g", "litellm_params": {"model": "azure/x", "api_base": "https://e.openai.azure.com",
                                                "api_key": CANARY, "user": CANARY}}],
        redis_host="h", redis_password=CANARY, default_params={"user": CANARY},
    )  # fmt: skip
    assert "CANARY" not in repr(made)
