"""What is answered when no endpoint did: refusals as JSON or as a page, with the right headers."""

from troth.browser.pages.render import Pages
from troth.browser.pages.static_files import StaticFile
from troth.browser.pages.views import ErrorPage
from troth.errors import OAuthError, PageError, temporarily_unavailable
from troth.http import Headers, PageOptions, Request, Response, json, page, retry_after
from troth.settings import Settings

_TITLES = {
    404: "There is no such page",
    405: "This page cannot be used that way",
    413: "That was too much",
    414: "This link is too long",
    415: "This form cannot be read",
    421: "This address is not served here",
    429: "Too many attempts",
    431: "That was too much",
    503: "Please try again in a moment",
}
_TEXTS = {
    404: "Check the address, or go back to where you came from.",
    429: "Wait a little, then try again.",
    # After an unknown COMMIT nobody knows.
    503: "The server is busy or cannot reach its database. If you just sent something, it may have "
    "been done all the same: look before you send it again.",
}
# Too early to go on, and an address at which nothing is.
_NO_WAY_ON = (429, 421)
_OUR_FAULT = "Something went wrong on our side. Nothing was shared."
_THEIR_FAULT = "The request is not one that this server answers. Nothing was changed."


class Answers:
    """Refusals of one server."""

    def __init__(self, settings: Settings, pages: Pages) -> None:
        self._pages = pages
        self._realm = settings.issuer
        # What every answer carries, beside the id of its request.
        self.always: Headers = (
            ((b"strict-transport-security", b"max-age=63072000; includeSubDomains"),)
            if settings.secure
            else ()
        )

    def static(self, file: StaticFile) -> Response:
        headers: Headers = (
            (b"content-type", file.content_type.encode()),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"etag", file.etag.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", b"same-origin"),
        )
        return Response(200, headers, file.body)

    def json(
        self, error: OAuthError | PageError, request: Request | None, request_id: str
    ) -> Response:
        """RFC 6749 §5.2, with the request's id to ask the operator about."""
        status, extra = error.status, _retry_after(error)
        by_header = request is not None and request.header_values(b"authorization")
        if error.error == "invalid_client" and by_header:
            extra += ((b"www-authenticate", f'Basic realm="{self._realm}"'.encode()),)
        description = error.description if isinstance(error, OAuthError) else error.title
        body = {
            "error": error.error,
            "error_description": description,
            "request_id": request_id,
        }
        return json(status, body, extra)

    def page(self, error: OAuthError | PageError, request_id: str) -> Response:
        if isinstance(error, PageError):
            title, explanation = error.title, error.explanation
        else:
            title = _TITLES.get(error.status, "This did not work")
            explanation = _TEXTS.get(error.status, _THEIR_FAULT)
        view = ErrorPage(
            status=error.status,
            title=title,
            explanation=explanation,
            error=error.error,
            request_id=request_id,
            home=error.status < 500 and error.status not in _NO_WAY_ON,
        )
        return page(error.status, self._pages.render(view), PageOptions(extra=_retry_after(error)))

    def not_found(self, request: Request) -> Response:
        error = OAuthError("not_found", "there is nothing here", reason="no such path")
        return self._either(error, request, request.prefers_html)

    def method_not_allowed(
        self, request: Request, methods: tuple[str, ...], browser: bool
    ) -> Response:
        error = OAuthError(
            "method_not_allowed",
            "the method is not allowed",
            reason=f"method {request.method[:20]}",
        )
        response = self._either(error, request, browser)
        allow = ((b"allow", ", ".join(methods).encode()),)
        return Response(response.status, response.headers + allow, response.body)

    def unavailable(self, request: Request | None, browser: bool) -> Response:
        return self._either(temporarily_unavailable(reason="store"), request, browser)

    def busy(self, *, browser: bool) -> Response:
        """What is said to whoever finds no place; made once, so that saying it costs little."""
        error = temporarily_unavailable(reason="no place")
        request_id = "turned-away"
        response = self.page(error, request_id) if browser else self.json(error, None, request_id)
        return response.to(request_id)

    def failed(self, request: Request | None, browser: bool) -> Response:
        error = PageError("server_error", "This did not work", _OUR_FAULT, reason="", status=500)
        return self._either(error, request, browser)

    def _either(
        self, error: OAuthError | PageError, request: Request | None, browser: bool
    ) -> Response:
        request_id = request.request_id if request is not None else ""
        if browser:
            return self.page(error, request_id)
        return self.json(error, request, request_id)


def _retry_after(error: OAuthError | PageError) -> Headers:
    if isinstance(error, OAuthError) and error.retry_after is not None:
        return retry_after(error.retry_after)
    return ()
