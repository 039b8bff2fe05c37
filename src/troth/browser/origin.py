"""Where a form comes from, and what is said of one that may not be sent."""

from troth.errors import PageError
from troth.http import Request
from troth.op import Op


def check_same_origin(request: Request, op: Op) -> None:
    """403 for a POST of another site's page.

    Browsers say where one came from; pages here are `no-referrer`, so that their own Origin is
    `null`, and `Sec-Fetch-Site` is what counts where it is sent.
    """
    site = request.header(b"sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise forged(f"Sec-Fetch-Site is {site[:20]!r}")
        return
    origins = request.header_values(b"origin")
    if origins and origins != [op.settings.origin]:
        raise forged(f"Origin is {origins[0][:80]!r}")


def without_cookie(*, status: int) -> PageError:
    """No page leads on for a browser that refuses cookies: each would say that it is too old."""
    return PageError(
        "access_denied",
        "Your browser sent no cookie",
        "This service has to recognise the browser that you began in. Allow cookies for this "
        "address, go back and try again. If you followed a link from another browser, start "
        "again from the application. Nothing was changed.",
        reason="no cookie, or two of one name",
        status=status,
    )


def forged(reason: str) -> PageError:
    """A form that was not rendered for whoever sends it, or too long ago."""
    return PageError(
        "access_denied",
        "This form has expired",
        "It was made for another visit, or was open for too long. Nothing was changed. Go back, "
        "load the page again and repeat what you did.",
        reason=reason,
        status=403,
    )
