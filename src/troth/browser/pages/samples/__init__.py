"""Every page in every state that looks different: what tests and screenshots go through."""

from collections.abc import Mapping
from types import MappingProxyType

from troth.browser.pages.samples.account import ACCOUNT
from troth.browser.pages.samples.consent import CONSENT
from troth.browser.pages.samples.plain import PLAIN
from troth.browser.pages.samples.sign_in import SIGN_IN
from troth.browser.pages.samples.sign_out import SIGN_OUT
from troth.browser.pages.views import View

SAMPLES: Mapping[str, View] = MappingProxyType(
    {**SIGN_IN, **CONSENT, **SIGN_OUT, **ACCOUNT, **PLAIN}
)
