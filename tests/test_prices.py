"""List prices come from what is installed, by any spelling of a model's name, and never from the network."""

import json
import socket
import subprocess
import sys

import pytest

from router.costs import Prices, Tiers
from router.price_table import ALIASES, TABLE
from router.prices import bare_name, list_prices


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("gpt-4o", "gpt-4o"),
        ("azure/gpt-4o", "gpt-4o"),
        ("azure/eu/GPT-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("openai/gpt-4o", "gpt-4o"),
        ("azure/global/gpt-4o", "gpt-4o"),
        ("whisper", "whisper-1"),
        ("someone/else", "someone/else"),
    ],
)
def test_a_name_is_read_as_price_lists_have_it(name, bare):
    assert bare_name(name) == bare


def test_prices_are_per_token():
    prices = list_prices("azure/gpt-4o")
    assert (prices.input_token, prices.cached_token, prices.output_token) == (2.5e-6, 1.25e-6, 10e-6)
    assert (prices.batch_input_token, prices.batch_output_token) == (1.25e-6, 5e-6)
    assert list_prices("text-embedding-3-small").input_token == pytest.approx(0.02e-6)


def test_other_units_are_per_character_and_per_second():
    assert list_prices("tts-hd").character == pytest.approx(30e-6)
    assert list_prices("whisper").second == pytest.approx(0.006 / 60)


def test_the_tier_of_the_reply_has_its_own_prices():
    assert list_prices("gpt-4o", tier="priority").input_token == pytest.approx(4.25e-6)
    assert list_prices("gpt-4o", tier="default") == list_prices("gpt-4o")


def test_a_price_may_rise_with_the_prompt():
    assert isinstance(list_prices("gpt-5.4").input_token, Tiers)


def test_the_model_of_base_model_has_another_price_than_the_one_that_azure_names():
    assert list_prices("azure/gpt-4-1106-preview").input_token == 10e-6
    assert list_prices("gpt-4").input_token == 30e-6


@pytest.mark.parametrize("name", ["my-deployment", "", "prod", "gpt-4o-my-own"])
def test_an_unknown_model_has_no_price(name):
    assert list_prices(name) is None


def test_the_table_is_read_first_and_knows_dated_names():
    assert list_prices("dall-e-3").images["hd", "1024x1792"] == 0.12
    dated = list_prices("gpt-4o-audio-preview-2024-12-17")
    assert dated == TABLE["gpt-4o-audio-preview"]


def test_the_table_holds_only_what_the_package_lacks():
    """When the package learns one of these, the entry has done its work."""
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    snapshot = DataSnapshot(providers=providers, from_auto_update=False)
    for name, prices in TABLE.items():
        if prices.images:
            with pytest.raises(LookupError):
                snapshot.find_provider_model(name, None, "azure", None)
        else:
            _, model = snapshot.find_provider_model(name, None, "azure", None)
            assert model.prices.input_audio_mtok is None
    for name, meant in ALIASES.items():
        with pytest.raises(LookupError):
            snapshot.find_provider_model(name, None, "azure", None)
        assert list_prices(meant) is not None


def test_no_price_opens_a_socket(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a price was asked of the network")

    monkeypatch.setattr(socket, "socket", refuse)
    assert list_prices("gpt-4.1-mini") is not None


PROBE = """
import json, logging, sys
import router.billing, router.prices, router.router
before = "genai_prices" in sys.modules
if {missing}:
    sys.modules["genai_prices"] = None
from router.costs import Prices
found = router.prices.list_prices("gpt-4o")
listed = router.prices.list_prices("dall-e-3")
print(json.dumps([before, found is None, listed is None, router.prices.package_is_missing()]))
"""


@pytest.mark.parametrize("missing", [True, False])
def test_the_package_is_imported_for_the_first_price_and_not_needed(missing):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(missing=missing)], check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == [False, missing, False, missing]


def test_all_prices_of_the_table_are_prices():
    assert all(isinstance(prices, Prices) for prices in TABLE.values())
