"""Log in with Troth, as an application does it with Authlib: who is there, still, and no longer.

Each function takes the visit as it is and returns it as it is afterwards; what went over the
wire is kept beside for the page.
"""

import json
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError

from troth.demo.daybook import Daybook
from troth.demo.exchange import Exchange, Message, browser_request, fields, recorded, unanswered
from troth.demo.visits import Asked, Login, Visit

_TO_SERVER = ("Daybook", "Troth")
_NOT_SILENTLY = frozenset(
    "login_required interaction_required consent_required account_selection_required".split()
)


async def begin(daybook: Daybook, visit: Visit, prompt: str) -> Visit:
    """Ask who is there (OIDC Core §3.1.2.1), with nonce, state and PKCE.

    `prompt` says how the person may be asked; `none` is about the one who is known already.
    """
    sent: list[httpx2.Response] = []
    before = visit.login
    troth = daybook.openid(sent, before.server if before else None)
    words = {"prompt": prompt} if prompt else {}
    if prompt == "none" and before is not None and before.id_token:
        words["id_token_hint"] = before.id_token
    try:
        made = await troth.create_authorization_url(daybook.plan.login_uri, **words)
    except httpx2.TransportError as error:
        lost = unanswered("Find", _TO_SERVER, error.request)
        return replace(visit, login=Login(standing="failed", server={}, steps=(lost,)))
    found = recorded(sent[-1], "Find", _TO_SERVER) if sent else _found_before(before)
    ask = Exchange(
        title="Ask",
        way=("Your browser", "Troth"),
        request=browser_request(made["url"]),
        answer=Message(start="Nobody is asked" if prompt == "none" else "Troth asks you"),
    )
    asked = Asked(
        state=made["state"],
        url=made["url"],
        code_verifier=made["code_verifier"],
        nonce=made["nonce"],
    )
    known = before or Login(standing="asking", server={})
    changes: dict[str, Any] = {"asked": asked, "prompt": prompt, "steps": (found, ask)}
    return replace(visit, login=replace(known, server=dict(troth.server_metadata), **changes))


def _found_before(login: Login | None) -> Exchange:
    assert login is not None
    return login.steps[0]


async def answered(daybook: Daybook, visit: Visit, url: str, answer: Mapping[str, str]) -> Visit:
    """The code comes back, and becomes an ID token that is verified, and what UserInfo tells."""
    login = visit.login
    assert login is not None
    assert login.asked is not None
    found, ask = login.steps[:2]
    location = (("location", daybook.plan.login_uri),)
    back = Message(start="303 See Other", headers=location, fields=fields(answer.items()))
    come = Exchange(
        title="Answer",
        way=("Your browser", "Daybook"),
        request=browser_request(url),
        answer=Message(start="303 See Other", headers=(("location", daybook.plan.app + "/you"),)),
        good="code" in answer,
        result="code" if "code" in answer else answer.get("error", "")[:60],
    )
    steps: tuple[Exchange, ...] = (found, replace(ask, answer=back), come)
    if "code" not in answer:
        return replace(visit, login=_refused(login, steps, answer.get("error", "")))
    sent: list[httpx2.Response] = []
    try:
        known = await _exchange(daybook, login, answer["code"], sent)
    except (OAuthError, httpx2.HTTPError):
        known = Login(standing="failed", server=login.server)
    steps += tuple(_told(sent, login.server))
    return replace(visit, login=replace(known, steps=steps, prompt=login.prompt))


def _refused(login: Login, steps: tuple[Exchange, ...], error: str) -> Login:
    """Whoever is not found without being asked is not known any more."""
    standing = "gone" if error in _NOT_SILENTLY else "failed"
    if error == "access_denied":
        standing = "denied"
    return Login(standing=standing, server=login.server, prompt=login.prompt, steps=steps)  # type: ignore[arg-type]


async def _exchange(
    daybook: Daybook, login: Login, code: str, sent: list[httpx2.Response]
) -> Login:
    """Raises what Authlib finds wrong with the answers (OIDC Core §3.1.3.7)."""
    assert login.asked is not None
    troth = daybook.openid(sent, login.server)
    token = await troth.fetch_access_token(
        daybook.plan.login_uri, code=code, code_verifier=login.asked.code_verifier
    )
    claims = await troth.parse_id_token(token, login.asked.nonce)
    if claims is None:
        raise OAuthError("invalid_token", "there is no ID token in the answer")
    person = await troth.userinfo(token=token)
    if person["sub"] != claims["sub"]:  # OIDC Core §5.3.4: it might be about somebody else
        raise OAuthError("invalid_token", "UserInfo is about another person")
    return Login(
        standing="known",
        server=login.server,
        id_token=token["id_token"],
        claims={**_header(token["id_token"]), **claims},
        person=dict(person),
    )


def _header(id_token: str) -> dict[str, Any]:
    head = id_token.partition(".")[0]
    read: dict[str, Any] = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return read


def _told(sent: list[httpx2.Response], server: Mapping[str, Any]) -> list[Exchange]:
    """What was asked of the server itself; the keys are left out, which nobody reads."""
    titles = {server["token_endpoint"]: "Exchange", server["userinfo_endpoint"]: "Know"}
    paths = {httpx2.URL(url).path: title for url, title in titles.items()}
    return [
        recorded(response, paths[response.request.url.path], _TO_SERVER)
        for response in sent
        if response.request.url.path in paths
    ]


async def leave(daybook: Daybook, visit: Visit) -> Visit:
    """Daybook forgets who is there, and asks the server to do so (RP-Initiated Logout §2)."""
    login = visit.login
    assert login is not None
    state = secrets.token_urlsafe(16)
    troth = daybook.openid([], login.server)
    words = {
        "id_token_hint": login.id_token,
        "client_id": daybook.credentials.application.client_id,
    }
    made = await troth.create_logout_url(daybook.plan.goodbye_uri, state=state, **words)
    ask = Exchange(
        title="Leave",
        way=("Your browser", "Troth"),
        request=browser_request(made["url"]),
        answer=Message(start="Troth ends your session"),
    )
    asked = Asked(state=state, url=made["url"])
    gone = Login(standing="leaving", server=login.server, asked=asked, steps=(ask,))
    return replace(visit, login=gone)


def left(visit: Visit, state: str) -> Visit:
    """Back from the server, which has ended the session; only if this browser asked for it."""
    login = visit.login
    if login is None or login.asked is None or not secrets.compare_digest(login.asked.state, state):
        return visit
    return replace(visit, login=replace(login, standing="left", asked=None))
