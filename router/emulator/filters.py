"""What does the content filter report when nothing is wrong?  Constants of every chat answer."""

from __future__ import annotations

from typing import Any

_SAFE = {"filtered": False, "severity": "safe"}
_ABSENT = {"filtered": False, "detected": False}

PROMPT_RESULTS: dict[str, Any] = {
    "hate": _SAFE,
    "jailbreak": _ABSENT,
    "self_harm": _SAFE,
    "sexual": _SAFE,
    "violence": _SAFE,
}
ANSWER_RESULTS: dict[str, Any] = {
    "hate": _SAFE,
    "self_harm": _SAFE,
    "sexual": _SAFE,
    "violence": _SAFE,
    "protected_material_code": _ABSENT,
    "protected_material_text": _ABSENT,
}
BLOCKED_RESULTS: dict[str, Any] = {**ANSWER_RESULTS, "violence": {"filtered": True, "severity": "medium"}}
BLOCKED_PROMPT: dict[str, Any] = {**PROMPT_RESULTS, "violence": {"filtered": True, "severity": "medium"}}
JAILBREAK: dict[str, Any] = {**PROMPT_RESULTS, "jailbreak": {"filtered": True, "detected": True}}
UNFILTERED: dict[str, Any] = {
    "error": {"code": "content_filter_error", "message": "The contents are not filtered"},
}
"""Where the filter itself has failed."""
PROMPT_FILTER: list[dict[str, Any]] = [{"prompt_index": 0, "content_filter_results": PROMPT_RESULTS}]
