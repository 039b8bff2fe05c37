"""What is asked of a server under load: the bytes of each request, and what its answer tells."""

import json
from collections import deque
from collections.abc import Callable
from itertools import count
from urllib.parse import urlencode

from joserfc.jwk import ECKey

from tests.harness import Browser, OAuthClient, Troth, forms


def post(port: int, path: str, form: dict[str, str], *headers: str) -> bytes:
    """The bytes of a form's request."""
    body = urlencode(form).encode()
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", f"content-length: {len(body)}"]
    lines += ["content-type: application/x-www-form-urlencoded", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(port: int, path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"host: 127.0.0.1:{port}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Refreshes:
    """Chains of one client: each is refreshed with its newest token, and by one at a time.

    Where every chain waits for its answer, a machine's token is asked for in its stead.
    """

    def __init__(self, client: OAuthClient, tokens: list[str]) -> None:
        self._client = client
        self._free = deque(tokens)
        self._asked: dict[int, str] = {}

    def request(self, number: int) -> bytes:
        form = {"grant_type": "client_credentials", **self._client.credentials()}
        if self._free:
            self._asked[number] = self._free.popleft()
            form |= {"grant_type": "refresh_token", "refresh_token": self._asked[number]}
        return post(self._client.troth.port, "/oauth/token", form)

    def learn(self, number: int, status: int, body: bytes) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None:
            self._free.append(json.loads(body)["refresh_token"] if status == 200 else asked)


class Same:
    """One request, again and again; `right` says of the body of a 200 whether it is."""

    def __init__(self, request: bytes, right: Callable[[bytes], bool] = bool) -> None:
        self._request, self._right = request, right

    def request(self, _number: int) -> bytes:
        return self._request

    def learn(self, _number: int, status: int, body: bytes) -> None:
        assert status != 200 or self._right(body), body


class WrongLogins:
    """People who do not know their password, each from somewhere else."""

    def __init__(self, troth: Troth) -> None:
        self._port = troth.port
        self._people = count()
        browser = Browser(troth)
        self._form = dict(forms(browser.get("/login").text)["login"]["inputs"])
        self._cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())

    def request(self, _number: int) -> bytes:
        number = next(self._people)  # nobody tries twice, in whichever run
        typed = {**self._form, "username": f"nobody{number}", "password": "canary wrong"}
        come_from = f"x-forwarded-for: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        origin = f"origin: http://127.0.0.1:{self._port}"
        return post(self._port, "/login", typed, f"cookie: {self._cookie}", come_from, origin)

    def learn(self, number: int, status: int, body: bytes) -> None:
        pass


def refreshes(troth: Troth, chains: int) -> Refreshes:
    every = ("authorization_code", "refresh_token", "client_credentials")
    client = troth.client(*(word for kind in every for word in ("--grant-type", kind)))
    person, browser = troth.person(), Browser(troth)
    tokens = [client.tokens(person, browser)["refresh_token"] for _ in range(chains)]
    return Refreshes(client, tokens)


def introspections(troth: Troth) -> Same:
    """One token, asked about again and again."""
    client = troth.client()
    form = {"token": client.tokens(troth.person())["access_token"], **client.credentials()}
    request = post(troth.port, "/oauth/introspect", form)
    return Same(request, lambda body: b'"active":true' in body.replace(b" ", b""))


def closed_answers(troth: Troth) -> Same:
    """Who a person is, again and again; each answer is signed and encrypted.

    Hardly anything is dearer, so that who shares the processor with the server can still ask for
    five times as many as it can give.
    """
    key = ECKey.generate_key("P-521", {"use": "enc", "kid": "canary"})
    metadata = {
        "jwks": {"keys": [key.as_dict(private=False)]},
        "userinfo_signed_response_alg": "RS256",
        "userinfo_encrypted_response_alg": "ECDH-ES",
    }
    client = troth.client(scope="openid", metadata=metadata)
    token = client.tokens(troth.person(), scope="openid")["access_token"]
    request = get(troth.port, "/oauth/userinfo", f"authorization: Bearer {token}")
    return Same(request, lambda body: body.count(b".") == 4)
