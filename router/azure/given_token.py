"""What did a provider of tokens give, how long may it be used, and what went wrong where it gave none?

Nothing that a provider or Entra says is shown, since it may hold a secret: only the type of an error and Entra's own
numbers, with what the commonest of them mean.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from router.errors import RouterError

from .endpoint import check_key

OPAQUE_LIFE_S = 60.0
"""Of a token whose end nobody can see; callables of this kind keep their tokens themselves."""
FRESH_SHARE = 0.8
"""Of its life, during which a token is not fetched again, unless the credential states a time (`refresh_on`)."""
UNCHANGED_SHARE = 0.1
"""The same for a token that was fetched early and came back as it was: the provider has not renewed it yet."""
SHORTEST_LIFE_S = 5.0
"""A token that comes expired (clocks differ) is used for this long, not fetched for every call."""

_AADSTS = re.compile(r"AADSTS(\d{4,8})", re.ASCII)
_MEANINGS = {
    "50034": "the user does not exist in this tenant",
    "50053": "the account is locked",
    "50055": "the password has expired",
    "50076": "the account needs a second factor, which a program cannot give; use a service principal",
    "50079": "the account needs a second factor, which a program cannot give; use a service principal",
    "50126": "the user name or the password is wrong",
    "53003": "a conditional access policy of the tenant blocks it",
    "65001": "nobody has consented that this application may use the resource of azure_scope",
    "70011": "azure_scope is not valid",
    "70021": "no federated identity credential of the application matches the OIDC token",
    "90002": "there is no such tenant; check tenant_id and the cloud (azure_authority_host)",
    "500011": "the resource of azure_scope is not known in this tenant; check it and the cloud (azure_authority_host)",
    "700016": "the tenant has no application with this client_id",
    "700027": "the certificate is not registered with the application",
    "700213": "no federated identity credential of the application matches the OIDC token",
    "7000215": "the client secret is wrong; give its value, not its id",
    "7000218": "the application is not public, so it needs a client_secret",
    "7000222": "the client secret has expired",
    "1002012": "azure_scope must end in /.default",
}
"""Entra's numbers, from Microsoft's list of AADSTS error codes."""


class CredentialError(RouterError):
    """No token could be had; nothing was sent.  The message never holds a token or what the provider said."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and how long it serves; in seconds since 1970."""

    secret: str = field(repr=False)
    fresh_until: float
    """From here on it is fetched again beside the calls."""
    valid_until: float
    """From here on it is not handed out."""


def token_from(given: Any, now: float, before: Token | None) -> Token | str:
    """The token that a provider gave, or what it gave instead, in words that do not show it.

    Args:
        given: text, or an object such as azure-core's `AccessTokenInfo` with `token` and `expires_on`.
        now: seconds since 1970.
        before: the token that it follows.
    """
    secret = getattr(given, "token", given)
    if not isinstance(secret, str):
        return f"{type(given).__name__} instead of str.  It must return the bare token as text."
    try:
        check_key(secret, "the token")
    except ValueError:
        return "an empty text." if not secret else "a text that is no token (spaces, line ends or non-ASCII)."
    expires = _seconds(getattr(given, "expires_on", None)) or expiry_of(secret)
    life = OPAQUE_LIFE_S if expires is None else max(expires - now, SHORTEST_LIFE_S)
    unchanged = before is not None and before.secret == secret
    fresh = max((UNCHANGED_SHARE if unchanged else FRESH_SHARE) * life, SHORTEST_LIFE_S)
    refresh_on = _seconds(getattr(given, "refresh_on", None))
    if refresh_on is not None and refresh_on > now and not unchanged:
        fresh = refresh_on - now
    return Token(secret, now + min(fresh, life), now + life)


def expiry_of(token: str) -> float | None:
    """When a JWT runs out, in seconds since 1970; None if it is none or does not say.

    Its signature is not checked: that is the service's business.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = from_json(base64.urlsafe_b64decode(parts[1] + "==="), allow_inf_nan=False)
    except ValueError:
        return None
    return _seconds(claims.get("exp")) if isinstance(claims, dict) else None


def if_it_ran_out(token: str, now: float) -> str:
    """What to do about a refused token that is too old, for the end of a message; "" if it is not, or is no JWT."""
    expires = expiry_of(token)
    if expires is None or expires > now:
        return ""
    minutes = (now - expires) / 60.0
    ago = f"{minutes / 60.0:,.0f} hours" if minutes > 120.0 else f"{minutes:.0f} minutes"
    return f"  It ran out {ago} ago: give a new one, or azure_ad_token_provider, which renews it."


def what_failed(error: BaseException) -> str:
    """The type, and Entra's own numbers with their meaning.  The rest of the text may hold a token: it is left out."""
    told = [
        f"AADSTS{number}" + (f": {_MEANINGS[number]}" if number in _MEANINGS else "")
        for number in sorted(set(_AADSTS.findall(str(error))))
    ]
    return f"raised {type(error).__name__}" + (f" ({', '.join(told)})" if told else "")


def _seconds(value: Any) -> float | None:
    """A time that can be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 10**11 else None
