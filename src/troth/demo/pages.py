"""What every page of the demo application shares: its visit, its look, and its headers."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from troth.demo.daybook import Daybook
from troth.demo.plan import SCOPES, USERNAME
from troth.demo.visits import Asked, Visit, Visits

_TEMPLATES: Final = Path(__file__).parent / "templates"


class Pages:
    """Answers for one application over the visits of its browsers."""

    cookie: Final = "daybook"

    def __init__(self, daybook: Daybook) -> None:
        self.daybook = daybook
        self._visits = Visits()
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(plan=daybook.plan, scopes=SCOPES, username=USERNAME)

    def visit(self, request: Request) -> Visit:
        return self._visits.get(request.cookies.get(self.cookie))

    def forget(self, request: Request) -> None:
        self._visits.forget(request.cookies.get(self.cookie))

    def remember(self, visit: Visit, request: Request | None, url: str) -> Response:
        """Go on at `url`; under a new id where there is no request to take it from."""
        known = request.cookies.get(self.cookie) if request is not None else None
        response = RedirectResponse(url, 303)
        visit_id = self._visits.put(known, visit)
        response.set_cookie(self.cookie, visit_id, httponly=True, samesite="lax")
        return response

    def answer(self, request: Request, asked: Asked | None) -> Mapping[str, str] | None:
        """What came back, if this browser asked for it and the right server gives it."""
        pairs = request.query_params.multi_items()
        answer = dict(pairs)
        return answer if len(answer) == len(pairs) and self._is_answer(asked, answer) else None

    def _is_answer(self, asked: Asked | None, answer: Mapping[str, str]) -> bool:
        """RFC 6749 §10.12 and RFC 9207 §2.4."""
        expected = asked.state if asked else ""
        return (
            bool(expected)
            and secrets.compare_digest(expected.encode(), answer.get("state", "").encode())
            and answer.get("iss") == self.daybook.plan.issuer
        )

    def page(
        self,
        request: Request,
        template: str,
        values: Mapping[str, object] | None = None,
        status: int = 200,
    ) -> Response:
        given = {"visit": self.visit(request), **(values or {})}
        html = self._templates.get_template(template).render(given)
        return HTMLResponse(html, status, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        # The answer to the form that connects is a redirect to the server.
        form_action = f"form-action 'self' {self.daybook.plan.issuer}"
        return {
            "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
            f"{form_action}; base-uri 'none'; frame-ancestors 'none'",
            "cache-control": "no-store",
            "cross-origin-opener-policy": "same-origin",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
        }
