"""What a call used is read from every shape of a usage, and nonsense in it is nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.amounts import Amounts, amounts_beside, take_usage
from router.costs import Prices, cost

FULL = Prices(2.0, 10.0, 1.0, 3.0, 20.0, 40.0, 5.0, 7.0, 11.0, 6.0, 13.0)


def used(**stated):
    amounts = Amounts()
    take_usage(amounts, stated)
    return amounts


def test_the_usage_of_each_operation_is_understood():
    chat = used(
        prompt_tokens=100,
        completion_tokens=50,
        total_tokens=150,
        prompt_tokens_details={"cached_tokens": 60, "audio_tokens": 10, "cache_write_tokens": 5},
        completion_tokens_details={"reasoning_tokens": 30, "audio_tokens": 5},
    )
    assert (chat.input, chat.output, chat.cached, chat.cache_written) == (100, 50, 60, 5)
    assert (chat.input_audio, chat.reasoning, chat.output_audio) == (10, 30, 5)
    responses = used(
        input_tokens=9,
        output_tokens=7,
        input_tokens_details={"cached_tokens": 3},
        output_tokens_details={"reasoning_tokens": 2},
    )
    assert (responses.input, responses.output, responses.cached, responses.reasoning) == (9, 7, 3, 2)
    image = used(input_tokens=50, output_tokens=400, input_tokens_details={"text_tokens": 10, "image_tokens": 40})
    assert (image.input, image.input_image, image.output) == (50, 40, 400)
    transcript = used(type="tokens", input_tokens=14, input_token_details={"audio_tokens": 14}, output_tokens=4)
    assert (transcript.input, transcript.input_audio, transcript.output) == (14, 14, 4)
    assert used(type="duration", seconds=7).seconds == 7.0
    assert used(prompt_tokens=8, total_tokens=8).input == 8


def test_anthropics_tokens_of_the_cache_stand_beside_its_input():
    amounts = used(input_tokens=10, output_tokens=5, cache_read_input_tokens=100, cache_creation_input_tokens=20)
    assert (amounts.input, amounts.cached, amounts.cache_written) == (130, 100, 20)
    assert cost(amounts, FULL) == pytest.approx(10 * 2 + 100 * 1 + 20 * 3 + 5 * 10)


def test_what_no_usage_states_comes_from_the_request_or_the_reply():
    assert amounts_beside("audio.speech", {"input": "héllo"}, None).characters == 5
    assert amounts_beside("audio.transcriptions", {}, {"text": "x", "duration": 8.5}).seconds == 8.5
    made = amounts_beside("images.generations", {"quality": "hd", "size": "1024x1792"}, {"data": [{}, {}]})
    assert (made.images, made.quality, made.size) == (2, "hd", "1024x1792")
    usual = amounts_beside("images.generations", {}, {"data": [{}]})
    assert (usual.quality, usual.size) == ("standard", "1024x1024")
    assert amounts_beside("batches.retrieve", {}, {}).batch
    assert amounts_beside("chat.completions", {}, {}) is None


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "prompt_tokens_details",
        "seconds",
        "cache_read_input_tokens",
    ]
)


@given(
    st.dictionaries(st.one_of(NAMES, st.text()), JSON),
    st.sampled_from(["chat.completions", "images.edits", "audio.translations"]),
)
def test_no_usage_and_no_reply_makes_it_fail(stated, operation):
    amounts = amounts_beside(operation, stated, stated) or Amounts()
    take_usage(amounts, stated)
    assert amounts.input is None or amounts.input >= 0
    total = cost(amounts, FULL)
    assert total is None or total >= 0.0
