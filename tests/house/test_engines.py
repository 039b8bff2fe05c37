"""The comparison of engines finds what differs."""

from pathlib import Path

import httpx2
import pytest

from tests.engines import VARIANTS, Refusals

ASKED = httpx2.Request("POST", "https://login.example/oauth/token")


def refused(description: str, status: int = 400, **headers: str) -> Refusals:
    heard = Refusals()
    told = {"error": "invalid_grant", "error_description": description, "request_id": "1"}
    told_too = {"retry-after": "30", "www-authenticate": 'Basic realm="canary"'}
    told_too |= {name.replace("_", "-"): value for name, value in headers.items()}
    heard.hear(httpx2.Response(status, json=told, headers=told_too, request=ASKED))
    heard.hear(httpx2.Response(200, json={"access_token": description}, request=ASKED))
    return heard


def test_G9_the_same_refusal_in_other_words_is_found(tmp_path: Path) -> None:
    one, two, three = VARIANTS
    refused("the code is not valid").compare(tmp_path, "test_x[]", one)
    refused("the code is not valid", retry_after="29").compare(tmp_path, "test_x[]", two)
    refused("something else").compare(tmp_path, "test_y[]", three)
    for other in (
        refused("no such code"),
        refused("the code is not valid", status=401),
        refused("the code is not valid", warning="x"),
        refused("the code is not valid", retry_after="61"),
        refused("the code is not valid", www_authenticate='Bearer realm="canary"'),
        Refusals(),
    ):
        with pytest.raises(AssertionError, match="G9: in one process and on SQLite differ"):
            other.compare(tmp_path, "test_x[]", three)
