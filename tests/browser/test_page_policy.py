"""The headers of pages: closed, and opened only by what a page names."""

from troth.http import PageOptions, framed_page, page, redirect
from troth.page_policy import source

CLOSED = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def policy(options: PageOptions) -> str:
    return dict(page(200, b"", options).headers)[b"content-security-policy"].decode()


def test_a_page_is_closed_unless_it_says_otherwise() -> None:
    headers = dict(page(200, b"").headers)
    assert headers[b"content-security-policy"].decode() == CLOSED
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"cross-origin-opener-policy"] == b"same-origin"


def test_scripts_are_files_of_this_server_and_nothing_else() -> None:
    assert policy(PageOptions(script=True)) == CLOSED.replace(
        "form-action", "script-src 'self'; form-action"
    )


def test_frames_are_named_by_their_origins_once_each() -> None:
    frames = (
        "https://a.example/x?y=1",
        "https://a.example/z",
        "http://[::1]:5/",
        "https://b.example:8/",
    )
    assert "; frame-src https://a.example http: https://b.example:8; " in policy(
        PageOptions(frames=frames)
    )


def test_an_address_cannot_write_into_the_policy() -> None:
    for address in (
        "https://a.example;script-src *",
        "https://a b/",
        "https://a,b/",
        "https://'self'/",
    ):
        assert source(address) == "https:"
    assert source("com.example.app:/back") == "com.example.app:"
    assert source("https://user@a.example/") == "https://a.example"


def test_a_form_may_lead_to_what_is_named() -> None:
    assert "form-action 'self' https://a.example;" in policy(
        PageOptions(form_targets=("https://a.example",))
    )


def test_a_window_keeps_its_opener_only_where_the_page_says_so() -> None:
    name = b"cross-origin-opener-policy"
    assert name not in dict(page(200, b"", PageOptions(opener=True)).headers)
    assert name not in dict(redirect("https://a.example/", opener=True).headers)
    assert dict(redirect("https://a.example/").headers)[name] == b"same-origin"


def test_a_page_without_content_may_be_held_in_a_frame_and_do_nothing_else() -> None:
    headers = dict(framed_page(b"").headers)
    assert b"x-frame-options" not in headers
    assert headers[b"content-security-policy"] == (
        b"default-src 'none'; script-src 'self'; form-action 'none'; base-uri 'none'; "
        b"frame-ancestors *"
    )
    assert headers[b"x-content-type-options"] == b"nosniff"
