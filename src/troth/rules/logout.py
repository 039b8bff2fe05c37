"""Logging out: how clients are told, and where people go afterwards.

OIDC RP-Initiated, Front-Channel and Back-Channel Logout 1.0.
"""

from urllib.parse import quote, urlencode

from troth.model.client import RegisteredClient
from troth.model.delivery import Delivery
from troth.model.env import Env
from troth.rules.subject import sid, visible_sub

TOKEN_TYPE = "logout+jwt"  # a media type
_EVENT = "http://schemas.openid.net/event/backchannel-logout"
# A logout token is used at once, or never (Back-Channel §2.4).
_LIFETIME = 120

_FIRST_DELAY = 5
_LONGEST_DELAY = 4 * 3600


def token_claims(delivery: Delivery, client: RegisteredClient, env: Env) -> dict[str, object]:
    """What a logout token says (Back-Channel §2.4); never a `nonce`, which only ID tokens have.

    Each attempt has a token of its own: a client that read one and failed may refuse it later.
    """
    return {
        "iss": env.issuer,
        "aud": client.client_id,
        "iat": env.now,
        "exp": env.now + _LIFETIME,
        "jti": env.fresh[:16].hex(),
        "events": {_EVENT: {}},
        "sub": visible_sub(client, delivery.sub, env.pairwise_key),
        "sid": sid(delivery.session_id, client.client_id),
    }


def retry_delay(attempts: int) -> int:
    """Seconds until a client that did not answer is told again: four times longer each time."""
    return int(min(_FIRST_DELAY * 4 ** min(attempts - 1, 10), _LONGEST_DELAY))


def registered(client: RegisteredClient, uri: str) -> bool:
    """Whether people may be sent there after a logout: only the very string (RP-Initiated §3)."""
    return uri in client.openid.logout.post_logout_redirect_uris


def back_to(uri: str, state: str | None) -> str:
    """The address after a logout, with the `state` of the request (RP-Initiated §3)."""
    return uri if state is None else _with(uri, {"state": state})


def front_channel(client: RegisteredClient, issuer: str, session_id: str) -> str | None:
    """What a frame loads so that the client ends its own session (Front-Channel §2, §3).

    Every client is told which session it was, also one that does not require it: what acts on less
    can be set off by any page.
    """
    address = client.openid.logout.frontchannel_logout_uri
    if address is None:
        return None
    return _with(address, {"iss": issuer, "sid": sid(session_id, client.client_id)})


def _with(uri: str, parameters: dict[str, str]) -> str:
    encoded = urlencode(parameters, quote_via=quote)
    return f"{uri}{'&' if '?' in uri else '?'}{encoded}"
