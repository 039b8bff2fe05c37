"""The account page."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from troth.browser.pages.views import (
    AccountPage,
    ApplicationLine,
    DetailLine,
    ScopeLine,
    SessionLine,
    View,
)

_SECOND_APPLICATION = ApplicationLine(
    client_id="reading-room",
    client_name="Reading Room for Desktop",
    client_host=None,
    scopes=(replace(ScopeLine.sample(), name="read", description="See your library"),),
    first_used="19 November 2025",
    last_used=None,
    offline_until=None,
)

_SHARING = replace(
    ApplicationLine.sample(), shares=("openid", "profile", "email", "address", "phone", "badge")
)

_DETAILS = (
    DetailLine(name="name", value="Grace Brewster Murray Hopper"),
    DetailLine(name="name", value="Γκρέις Χόπερ", language="el"),
    DetailLine.sample(),
    DetailLine(name="phone_number", value="+1 (555) 010-1906", verified=False),
    DetailLine(name="address", value="8 Cobol Lane\nArlington, VA 22201\nUnited States"),
    DetailLine(name="birthdate", value="9 December 1906"),
    DetailLine(
        name="picture", value="https://images.northwind.example/people/grace-hopper-1984-large.png"
    ),
    DetailLine(name="locale", value="en-US"),
    DetailLine(name="employee_number", value="4711"),
)

_OTHER_SESSIONS = (
    SessionLine(
        session_id="s-2",
        device="Safari on iPhone",
        network="2001:db8:4f2::/64",
        signed_in="yesterday, 21:40 UTC",
        last_seen="3 hours ago",
        current=False,
    ),
    SessionLine(
        session_id="s-3",
        device="Chrome on Windows",
        network="198.51.100.0/24",
        signed_in="8 July 2026",
        last_seen="2 days ago",
        current=False,
    ),
)

ACCOUNT: Mapping[str, View] = MappingProxyType(
    {
        "account": replace(
            AccountPage.sample(),
            applications=(_SHARING, _SECOND_APPLICATION),
            details=_DETAILS,
            sessions=(SessionLine.sample(), *_OTHER_SESSIONS),
        ),
        "account-notice": replace(
            AccountPage.sample(),
            notice="Acme Ledger no longer has access.",
            applications=(),
            details=(DetailLine.sample(),),
        ),
        "account-problem": replace(
            AccountPage.sample(),
            problem="The current password is not right. Your password has not been changed.",
            problem_field="current_password",
            applications=(_SECOND_APPLICATION,),
        ),
    }
)
