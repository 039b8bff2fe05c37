"""What `troth dev` prints: addresses, the login, and the contract's requests for a terminal."""

import sys
from pathlib import Path
from urllib.parse import urlencode

import click

from troth.demo.plan import SCOPE, USERNAME, Credentials, Plan


def welcome(plan: Plan, credentials: Credentials, unchanged: bool) -> str:
    """The whole text. `unchanged` says whether the person still has the first password."""
    password = credentials.password if unchanged else "the one that you chose on the account page"
    troth = _short(Path(sys.executable).with_name("troth"))
    rows = (
        ("Start here", plan.app),
        ("User name", USERNAME),
        ("Password", password),
        ("", ""),
        ("Server", f"{plan.issuer}   (your account: {plan.issuer}/account)"),
        ("Demo API", plan.api),
        ("Server's log", _short(plan.log_file)),
        ("Other commands", f"TROTH_CONFIG_FILE={_short(plan.config_file)} {troth} client list"),
    )
    head = click.style("Troth is running, with a demo application and a demo API.", bold=True)
    table = "\n".join(f"  {name:<15} {value}".rstrip() for name, value in rows)
    steps = "\n\n".join(
        f"  {click.style(str(number), bold=True)}  {words}\n\n{_indented(lines)}"
        for number, (words, lines) in enumerate(by_hand(plan, credentials), 1)
    )
    hand = click.style("The same by hand, in a browser and a terminal:", bold=True)
    return f"\n{head}\n\n{table}\n\n{hand}\n\n{steps}\n\nCtrl-C ends all of it.\n"


def _indented(lines: tuple[str, ...]) -> str:
    return "\n".join(f"     {line}" for line in lines)


def _short(path: Path) -> str:
    """As one types it from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def by_hand(plan: Plan, credentials: Credentials) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each request of the contract: what to do, and the lines to copy."""
    own = credentials.application
    client = f"-d client_id={own.client_id} -d client_secret={own.client_secret}"
    oauth = f"{plan.issuer}/oauth"
    post = f"curl -sS {oauth}"
    asked = {
        "response_type": "code",
        "client_id": own.client_id,
        "redirect_uri": plan.by_hand,
        "scope": SCOPE,
        "state": "by-hand",
    }
    code = f"-d grant_type=authorization_code -d code=$CODE -d redirect_uri={plan.by_hand}"
    refresh = "-d grant_type=refresh_token -d refresh_token=$REFRESH_TOKEN"
    bearer = '-H "Authorization: Bearer $ACCESS_TOKEN"'
    return (
        (
            "Authorize: open this address, sign in and allow. You come to a page with the code.",
            (f"{oauth}/authorize?{urlencode(asked)}",),
        ),
        (
            "Exchange the code for tokens, within a minute:",
            ("CODE=…", f"{post}/token {code} {client}"),
        ),
        ("Call the API:", ("ACCESS_TOKEN=…", f"curl -sS {plan.api}/notes {bearer}")),
        (
            "Refresh, without the person:",
            ("REFRESH_TOKEN=…", f"{post}/token {refresh} {client}"),
        ),
        (
            "Revoke; the API refuses from now on:",
            (f"{post}/revoke -d token=$REFRESH_TOKEN {client}",),
        ),
    )
