"""What the consent page asks, in words, and a mark of its meaning that an answer brings back."""

import hashlib
from urllib.parse import urlsplit

from troth.browser import words
from troth.browser.approval import ends, standing, unanswered
from troth.browser.pages.views import ConsentPage, ScopeLine
from troth.browser.steps import Situation
from troth.model.authorization import Authorization
from troth.model.request import Pending
from troth.op import Op


def question(op: Op, pending: Pending, situation: Situation) -> ConsentPage:
    """What is asked, as things stand now; still without what ties its form to a browser."""
    assert situation.signed_in is not None
    client, target = situation.client, pending.request.target
    former = standing(situation.remembered, op.now)
    lines = _lines(op, pending.request.asked, former)
    return ConsentPage(
        form_token="",
        pending="",
        client_name=client.client_name,
        client_host=urlsplit(client.client_uri).hostname if client.client_uri else None,
        redirect_host=urlsplit(target.redirect_uri).hostname or target.redirect_uri.split(":")[0],
        account_name=situation.signed_in[1].name,
        scopes=lines,
        granted_before=former is not None,
        lasts=f"until you withdraw it, at most {_at_most(op, former, lines)}",
        policy_url=client.openid.policy_uri,
        tos_url=client.openid.tos_uri,
    )


def meaning(view: ConsentPage) -> bytes:
    """A digest of all that Allow on this page would say: to whom, what, and for how long.

    The operator may change a scope, or another tab the former answer, while a person decides: an
    answer counts for what was shown.
    """
    lines = tuple((line.name, line.description, line.required) for line in view.scopes)
    said = (view.client_name, view.client_host, lines, view.lasts)
    return hashlib.sha256(repr(said).encode()).digest()[:16]


def _lines(op: Op, asked: tuple[str, ...], former: Authorization | None) -> tuple[ScopeLine, ...]:
    """A line for each scope, ticked as it was answered before.

    Nobody is asked about one that the operator removed.
    """
    return tuple(
        ScopeLine(
            name=name,
            description=scope.description,
            required=scope.required,
            is_new=former is not None and unanswered(former, name, required=scope.required),
            checked=former is None or name not in former.declined,
        )
        for name, scope in ((name, op.scopes[name]) for name in asked if name in op.scopes)
    )


def _at_most(op: Op, former: Authorization | None, lines: tuple[ScopeLine, ...]) -> str:
    """How long, in words that are the same a second later: the page's answer counts for them."""
    names, latest = tuple(line.name for line in lines), op.now + op.settings.consent_lifetime
    end = ends(former, names, latest)
    if ends(former, names, latest + 1) == end:  # it does not move with the time
        return f"until {words.day(end)}"
    return words.span(op.settings.consent_lifetime)
