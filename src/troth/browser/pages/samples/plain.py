"""Refusals, and the page at the server's own address."""

from collections.abc import Mapping
from types import MappingProxyType

from troth.browser.pages.views import ErrorPage, HomePage, View

PLAIN: Mapping[str, View] = MappingProxyType(
    {
        "error": ErrorPage.sample(),
        "error-answered": ErrorPage(
            status=400,
            title="You have already answered",
            explanation="This request was answered once, and an answer counts only once. "
            "Go back to the application and start again if something is missing.",
            error=None,
            request_id="req_7Jm2vQx4Ktw9",
            home=True,
        ),
        "error-cookies": ErrorPage(
            status=403,
            title="Your browser sent no cookie",
            explanation="This service has to recognise the browser that you began in. Allow "
            "cookies for this address, go back and try again. If you followed a link from another "
            "browser, start again from the application. Nothing was changed.",
            error="access_denied",
            request_id="req_7Jm2vQx4Ktw9",
            home=True,
        ),
        "error-not-found": ErrorPage(
            status=404,
            title="There is nothing at this address",
            explanation="The address may be mistyped, or the page may have moved.",
            error="not_found",
            request_id="req_7Jm2vQx4Ktw9",
            home=True,
        ),
        "error-busy": ErrorPage(
            status=503,
            title="Too busy for a moment",
            explanation="More people are signing in than we can serve this second. "
            "Nothing is lost: wait a few seconds and load the page again.",
            error="temporarily_unavailable",
            request_id="req_7Jm2vQx4Ktw9",
        ),
        "home": HomePage.sample(),
    }
)
