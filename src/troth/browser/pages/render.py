"""From a view to the bytes of a page. Templates are compiled once, at construction."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zlib import crc32

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from troth.browser.pages.folding import FoldingLoader
from troth.browser.pages.static_files import StaticFile, load_icons, load_static
from troth.browser.pages.theme import accent_css
from troth.browser.pages.views import (
    AccountPage,
    Brand,
    CheckSessionPage,
    ConsentPage,
    EndSessionPage,
    ErrorPage,
    FormPostPage,
    HomePage,
    LoggedOutPage,
    LoginPage,
    LogoutPage,
    RegisterPage,
    SelectAccountPage,
    View,
)

TEMPLATES: Final[Mapping[type[View], str]] = MappingProxyType(
    {
        LoginPage: "login.html",
        SelectAccountPage: "select.html",
        RegisterPage: "register.html",
        ConsentPage: "consent.html",
        FormPostPage: "form_post.html",
        CheckSessionPage: "check_session.html",
        LogoutPage: "logout.html",
        EndSessionPage: "end_session.html",
        LoggedOutPage: "logged_out.html",
        AccountPage: "account.html",
        ErrorPage: "error.html",
        HomePage: "home.html",
    }
)

# What a template calls each script: `script.leave`.
SCRIPTS: Final[Mapping[str, str]] = MappingProxyType(
    {"form_post": "form-post.js", "check_session": "check-session.js", "leave": "leave.js"}
)

_TINTS: Final = 6


class Pages:
    """The pages of one server, for one brand, base path and language.

    `base` is the path that the server is mounted at, without a slash at its end (`""` at the
    root). `gettext` translates one message; without it the texts are English. `static` holds the
    files to serve below `base`, by path (`/static/troth-1a2b3c4d.css`).
    """

    __slots__ = ("_templates", "static")

    static: Mapping[str, StaticFile]

    def __init__(
        self,
        brand: Brand,
        base: str,
        gettext: Callable[[str], str] | None = None,
        lang: str = "en",
    ) -> None:
        files = load_static(accent_css(brand.accent) if brand.accent else "", brand.logo)
        environment = _environment(
            gettext or _as_written,
            {
                "brand": brand,
                "logo": files.logo and base + files.logo,
                "base": base,
                "lang": lang,
                "css": base + files.named["troth.css"],
                "favicon": base + files.named["icon.svg"],
                "script": {name: base + files.named[file] for name, file in SCRIPTS.items()},
                "icon": {name: Markup(svg) for name, svg in load_icons().items()},  # noqa: S704
            },
        )
        self.static = files.files
        self._templates: dict[type[View], Template] = {
            view: environment.get_template(name) for view, name in TEMPLATES.items()
        }

    def render(self, view: View) -> bytes:
        """The page as UTF-8. Raises KeyError for a type that is not in `TEMPLATES`."""
        return self._templates[type(view)].render(view=view).encode()


def _environment(gettext: Callable[[str], str], constants: Mapping[str, object]) -> Environment:
    environment = Environment(
        loader=FoldingLoader(str(Path(__file__).with_name("templates")), constants, gettext),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(initial=initial, tint=tint)
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    return environment


def _as_written(message: str) -> str:
    return message


def initial(name: str) -> str:
    """The letter that stands for a name in its tile."""
    return next((character.upper() for character in name if character.isalnum()), "·")


def tint(name: str) -> int:
    """Which of the tile colours a name has: always the same one."""
    return crc32(name.encode("utf-8", "replace")) % _TINTS
