"""An operator's name, logo and colour, from the settings to what a browser shows."""

import re
import struct
import zlib
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.harness import Browser, Troth
from troth.looks import load_logo

JPEG = b"\xff\xd8\xff\xe0canary"
WEBP = b"RIFF\0\0\0\0WEBPcanary"


def png() -> bytes:
    """A picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\x7c\x3a\xed")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def test_the_settings_are_what_the_pages_show(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(png())
    settings = {"operator_name": "Northwind", "accent": "#7c3aed"}
    troth = installed(Troth(tmp_path, logo_file=str(tmp_path / "picture"), **settings))
    browser = Browser(troth)
    page = browser.get("/login")
    assert "Northwind" in page.text
    (source,) = re.findall(r'<img class="logo" src="([^"]+)"', page.text)
    shown = browser.get(source)
    assert shown.headers["content-type"] == "image/png"
    assert shown.content == png()
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert "--accent:#7c3aed" in browser.get(sheet).text
    assert troth.stop() == 0


@pytest.mark.parametrize(
    ("body", "kind"), [(png(), "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")]
)
def test_a_picture_is_known_by_what_is_in_it(tmp_path: Path, body: bytes, kind: str) -> None:
    (tmp_path / "logo.svg").write_bytes(body)
    assert load_logo(str(tmp_path / "logo.svg")).content_type == kind


@pytest.mark.parametrize(
    "body",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"RIFF\0\0\0\0AVI ", png() + b"x" * 2**17],
    ids=["empty", "svg", "avi", "large"],
)
def test_what_is_no_picture_or_a_large_one_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "logo.png").write_bytes(body)
    with pytest.raises(ValueError, match="it is"):
        load_logo(str(tmp_path / "logo.png"))
