"""The operator's colour, made readable: one accent in, a legible pair for each theme out.

WCAG 2.2 §1.4.3 asks 4.5:1 for text. A colour that is too pale or too dark for a theme is moved
towards black or white until links and buttons in it can be read.
"""

from typing import Final

from troth.looks import Rgb, parse_colour

_WHITE: Final[Rgb] = (255, 255, 255)
_BLACK: Final[Rgb] = (0, 0, 0)
_LIGHT_PAGE: Final[Rgb] = (238, 242, 240)
_DARK_PAGE: Final[Rgb] = (30, 42, 38)
_INK: Final[Rgb] = (6, 20, 16)
_READABLE: Final = 4.6


def accent_css(accent: str) -> str:
    """Style rules that put `accent` (`#rrggbb`) in the place of Troth's own green."""
    colour = parse_colour(accent)
    light = _readable(colour, on=_LIGHT_PAGE, towards=_BLACK)
    dark = _readable(colour, on=_DARK_PAGE, towards=_WHITE)
    return (
        f":root {{{_tokens(light, page=_WHITE, text=_WHITE)}}}\n"
        "@media (prefers-color-scheme: dark) {"
        f"  :root {{{_tokens(dark, page=(18, 26, 24), text=_INK)}}}"
        "}\n"
    )


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _tokens(accent: Rgb, *, page: Rgb, text: Rgb) -> str:
    strong = _mix(accent, _BLACK if text == _WHITE else _WHITE, 0.2)
    return (
        f"--accent:{_hex(accent)};--accent-strong:{_hex(strong)};--on-accent:{_hex(text)};"
        f"--accent-ink:{_hex(strong)};--accent-soft:{_hex(_mix(page, accent, 0.1))};"
        f"--accent-line:{_hex(_mix(page, accent, 0.3))}"
    )


def _readable(colour: Rgb, *, on: Rgb, towards: Rgb) -> Rgb:
    for step in range(21):
        mixed = _mix(colour, towards, step / 20)
        if contrast(mixed, on) >= _READABLE:
            return mixed
    return towards


def _mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
