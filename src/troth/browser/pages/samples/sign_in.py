"""Signing in, choosing an account, making one."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from troth.browser.pages.views import (
    AccountLine,
    LoginPage,
    RegisterPage,
    SelectAccountPage,
    View,
)

_LOGIN = LoginPage.sample()
_REGISTER = RegisterPage.sample()

SIGN_IN: Mapping[str, View] = MappingProxyType(
    {
        "login": _LOGIN,
        "login-plain": replace(_LOGIN, client_name=None),
        "login-problem": replace(
            _LOGIN,
            username="grace",
            problem="That user name and password do not match. Check both and try again.",
        ),
        "login-register": replace(_LOGIN, register_url="/auth/register?pending=troth_pr_sample"),
        "login-again": replace(
            _LOGIN,
            username="grace",
            fixed=True,
            reason="The application asks you to confirm that it is you.",
            other_url="/auth/login?pending=troth_pr_sample&other=1",
        ),
        "login-again-problem": replace(
            _LOGIN,
            username="grace",
            fixed=True,
            reason="The application asks you to confirm that it is you.",
            problem="That user name and password do not belong together.",
            other_url="/auth/login?pending=troth_pr_sample&other=1",
        ),
        "select": SelectAccountPage.sample(),
        "select-long": replace(
            SelectAccountPage.sample(),
            client_name="The Ledger of the Honourable Company of Acme",
            accounts=(
                *SelectAccountPage.sample().accounts,
                AccountLine(
                    reference="r-3",
                    name="Wolfeschlegelsteinhausenbergerdorff",
                    email="wolfeschlegelsteinhausenbergerdorff@accounts.northwind.example",
                    since="signed in 19 November 2026",
                ),
                AccountLine(reference="r-4", name="kiosk", email=None, since="signed in just now"),
            ),
        ),
        "register": _REGISTER,
        "register-plain": replace(_REGISTER, client_name=None, pending=""),
        "register-problem": replace(
            _REGISTER,
            username="grace",
            email="grace@northwind.example",
            name="Grace Hopper",
            problem="Somebody has this user name already. Choose another one.",
            problem_field="username",
        ),
        "register-weak": replace(
            _REGISTER,
            username="grace",
            email="grace@northwind.example",
            problem="This password is among the first that somebody would guess.",
            problem_field="password",
        ),
    }
)
