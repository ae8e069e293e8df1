"""Is the caller let in?  Keys in either header, and Entra tokens by audience and expiry."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from .refusals import Refusal, wrong_key, wrong_token
from .routes import Dialect

AUDIENCES = ("https://cognitiveservices.azure.com", "https://ai.azure.com")


def objection(
    headers: Mapping[str, str], keys: Sequence[str], tokens: Sequence[str], wall: float, dialect: Dialect = "azure"
) -> Refusal | None:
    """None if the caller may come in, else the 401.

    Args:
        headers: with lower-case names (or case-insensitive).
        keys: accepted as `api-key` and, as stock OpenAI clients send them, as bearer; empty: any.
        tokens: accepted bearers beside JWTs.
        wall: seconds since 1970, for the expiry of JWTs.  Signatures are not checked.
        dialect: Claude takes `x-api-key` as well, plain OpenAI takes bearers only.
    """
    key = headers.get("api-key") if dialect != "openai" else None
    if dialect == "anthropic":
        key = headers.get("x-api-key", key)
    if key is not None:
        return None if key and (not keys or key in keys) else wrong_key()
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer:
        return wrong_key()
    if bearer in tokens or bearer in keys:
        return None
    claims = _claims(bearer)
    if claims is None:
        return wrong_token() if keys else None
    expiry = claims.get("exp")
    fresh = not isinstance(expiry, (int, float)) or expiry > wall
    known = str(claims.get("aud", "")).rstrip("/") in AUDIENCES
    return None if known and fresh else wrong_token()


def _claims(token: str) -> dict[str, object] | None:
    """The claims of a JWT; None if it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None
