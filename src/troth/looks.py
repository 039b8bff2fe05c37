"""What an operator may choose of the pages' looks: a picture and a colour."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Rgb = tuple[int, int, int]

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_LARGEST: Final = 128 * 1024
# What a file begins with, and what it is then. An SVG can hold a program, and is none of them.
_KINDS: Final = (
    (b"\x89PNG\r\n\x1a\n", "png", "image/png"),
    (b"\xff\xd8\xff", "jpg", "image/jpeg"),
    (b"RIFF", "webp", "image/webp"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A picture that browsers show, and of no kind that they would run."""

    extension: str
    content_type: str
    body: bytes


def load_logo(path: str) -> Logo:
    """The picture in a file; raises OSError, and ValueError where it is no fit one."""
    with Path(path).open("rb") as file:
        body = file.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 1024} kB")
    for beginning, extension, content_type in _KINDS:
        if body.startswith(beginning) and (extension != "webp" or body[8:12] == b"WEBP"):
            return Logo(extension=extension, content_type=content_type, body=body)
    raise ValueError("it is neither PNG, JPEG nor WebP")


def parse_colour(text: str) -> Rgb:
    """`#rrggbb` as three numbers. Raises ValueError for anything else."""
    if not _COLOUR.fullmatch(text):
        raise ValueError(f"a colour is written #rrggbb, not {text!r}")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:], 16)
