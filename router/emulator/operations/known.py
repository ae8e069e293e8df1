"""Which parameters do the older operations know?  What else a body holds is an error of the model.

From the specification azureopenai.json and OpenAI's, which the test compares; newer operations name what they refuse.
"""

from __future__ import annotations

from router.emulator import refusals
from router.emulator.refusals import Refusal

from .base import Call

_TEXT = frozenset(
    """frequency_penalty logit_bias logprobs max_tokens model n presence_penalty seed stop stream stream_options
    temperature top_p user user_security_context""".split()
)
CHAT = _TEXT | frozenset(
    """audio data_sources function_call functions max_completion_tokens messages metadata modalities moderation
    parallel_tool_calls prediction prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort
    response_format safety_identifier service_tier store tool_choice tools top_logprobs verbosity
    web_search_options""".split()
)
COMPLETIONS = _TEXT | frozenset("best_of echo prompt suffix".split())
EMBEDDINGS = frozenset("dimensions encoding_format input input_type model user user_security_context".split())
EXTENSIONS = frozenset(("enhancements", "dataSources"))
"""Of chats below `/extensions`."""


def stranger(call: Call, known: frozenset[str]) -> Refusal | None:
    """400 for the first parameter that is not known, where the emulator is strict."""
    if not call.strict or call.body.keys() <= known:
        return None
    return refusals.unrecognized(next(name for name in call.body if name not in known))
