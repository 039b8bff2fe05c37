"""A request and its answer as the page shows them: as they went, with secrets shortened."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

_SECRETS = frozenset(
    "access_token refresh_token id_token id_token_hint token code client_secret code_verifier "
    "authorization".split()
)
_HEADERS = (
    "host authorization content-type www-authenticate cache-control location retry-after".split()
)
_LONGEST = 4000

# What a parameter is for, in the words of somebody who sees it for the first time.
MEANING: Mapping[str, str] = {
    "response_type": "a code is wanted, not a token",
    "client_id": "which application asks",
    "client_secret": "proves that it is this application",
    "redirect_uri": "where the answer goes; registered beforehand, compared exactly",
    "scope": "what is asked for",
    "state": "ties the answer to this very browser",
    "code_challenge": "PKCE: the hash of a secret that is shown in step 3",
    "code_challenge_method": "how it was hashed",
    "nonce": "comes back inside the ID token, and ties it to this very login",
    "prompt": "how you may be asked; none means not at all",
    "id_token_hint": "whom this is about: the ID token that Daybook holds",
    "post_logout_redirect_uri": "where you go afterwards; registered beforehand",
    "session_state": "lets a page notice that you signed out; Daybook does not use it",
    "code": "works once, within a minute, for this application only",
    "iss": "which server answers",
    "code_verifier": "PKCE: the secret whose hash went ahead in step 1",
    "grant_type": "what is handed in for a token",
    "refresh_token": "stands for what was allowed, without the person",
    "token": "what is to end",
    "token_type_hint": "which kind it is",
    "error": "what went wrong, in a standard word",
    "error_description": "the same in a sentence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One direction. `fields` are query or form parameters: name, value, meaning."""

    start: str
    headers: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer. `good` says whether it is a success, `result` in what words."""

    title: str
    way: tuple[str, str]
    request: Message
    answer: Message
    good: bool = True
    result: str = ""
    note: str = ""


def shorten(value: str) -> str:
    """Enough of a secret to recognise it, too little to use it."""
    if len(value) <= 16:
        return value[:4] + "…"
    return f"{value[:12]}…{value[-4:]} ({len(value)} characters)"


def fields(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    """Parameters as they are shown."""
    return tuple(
        (name, shorten(value) if name in _SECRETS else value[:500], MEANING.get(name, ""))
        for name, value in pairs
    )


def browser_request(url: str) -> Message:
    """A request that went through the person's browser."""
    parts = urlsplit(url)
    return Message(
        start=f"GET {parts.path}",
        headers=(("host", parts.netloc),),
        fields=fields(parse_qsl(parts.query, keep_blank_values=True)),
    )


def recorded(response: httpx2.Response, title: str, way: tuple[str, str]) -> Exchange:
    """What the client library sent, and what it got."""
    request = response.request
    form = "form-urlencoded" in request.headers.get("content-type", "")
    pairs = parse_qsl(request.content.decode(), keep_blank_values=True) if form else []
    return Exchange(
        title=title,
        way=way,
        request=Message(
            start=f"{request.method} {request.url.path}",
            headers=_headers(request.headers),
            fields=fields(pairs),
        ),
        answer=Message(
            start=_status(response.status_code),
            headers=_headers(response.headers),
            body=_body(response),
        ),
        good=response.is_success,
    )


def unanswered(title: str, way: tuple[str, str], request: httpx2.Request) -> Exchange:
    """A request that nobody answered."""
    start = f"{request.method} {request.url.path}"
    return Exchange(
        title=title,
        way=way,
        request=Message(start=start, headers=_headers(request.headers)),
        answer=Message(start="no answer"),
        good=False,
        note=f"{request.url.host}:{request.url.port} cannot be reached. Is it still running?",
    )


def claims(token: str) -> str:
    """What a JWT says, without verifying it; nothing for a token that is none."""
    try:
        payload = token.split(".")[1]
        read = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return ""
    return json.dumps(read, indent=2, ensure_ascii=False)


def renamed(exchange: Exchange, title: str, note: str) -> Exchange:
    return replace(exchange, title=title, note=note)


def _headers(headers: httpx2.Headers) -> tuple[tuple[str, str], ...]:
    shown = ((name, headers[name]) for name in _HEADERS if name in headers)
    return tuple(
        (name, _credentials(value) if name in _SECRETS else value) for name, value in shown
    )


def _credentials(value: str) -> str:
    scheme, _, secret = value.partition(" ")
    return f"{scheme} {shorten(secret)}"


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _body(response: httpx2.Response) -> str:
    try:
        read: Any = response.json()
    except ValueError:
        return response.text[:_LONGEST]
    if isinstance(read, dict):
        read = {
            n: shorten(v) if n in _SECRETS and isinstance(v, str) else v for n, v in read.items()
        }
    return json.dumps(read, indent=2, ensure_ascii=False)[:_LONGEST]
