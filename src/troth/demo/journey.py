"""The four steps and what can follow, as an application does them with Authlib.

Each function takes the visit as it is and returns it as it is afterwards; what went over the
wire is kept beside for the page.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client

from troth.demo.daybook import Daybook, send
from troth.demo.exchange import (
    Exchange,
    Message,
    browser_request,
    claims,
    fields,
    renamed,
)
from troth.demo.plan import SCOPE
from troth.demo.visits import Asked, Visit

_TO_SERVER = ("Daybook", "Troth")
_TO_API = ("Daybook", "Demo API")
_NOTHING: Mapping[str, Any] = {"notes": (), "calendar": ()}
_TITLES = {"notes": "Read the notes", "calendar": "Read the calendar"}


def begin(daybook: Daybook) -> Visit:
    """Step 1: where the browser is sent (RFC 6749 §4.1.1), with state and PKCE."""
    code_verifier = secrets.token_urlsafe(48)
    client = daybook.client(daybook.credentials.application, [])
    url, state = client.create_authorization_url(
        f"{daybook.plan.issuer}/oauth/authorize",
        scope=SCOPE,
        state=secrets.token_urlsafe(16),
        code_verifier=code_verifier,
    )
    step = Exchange(
        title="Ask",
        way=("Your browser", "Troth"),
        request=browser_request(url),
        answer=Message(start="Troth asks you"),
        note="You are at Troth now, or left it without an answer. Daybook waits.",
    )
    asked = Asked(state=state, code_verifier=code_verifier, url=url)
    return Visit(standing="asking", asked=asked).with_step(1, step)


async def answered(daybook: Daybook, visit: Visit, url: str, answer: Mapping[str, str]) -> Visit:
    """Steps 2 to 4: the code comes back, is exchanged, and the API is called."""
    asked = visit.asked
    assert asked is not None
    assert visit.steps[0] is not None
    location = (("location", daybook.plan.redirect_uri),)
    back = Message(start="303 See Other", headers=location, fields=fields(answer.items()))
    visit = visit.with_step(1, replace(visit.steps[0], answer=back, note=""))
    step = Exchange(
        title="Answer",
        way=("Your browser", "Daybook"),
        request=browser_request(url),
        answer=Message(start="303 See Other", headers=(("location", daybook.plan.app + "/"),)),
        good="code" in answer,
        result="code" if "code" in answer else answer.get("error", "")[:60],
        note="state is the one of step 1, and iss is the server that was asked.",
    )
    visit = replace(visit.with_step(2, step), asked=None)
    if "code" not in answer:
        denied = answer.get("error") == "access_denied"
        return replace(visit, standing="denied" if denied else "failed")

    async def exchange(client: AsyncOAuth2Client) -> Any:
        return await client.fetch_token(
            daybook.token_endpoint,
            authorization_response=url,
            state=asked.state,
            code_verifier=asked.code_verifier,
        )

    done, token = await send(daybook, None, exchange, "Exchange", _TO_SERVER)
    visit = visit.with_step(3, done)
    if token is None:
        return replace(visit, standing="failed")
    visit = replace(visit, standing="connected", token=token)
    done, visit = await _call(daybook, visit, "notes")
    return visit.with_step(4, done)


async def call(daybook: Daybook, visit: Visit, what: str) -> Visit:
    """Step 4 again, whenever one likes."""
    done, visit = await _call(daybook, visit, what)
    return visit.with_later(done)


async def refresh(daybook: Daybook, visit: Visit) -> Visit:
    """A new access token, without the person (RFC 6749 §6)."""
    held = dict(visit.token or {})

    async def exchange(client: AsyncOAuth2Client) -> Any:
        return await client.refresh_token(
            daybook.token_endpoint, refresh_token=held.get("refresh_token", "")
        )

    done, token = await send(daybook, held, exchange, "Refresh", _TO_SERVER)
    if token is None:
        note = "What this token stood for has ended. Connect again to get a new one."
        return replace(visit, standing="ended").with_later(renamed(done, "Refresh", note))
    note = "Both tokens are new. Nobody was asked."
    return replace(visit, token=token).with_later(renamed(done, "Refresh", note))


async def revoke(daybook: Daybook, visit: Visit) -> Visit:
    """The end of the refresh token and of all its access tokens (RFC 7009)."""
    held = dict(visit.token or {})

    async def exchange(client: AsyncOAuth2Client) -> Any:
        return await client.revoke_token(
            f"{daybook.plan.issuer}/oauth/revoke",
            token=held.get("refresh_token", ""),
            token_type_hint="refresh_token",
        )

    done, _ = await send(daybook, held, exchange, "Revoke", _TO_SERVER)
    if not done.good:
        return visit.with_later(done)
    note = "Daybook still holds its tokens, and they are worth nothing now. Read the notes to see."
    return replace(visit, standing="ended").with_later(renamed(done, "Revoke", note))


async def expired(daybook: Daybook, visit: Visit) -> Visit:
    """A token that really expires: used at once, and again when its two seconds are over."""

    async def exchange(client: AsyncOAuth2Client) -> Any:
        return await client.fetch_token(
            daybook.token_endpoint, grant_type="client_credentials", scope="read_write"
        )

    own = daybook.credentials.short_lived
    done, token = await send(daybook, None, exchange, "Get a token", _TO_SERVER, own)
    if token is None:
        return visit.with_later(done)
    lives = int(token["expires_in"])
    first = renamed(
        done,
        f"Get a token that lives for {lives} seconds",
        "By client_credentials: it stands for the application itself, not for a person.",
    )
    early, _ = await _get(daybook, token["access_token"], "notes")
    await asyncio.sleep(lives + 0.1)
    late, _ = await _get(daybook, token["access_token"], "notes")
    return visit.with_later(
        first,
        renamed(early, "Use it at once", "The API accepts it; it just has no notes of its own."),
        renamed(late, "Use it again after it has expired", "The very same token, a moment later."),
    )


def token_claims(visit: Visit) -> str:
    """What the access token says of itself, for the page."""
    return claims(visit.token["access_token"]) if visit.token else ""


async def _call(daybook: Daybook, visit: Visit, what: str) -> tuple[Exchange, Visit]:
    done, got = await _get(daybook, str((visit.token or {}).get("access_token", "")), what)
    if got is not None:
        return done, replace(visit, standing="connected", got={**(visit.got or _NOTHING), **got})
    if done.answer.start.startswith("401"):
        note = "The API asked Troth about this token, and Troth said no: revoked or expired."
        return replace(done, note=note), replace(visit, standing="ended", got=None)
    if done.answer.start.startswith("403"):
        note = "The token is good, but you did not allow this when you were asked."
        return replace(done, note=note), visit
    return done, visit


async def _get(daybook: Daybook, token: str, what: str) -> tuple[Exchange, Any | None]:
    """Present an access token to the API, whatever its age (RFC 6750 §2.1)."""

    async def get(client: AsyncOAuth2Client) -> Any:
        return await client.get(f"{daybook.plan.api}/{what}")

    held = {"access_token": token, "token_type": "Bearer"}
    done, response = await send(daybook, held, get, _TITLES[what], _TO_API)
    return done, response.json() if response is not None and done.good else None
