"""The files beside the pages, read once and served from memory under names that carry their hash.

A name changes with its content, so a browser may keep each file for ever.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from troth.looks import Logo

_FOLDER: Final = Path(__file__).parent
_STYLE_PARTS: Final = ("tokens.css", "base.css", "components.css", "steps.css", "account.css")
_SVG: Final = "image/svg+xml"
_CSS: Final = "text/css; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file as it goes over the wire. `etag` is quoted already."""

    content_type: str
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """`files` by path below the base; `named` gives that path for `troth.css`, `leave.js` ...

    `logo` is that of the operator's, where there is one.
    """

    files: Mapping[str, StaticFile]
    named: Mapping[str, str]
    logo: str | None


def load_static(extra_css: str = "", logo: Logo | None = None) -> StaticFiles:
    """Read every static file; `extra_css` (the operator's colours) ends the style sheet."""
    files: dict[str, StaticFile] = {}
    named: dict[str, str] = {}

    def add(name: str, content_type: str, body: bytes) -> str:
        digest = sha256(body).hexdigest()
        stem, _, extension = name.rpartition(".")
        path = f"/static/{stem}-{digest[:8]}.{extension}"
        etag = f'"{digest[:32]}"'
        files[path] = StaticFile(content_type=content_type, body=body, etag=etag)
        named[name] = path
        return path

    for image in sorted((_FOLDER / "static").glob("*.svg")):
        add(image.name, _SVG, image.read_bytes())
    for program in sorted((_FOLDER / "static").glob("*.js")):
        add(program.name, _SCRIPT, program.read_bytes())
    parts = [(_FOLDER / "static" / part).read_text("utf-8") for part in _STYLE_PARTS]
    css = re.sub(
        r'url\("([a-z-]+\.svg)"\)',
        lambda found: f'url("{named[found[1]].removeprefix("/static/")}")',
        "\n".join([*parts, extra_css]),
    )
    add("troth.css", _CSS, css.encode())
    shown = None
    if logo is not None:
        shown = add(f"logo.{logo.extension}", logo.content_type, logo.body)
    return StaticFiles(files=MappingProxyType(files), named=MappingProxyType(named), logo=shown)


def load_icons() -> Mapping[str, str]:
    """The icons that stand in the pages themselves, as markup, by name."""
    return MappingProxyType(
        {path.stem: path.read_text("utf-8").strip() for path in (_FOLDER / "icons").glob("*.svg")}
    )
