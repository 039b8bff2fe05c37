"""What each page shows: one frozen view per page, plain values only.

A view is complete: its template reads nothing else but the brand and the base path. `sample()` is
a realistic value of it; `samples` holds the variants that tests and screenshots go through.
Times and durations arrive as finished sentences, so that no page needs a clock.
"""

from troth.browser.pages.brand import Brand
from troth.browser.pages.views.account import AccountPage, ApplicationLine, DetailLine, SessionLine
from troth.browser.pages.views.answer import CheckSessionPage, FormPostPage
from troth.browser.pages.views.consent import ConsentPage, ScopeLine
from troth.browser.pages.views.plain import ErrorPage, HomePage
from troth.browser.pages.views.sign_in import (
    AccountLine,
    LoginPage,
    RegisterPage,
    SelectAccountPage,
)
from troth.browser.pages.views.sign_out import EndSessionPage, LoggedOutPage, LogoutPage

View = (
    LoginPage
    | SelectAccountPage
    | RegisterPage
    | ConsentPage
    | FormPostPage
    | CheckSessionPage
    | LogoutPage
    | EndSessionPage
    | LoggedOutPage
    | AccountPage
    | ErrorPage
    | HomePage
)

__all__ = [
    "AccountLine",
    "AccountPage",
    "ApplicationLine",
    "Brand",
    "CheckSessionPage",
    "ConsentPage",
    "DetailLine",
    "EndSessionPage",
    "ErrorPage",
    "FormPostPage",
    "HomePage",
    "LoggedOutPage",
    "LoginPage",
    "LogoutPage",
    "RegisterPage",
    "ScopeLine",
    "SelectAccountPage",
    "SessionLine",
    "View",
]
