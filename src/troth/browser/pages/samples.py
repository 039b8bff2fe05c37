"""Every page in every state that looks different: what tests and screenshots go through."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from troth.browser.pages.views import (
    AccountPage,
    ApplicationLine,
    ConsentPage,
    ErrorPage,
    HomePage,
    LoginPage,
    LogoutPage,
    ScopeLine,
    SessionLine,
    SignedOutPage,
    View,
)

_NEW_SCOPE = ScopeLine(
    name="payments.create",
    description="Prepare payments in your name; each one still needs your approval",
    required=False,
    is_new=True,
    checked=False,
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

SAMPLES: Mapping[str, View] = MappingProxyType(
    {
        "login": LoginPage.sample(),
        "login-plain": replace(LoginPage.sample(), client_name=None),
        "login-problem": replace(
            LoginPage.sample(),
            username="grace",
            problem="That user name and password do not match. Check both and try again.",
        ),
        "consent": ConsentPage.sample(),
        "consent-more": replace(
            ConsentPage.sample(),
            scopes=(*ConsentPage.sample().scopes, _NEW_SCOPE),
            granted_before=True,
        ),
        "consent-unverified": replace(
            ConsentPage.sample(),
            client_name="Field Notes",
            client_host=None,
            redirect_host="an application on this device (127.0.0.1)",
            granted_before=True,
            self_registered=True,
        ),
        "consent-bare": replace(ConsentPage.sample(), scopes=()),
        "error": ErrorPage.sample(),
        "error-answered": ErrorPage(
            status=400,
            title="You have already answered",
            explanation="This request was answered once, and an answer counts only once. "
            "Go back to the application and start again if something is missing.",
            error=None,
            request_id="req_7Jm2vQx4Ktw9",
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
        "signed-out": SignedOutPage.sample(),
        "logout": LogoutPage.sample(),
        "account": replace(
            AccountPage.sample(),
            applications=(ApplicationLine.sample(), _SECOND_APPLICATION),
            sessions=(SessionLine.sample(), *_OTHER_SESSIONS),
        ),
        "account-notice": replace(
            AccountPage.sample(),
            notice="Acme Ledger no longer has access.",
            applications=(),
        ),
        "account-problem": replace(
            AccountPage.sample(),
            problem="The current password is not right. Your password has not been changed.",
            problem_field="current_password",
            applications=(_SECOND_APPLICATION,),
        ),
        "home": HomePage.sample(),
    }
)
