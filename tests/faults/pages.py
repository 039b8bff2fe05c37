"""Forms that a person has before them, and that many send at once."""

from collections.abc import Mapping
from urllib.parse import urljoin

import httpx2

from tests.harness import Browser, forms


class Filled:
    """A form of a page, for whoever has this browser's cookies; 503 is told as it is."""

    def __init__(self, browser: Browser, page: httpx2.Response, form: str) -> None:
        found = forms(page.text)[form]
        self._url = urljoin(str(page.request.url), found["action"])
        self._inputs = dict(found["inputs"])
        self._headers = cookies(browser)

    def send(
        self, http: httpx2.Client, typed: Mapping[str, str], **headers: str
    ) -> httpx2.Response:
        return http.post(
            self._url, data=self._inputs | dict(typed), headers=self._headers | headers
        )


def cookies(browser: Browser) -> dict[str, str]:
    """As a header, for connections of others."""
    return {"cookie": "; ".join(f"{one.name}={one.value}" for one in browser.http.cookies.jar)}
