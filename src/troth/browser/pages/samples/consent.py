"""The question of an application, and the answer that travels in a form."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from troth.browser.pages.views import ConsentPage, FormPostPage, ScopeLine, View

_CONSENT = ConsentPage.sample()

_NEW_SCOPE = ScopeLine(
    name="payments.create",
    description="Prepare payments in your name; each one still needs your approval",
    required=False,
    is_new=True,
    checked=False,
)

_OPENID = {
    "openid": "Know that it is you, by a reference to your account",
    "profile": "See your name and the details of your profile",
    "email": "See your e-mail address",
    "address": "See your postal address",
    "phone": "See your phone number",
    "offline_access": "Keep this access when you have signed out",
}

CONSENT: Mapping[str, View] = MappingProxyType(
    {
        "consent": _CONSENT,
        "consent-openid": replace(
            _CONSENT,
            scopes=tuple(
                ScopeLine(
                    name=name,
                    description=description,
                    required=name == "openid",
                    is_new=False,
                    checked=True,
                )
                for name, description in _OPENID.items()
            ),
            policy_url="https://acme-ledger.example/privacy",
            tos_url="https://acme-ledger.example/terms",
        ),
        "consent-more": replace(
            _CONSENT,
            scopes=(*_CONSENT.scopes, _NEW_SCOPE),
            granted_before=True,
            policy_url="https://acme-ledger.example/privacy",
        ),
        "consent-unverified": replace(
            _CONSENT,
            client_name="Field Notes",
            client_host=None,
            redirect_host="an application on this device (127.0.0.1)",
            granted_before=True,
            self_registered=True,
        ),
        "consent-changed": _CONSENT.again(frozenset()),
        "consent-bare": replace(_CONSENT, scopes=()),
        "form-post": FormPostPage.sample(),
    }
)
