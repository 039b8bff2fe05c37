"""The guide to the conformance suite: what its browser presses is on the pages."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guide/conformance.md").read_text("utf-8")
PAGES = ROOT / "src/troth/browser/pages/templates"


def test_every_id_that_the_guide_names_is_on_its_page() -> None:
    found = {page.stem: page.read_text("utf-8") for page in PAGES.glob("*.html")}
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)]
    (browser,) = [block for block in blocks if isinstance(block, list)]
    pressed = [
        (task["match"].rpartition("/")[2].rstrip("*"), command[2])
        for visit in browser
        for task in visit["tasks"]
        for command in task["commands"]
    ]
    assert pressed == [
        ("login", "username"),
        ("login", "password"),
        ("login", "sign-in"),
        ("consent", "allow"),
        ("end_session", "confirm"),
    ]
    for page, name in [*pressed, ("consent", "deny"), ("select", "another"), ("login", "problem")]:
        assert f'id="{name}"' in found[page], (page, name)
    for page in ("form_post", "logged_out"):
        assert 'id="continue"' in found[page]
