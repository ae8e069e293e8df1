"""Prices that genai-prices lacks.

US dollars, as of November 2026, for Global deployments; OpenAI's are the same.  Sources: the price pages of Azure
and of OpenAI.
"""

from __future__ import annotations

from .costs import Prices

ALIASES: dict[str, str] = {
    "whisper": "whisper-1",
    "tts": "tts-1",
    "tts-hd": "tts-1-hd",
    "gpt-35-turbo-instruct": "gpt-3.5-turbo-instruct",
}
"""Azure's names of models that OpenAI calls otherwise."""

_DALL_E_3 = {
    ("standard", "1024x1024"): 0.04,
    ("standard", "1024x1792"): 0.08,
    ("standard", "1792x1024"): 0.08,
    ("hd", "1024x1024"): 0.08,
    ("hd", "1024x1792"): 0.12,
    ("hd", "1792x1024"): 0.12,
}
_DALL_E_2 = {("standard", "256x256"): 0.016, ("standard", "512x512"): 0.018, ("standard", "1024x1024"): 0.02}

TABLE: dict[str, Prices] = {
    "dall-e-3": Prices(images=_DALL_E_3),
    "dall-e-2": Prices(images=_DALL_E_2),
    # The package has only the text of these two; audio is what they are used for.
    "gpt-4o-audio-preview": Prices(2.5e-6, 10e-6, input_audio_token=40e-6, output_audio_token=80e-6),
    "gpt-4o-mini-audio-preview": Prices(0.15e-6, 0.6e-6, input_audio_token=10e-6, output_audio_token=20e-6),
}
