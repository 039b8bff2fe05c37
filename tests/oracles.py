"""What must hold for every answer, whatever the test is about (the global oracles)."""

import re
from urllib.parse import urlsplit

import httpx2

DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")
_LEAKS = ("Traceback", "sqlite3", "SELECT ", '.py"', "site-packages", "uvicorn")
_PAGE_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


def check_response(response: httpx2.Response, issuer: str) -> None:
    """G1 no failure and no leak, G2 redirects, G3 no-store, G6 headers, G7 descriptions."""
    where = f"{response.request.method} {response.request.url.path} -> {response.status_code}"
    assert response.status_code < 500, f"G1: {where}: {response.text[:300]}"
    assert not any(leak in response.text for leak in _LEAKS), f"G1: {where}"
    # A proxy in front may say its name; Troth says none.
    assert response.headers.get("server", "nginx") == "nginx", f"{where}: a banner"
    kind = response.headers.get("content-type", "")
    if response.status_code == 303:
        _check_redirect(response, issuer, where)
    framed = response.request.url.path.endswith("/oauth/check_session")
    if kind.startswith("text/html") and not framed:
        for name, value in _PAGE_HEADERS.items():
            assert response.headers.get(name) == value, f"G6: {where}: {name}"
        # Where an application asked for a popup there is none; tests/oidc says where.
        opener = response.headers.get("cross-origin-opener-policy", "same-origin")
        assert opener == "same-origin", f"G6: {where}: {opener}"
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy, f"G6: {where}"
        assert "frame-ancestors 'none'" in policy, f"G6: {where}"
        assert response.headers["cache-control"] == "no-store", f"G3: {where}"
    if kind.startswith("application/json"):
        assert response.headers["x-content-type-options"] == "nosniff", f"G6: {where}"
        if response.request.method != "HEAD":
            _check_json(response, where)


def _check_redirect(response: httpx2.Response, issuer: str, where: str) -> None:
    location = response.headers["location"]
    assert response.headers["cache-control"] == "no-store", f"G3: {where}"
    own = location.startswith(issuer + "/")
    parts = urlsplit(location)
    signed_out = response.request.url.path.endswith("/oauth/end_session")
    assert own or signed_out or "iss=" in parts.query + parts.fragment, f"G2: {where}: {location}"
    assert "code=" not in parts.fragment, f"{where}: a code in a fragment"
    assert not re.search(r"[\x00-\x20\x7f-\xff]", location), f"G2: {where}"


def _check_json(response: httpx2.Response, where: str) -> None:
    body = response.json()
    if "access_token" in body or "active" in body or "error" in body:
        assert response.headers["cache-control"] == "no-store", f"G3: {where}"
    if "error" in body:
        assert DESCRIPTION.fullmatch(body["error_description"]), f"G7: {where}"
        assert body["request_id"] == response.headers["x-request-id"], where


def refused(response: httpx2.Response, error: str = "invalid_grant") -> bool:
    """TOK(x): 400 with a JSON error, and nothing issued."""
    body = response.json()
    assert "access_token" not in body
    assert response.headers["cache-control"] == "no-store"
    return (response.status_code, body["error"]) == (400, error)
