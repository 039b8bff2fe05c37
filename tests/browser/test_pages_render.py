"""The pages as bytes: every state renders, nothing in them can run, and hostile text stays text."""

import re
from dataclasses import replace
from typing import get_args

import pytest

from tests.browser.reading import (
    BASE,
    HOSTILE,
    PAGES,
    every_sample,
    every_view,
    hostile,
    read,
)
from troth.browser.pages.render import TEMPLATES, Pages
from troth.browser.pages.samples import SAMPLES
from troth.browser.pages.views import (
    Brand,
    CheckSessionPage,
    ConsentPage,
    ErrorPage,
    FormPostPage,
    LoggedOutPage,
    LoginPage,
    View,
)

# The pages with a script, and which.
SCRIPTED: dict[type, str] = {FormPostPage: "form-post", LoggedOutPage: "leave"}


def test_every_view_has_a_template_and_a_sample() -> None:
    assert set(TEMPLATES) == set(get_args(View)) == {type(view) for view in SAMPLES.values()}
    for view in TEMPLATES:
        assert isinstance(view.sample(), view)


@every_view
def test_a_page_is_whole_and_says_what_it_is(view: View) -> None:
    page = read(view)
    assert page.open == []
    assert page.one("html")["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("title")) == 1
    assert page.one("meta", name="viewport")
    ids = [attributes["id"] or "" for _, attributes in page.elements if "id" in attributes]
    fixed = [identifier for identifier in ids if HOSTILE not in identifier]
    assert len(set(fixed)) == len(fixed)


@every_view
def test_nothing_on_a_page_can_run_or_reach_another_host(view: View) -> None:
    page = read(view)
    shown = outside(view)
    for tag, attributes in page.elements:
        assert tag not in {"style", "object", "embed", "base"}
        assert tag != "iframe" or attributes["src"] in shown
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("href", "src", "action", "formaction", "srcset"):
            address = attributes.get(name)
            local = address is None or address.startswith((f"{BASE}/", "#"))
            assert local or address in shown


def outside(view: View) -> set[str | None]:
    """The addresses of other hosts that a view hands to its page."""
    found: set[str | None] = {Brand.sample().support_url}
    match view:
        case FormPostPage(redirect_uri=uri):
            found |= {uri}
        case LoggedOutPage(continue_url=uri, frames=frames):
            found |= {uri, *frames}
        case ConsentPage(policy_url=policy, tos_url=terms):
            found |= {policy, terms}
    return found


@every_view
def test_the_only_scripts_are_files_of_ours_on_the_pages_that_need_them(view: View) -> None:
    page = read(view)
    needed = SCRIPTED.get(type(view))
    if isinstance(view, LoggedOutPage) and not view.goes_on:
        needed = None
    names = [str(script["src"]).rpartition("/")[2] for script in page.all("script")]
    assert [name[: -len("-00000000.js")] for name in names] == ([needed] if needed else [])
    leaves = isinstance(view, LoggedOutPage) and view.goes_on
    assert len([meta for meta in page.all("meta") if "http-equiv" in meta]) == leaves


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", " https://x", "/x"])
def test_a_view_refuses_an_address_that_would_run(address: str) -> None:
    with pytest.raises(ValueError, match="the address must"):
        replace(FormPostPage.sample(), redirect_uri=address)
    with pytest.raises(ValueError, match="the address must"):
        LoggedOutPage(continue_url=address)
    with pytest.raises(ValueError, match="the address must"):
        LoggedOutPage(frames=(address,))
    with pytest.raises(ValueError, match="the address must"):
        replace(ConsentPage.sample(), policy_url=address)


def test_the_frame_of_session_management_holds_nothing_but_its_script() -> None:
    page = read(CheckSessionPage(cookie=HOSTILE))
    assert [tag for tag, _ in page.elements] == "html head meta meta title script body".split()
    assert page.one("html")["data-cookie"] == HOSTILE


@every_view
def test_what_a_page_refers_to_is_there(view: View) -> None:
    page = read(view)
    ids = {attributes.get("id") for _, attributes in page.elements}
    for tag, attributes in page.elements:
        for name in ("aria-describedby", "aria-labelledby", "for"):
            assert set((attributes.get(name) or "").split()) <= ids
        if tag == "link":
            assert (attributes["href"] or "").removeprefix(BASE) in PAGES.static
        if tag == "script":
            assert (attributes["src"] or "").removeprefix(BASE) in PAGES.static
        if tag == "input" and attributes["type"] in {"text", "email", "password"}:
            labelled = page.all("label", **{"for": attributes.get("id") or ""})
            assert labelled or "hidden" in attributes


@every_sample
def test_sentences_do_not_run_into_each_other(view: View) -> None:
    assert re.findall(r"[a-z]{2}[.!?][A-Z]\w*", read(view).text) == []


@every_sample
def test_every_form_posts_and_carries_its_token(view: View) -> None:
    page = read(view)
    tokens = page.all("input", name="form_token")
    ours = [form for form in page.all("form") if (form["action"] or "").startswith(f"{BASE}/")]
    assert len(tokens) == len(ours) == len(page.all("form")) - isinstance(view, FormPostPage)
    assert all(form["method"] == "post" for form in page.all("form"))
    assert all(token["type"] == "hidden" and token["value"] == "sample" for token in tokens)


def test_hostile_text_is_shown_as_it_was_written() -> None:
    page = read(replace(ConsentPage.sample(), client_name=HOSTILE))
    assert f"{HOSTILE} asks for access" in page.text
    assert page.all("img") == []
    login = read(replace(LoginPage.sample(), username=HOSTILE))
    assert login.one("input", name="username")["value"] == HOSTILE


def test_an_error_page_shows_its_code_and_request_id() -> None:
    page = read(ErrorPage.sample())
    assert "Status 400 Error invalid_request Request req_7Jm2vQx4Ktw9" in page.text
    assert page.one("code", id="request-id") == {"id": "request-id"}


def test_every_text_goes_through_gettext() -> None:
    asked: list[str] = []

    def cross_out(message: str) -> str:
        asked.append(message)
        return "".join(
            part if part.startswith(("<", "%")) else re.sub(r"[A-Za-z]", "¤", part)
            for part in re.split(r"(<[^>]*>|%\(\w+\)s|%%)", message)
        )

    pages = Pages(Brand(name="¤"), BASE, gettext=cross_out, lang="x-test")
    for name, view in SAMPLES.items():
        left = read(hostile(view), pages).text.replace(HOSTILE, "")
        left = re.sub(r"https://\S+", "", left)  # an address is shown as it is
        assert re.findall(r"[A-Za-z]{3,}", left) == [], name
    assert "Sign in" in asked


def test_a_translation_with_markup_in_a_value_stays_escaped() -> None:
    pages = Pages(Brand.sample(), BASE, gettext=lambda text: text.replace("continue", "100%% go"))
    assert "to 100% go to <b>x" in read(replace(LoginPage.sample(), client_name="<b>x"), pages).text
