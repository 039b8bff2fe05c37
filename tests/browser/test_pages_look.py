"""What the pages look like: static files, the operator's name, logo and colour."""

import re

import pytest

from tests.browser.reading import BASE, PAGES, read
from troth.browser.pages.render import Pages
from troth.browser.pages.theme import accent_css, contrast
from troth.browser.pages.views import Brand, LoginPage
from troth.looks import Logo, parse_colour


def test_static_files_are_named_by_their_content_and_refer_to_each_other() -> None:
    sheets = [path for path in PAGES.static if path.endswith(".css")]
    assert len(sheets) == 1
    css = PAGES.static[sheets[0]].body.decode()
    for name in re.findall(r"url\(\"?([^\")]+)", css):
        assert f"/static/{name}" in PAGES.static
    assert "@import" not in css
    assert "//" not in css.replace("/*", "").replace("*/", "")
    for path, file in PAGES.static.items():
        assert re.fullmatch(r"/static/[a-z-]+-[0-9a-f]{8}\.(css|js|svg)", path)
        assert file.etag.startswith('"')
        assert file.body
        assert b"<script" not in file.body
        assert b"style=" not in file.body
    assert Pages(Brand.sample(), "").static.keys() == PAGES.static.keys()


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//help.example"])
def test_an_address_that_is_not_safe_as_a_link_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must start with"):
        Brand(name="x", support_url=address)


def test_a_logo_takes_the_place_of_the_mark() -> None:
    logo = Logo(extension="png", content_type="image/png", body=b"canary")
    pages = Pages(Brand(name="x", logo=logo), BASE)
    (path,) = (path for path in pages.static if path.startswith("/static/logo-"))
    assert pages.static[path].body == b"canary"
    assert read(LoginPage.sample(), pages).one("img") == {
        "class": "logo",
        "src": BASE + path,
        "alt": "",
    }


@pytest.mark.parametrize("accent", ["#ffd400", "#000000", "#ffffff", "#7c3aed", "#00ff88"])
def test_any_colour_of_the_operator_becomes_readable_in_both_themes(accent: str) -> None:
    css = accent_css(accent)
    light, dark = re.findall(r"--accent:(#[0-9a-f]{6})", css)
    assert contrast(parse_colour(light), (255, 255, 255)) >= 4.5
    assert contrast(parse_colour(dark), (18, 26, 23)) >= 4.5
    for theme in css.split("@media"):
        tokens = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", theme))
        pairs = [
            ("accent", "on-accent"),
            ("accent-strong", "on-accent"),
            ("accent-ink", "accent-soft"),
        ]
        for one, other in pairs:
            assert contrast(parse_colour(tokens[one]), parse_colour(tokens[other])) >= 4.5


@pytest.mark.parametrize("accent", ["red", "#12345", "123456", "#12345;", "#gggggg", "#١٢٣٤٥٦"])
def test_something_that_is_no_colour_is_refused(accent: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        Pages(Brand(name="x", accent=accent), BASE)
