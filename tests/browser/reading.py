"""Pages as bytes, read as a browser reads them; and every view with hostile text in it."""

from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from troth.browser.pages.render import Pages
from troth.browser.pages.samples import SAMPLES
from troth.browser.pages.views import Brand, View

BASE = "/auth"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}%(x)s"
BLOCKS = {"p", "div", "dt", "dd", "li", "h1", "h2", "h3", "label", "legend", "button", "title"}
VOID = {"meta", "link", "input", "img", "br", "path", "circle", "rect"}
# What no person sees: it has no content.
UNSEEN = {"check-session"}
# An address of a view starts with one of these, and stays an address when it is hostile.
ADDRESSES = ("/auth/", "https://")

Element = tuple[str, dict[str, str | None]]


class Reading(HTMLParser):
    """A page as a person's browser reads it: its elements, its text, and whether tags match."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> repeats an attribute"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.words.append(" ")
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def one(self, tag: str, **wanted: str) -> dict[str, str | None]:
        (found,) = self.all(tag, **wanted)
        return found


PAGES = Pages(Brand.sample(), BASE)


def read(view: View, pages: Pages = PAGES) -> Reading:
    return Reading(pages.render(view))


def hostile(value: Any) -> Any:
    """The same view with every text replaced by markup that would like to run."""
    if isinstance(value, str):
        return value + HOSTILE if value.startswith(ADDRESSES) else HOSTILE
    if isinstance(value, tuple):
        return tuple(hostile(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: hostile(getattr(value, field.name)) for field in fields(value)}
        return replace(value, **changed)
    return value


SEEN = {name: view for name, view in SAMPLES.items() if name not in UNSEEN}

every_view = pytest.mark.parametrize(
    "view",
    [pytest.param(view, id=name) for name, view in SEEN.items()]
    + [pytest.param(hostile(view), id=f"{name}-hostile") for name, view in SEEN.items()],
)
every_sample = pytest.mark.parametrize("view", SEEN.values(), ids=SEEN.keys())
