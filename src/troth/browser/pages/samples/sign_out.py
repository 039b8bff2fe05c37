"""Signing out, and what tells applications of it."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from troth.browser.pages.views import (
    CheckSessionPage,
    EndSessionPage,
    LoggedOutPage,
    LogoutPage,
    View,
)

_FRAMES = (
    "https://app.acme-ledger.example/front-channel?iss=https%3A%2F%2Fid.northwind.example&sid=s1",
    "https://reading-room.example/signed-out",
)

SIGN_OUT: Mapping[str, View] = MappingProxyType(
    {
        "logout": LogoutPage.sample(),
        "end-session": EndSessionPage.sample(),
        "end-session-plain": replace(EndSessionPage.sample(), client_name=None),
        "logged-out": LoggedOutPage(),
        "logged-out-back": LoggedOutPage.sample(),
        "logged-out-frames": LoggedOutPage(frames=_FRAMES),
        "logged-out-goes-on": replace(LoggedOutPage.sample(), frames=_FRAMES),
        "check-session": CheckSessionPage.sample(),
    }
)
