"""What the checker says of histories, broken and unbroken: each kind in one line."""

from dataclasses import replace

import pytest

from tests.faults.history import RETRY_WINDOW, Call, What, problems

LOST = "lost: its newest refresh token was refused"
UNUSED = "lost: its code was refused before it was used"
DOUBLED = "doubled: its code was redeemed twice"
FORKED = "forked: one refresh token has two successors"
REVIVED = "revived: it gave a token after its end was acknowledged"
REPLACED = "revived: a refresh token was answered that had been replaced"

# A call a word: what is asked `:` with what, and what came of it: `=` a token or nothing, `!`
# refused, `?` unknown. `@` and the second in which it was asked, or those of question and answer;
# `~` before one that lasts until the end.
KEPT = {
    "redeemed and refreshed": "redeem:c=r0 refresh:r0=r1 refresh:r1=r2",
    "a refresh is unknown, and asked for again": "redeem:c=r0 refresh:r0? refresh:r0=r1",
    "a refresh is unknown again and again": "redeem:c=r0 refresh:r0? refresh:r0? refresh:r0=r1",
    "told, and asked for again": "redeem:c=r0 refresh:r0=r1 refresh:r0=r1 refresh:r1=r2",
    "nobody learns of the redemption": "redeem:c? redeem:c!",
    "nobody ever learns of it": "redeem:c? redeem:c?",
    "a redemption is unknown, and was not done": "redeem:c? redeem:c=r0 refresh:r0=r1",
    "revoked": "redeem:c=r0 refresh:r0=r1 revoke:r1= refresh:r1!",
    "a revocation is unknown, and was done": "redeem:c=r0 revoke:r0? refresh:r0!",
    "a revocation is unknown, and was not done": "redeem:c=r0 revoke:r0? refresh:r0=r1",
    "not done, then done": "redeem:c=r0 revoke:r0? refresh:r0=r1 revoke:r1= refresh:r1!",
    "revoked twice": "redeem:c=r0 revoke:r0? revoke:r0= revoke:r0= refresh:r0!",
    "refused as a revocation goes on": "redeem:c=r0 ~revoke:r0= refresh:r0!",
    "refreshed as a revocation goes on": "redeem:c=r0 ~revoke:r0= refresh:r0=r1",
    "a replayed code": "redeem:c=r0 refresh:r0=r1 redeem:c! refresh:r1!",
    "a replayed code, unknown": "redeem:c=r0 redeem:c? refresh:r0!",
    "a replayed code, unknown and not done": "redeem:c=r0 redeem:c? refresh:r0=r1 redeem:c!",
    "two redeem at once": "~redeem:c=r0 redeem:c! refresh:r0!",
    "a replayed token": "redeem:c=r0 refresh:r0=r1 refresh:r1=r2 refresh:r0! refresh:r2!",
    "a replay, unknown": "redeem:c=r0 refresh:r0=r1 refresh:r1=r2 refresh:r0? refresh:r2!",
    "asked again, but its successor was used": "redeem:c=r0 refresh:r0=r1 refresh:r1? refresh:r0!",
    "asked again, its successor was not used": (
        "redeem:c=r0 refresh:r0=r1 refresh:r1? refresh:r0=r1 refresh:r1=r2"
    ),
    "asked again too late": f"redeem:c=r0 refresh:r0? refresh:r0!@{RETRY_WINDOW + 1}",
    "told, asked again too late": f"redeem:c=r0 refresh:r0=r1 refresh:r0!@{RETRY_WINDOW + 1}",
}
BROKEN = {
    "the code is refused": ("redeem:c! redeem:c!", UNUSED),
    "a refusal is taken back": ("redeem:c? redeem:c! redeem:c=r0", REVIVED),
    "redeemed twice": ("redeem:c=r0 redeem:c=x0", DOUBLED),
    "redeemed twice, in doubt between": ("redeem:c=r0 redeem:c? redeem:c=r0", DOUBLED),
    "nothing comes of a redemption": ("redeem:c=", "lost: a success came without a refresh token"),
    "nothing comes of a refresh": (
        "redeem:c=r0 refresh:r0=",
        "lost: a success came without a refresh token",
    ),
    "the first token is refused": ("redeem:c=r0 refresh:r0!", LOST),
    "redeemed in doubt, then refused": ("redeem:c? redeem:c=r0 refresh:r0!", LOST),
    "twice in doubt, then refused": ("redeem:c? redeem:c? redeem:c=r0 refresh:r0!", LOST),
    "the newest is refused": ("redeem:c=r0 refresh:r0=r1 refresh:r1!", LOST),
    "what was in doubt is refused": ("redeem:c=r0 refresh:r0? refresh:r0!", LOST),
    "a retry in time is refused": (
        f"redeem:c=r0 refresh:r0? refresh:r0!@{RETRY_WINDOW - 1}",
        LOST,
    ),
    "told, a retry in time is refused": (
        f"redeem:c=r0 refresh:r0=r1 refresh:r0!@{RETRY_WINDOW - 1}",
        LOST,
    ),
    "it only came late": (f"redeem:c=r0 refresh:r0!@{RETRY_WINDOW + 1}", LOST),
    "it only took long": (f"redeem:c=r0 refresh:r0!@0-{RETRY_WINDOW + 1}", LOST),
    "refused before its revocation": ("redeem:c=r0 refresh:r0! revoke:r0= refresh:r0!", LOST),
    "refused before its replay": ("redeem:c=r0 refresh:r0! redeem:c! refresh:r0!", LOST),
    "a revocation was not done, and yet": (
        "redeem:c=r0 revoke:r0? refresh:r0=r1 refresh:r1!",
        LOST,
    ),
    "a replay was not done, and yet": ("redeem:c=r0 redeem:c? refresh:r0=r1 refresh:r1!", LOST),
    "its revocation is refused": ("redeem:c=r0 revoke:r0!", "lost: its revocation was refused"),
    "two successors": ("redeem:c=r0 refresh:r0=r1 refresh:r0=x1", FORKED),
    "two successors of what was in doubt": (
        "redeem:c=r0 refresh:r0? refresh:r0=r1 refresh:r0=x1",
        FORKED,
    ),
    "one successor of two": (
        "redeem:c=r0 refresh:r0=r1 refresh:r1=r1",
        "forked: one refresh token was given for two",
    ),
    "revoked, and refreshed": ("redeem:c=r0 revoke:r0= refresh:r0=r1", REVIVED),
    "revoked in doubt, told, and refreshed": (
        "redeem:c=r0 revoke:r0? revoke:r0= refresh:r0? refresh:r0=r1",
        REVIVED,
    ),
    "refused, and refreshed later": ("redeem:c=r0 revoke:r0? refresh:r0! refresh:r0=r1", REVIVED),
    "its code was replayed": ("redeem:c=r0 redeem:c! refresh:r0=r1", REVIVED),
    "its token was replayed": (
        "redeem:c=r0 refresh:r0=r1 refresh:r1=r2 refresh:r0! refresh:r2=r3",
        REVIVED,
    ),
    "an old token gives its successor": (
        "redeem:c=r0 refresh:r0=r1 refresh:r1=r2 refresh:r0=r1",
        REPLACED,
    ),
    "a retry is answered too late": (
        f"redeem:c=r0 refresh:r0=r1 refresh:r0=r1@{RETRY_WINDOW + 2}",
        REPLACED,
    ),
}


def history(text: str) -> list[Call]:
    words = text.split()
    return [_call(number, word, 2 * len(words)) for number, word in enumerate(words)]


def _call(number: int, word: str, end: int) -> Call:
    word, _, seconds = word.partition("@")
    asked_at, _, told_at = seconds.partition("-")
    what: What = next(w for w in ("redeem", "refresh", "revoke") if w in word)
    _, _, rest = word.partition(":")
    sign = next(char for char in rest if char in "=!?")
    presented, _, given = rest.partition(sign)
    return Call(
        what=what,
        grant="g",
        presented=presented,
        status={"=": 200, "!": 400, "?": None}[sign],
        given=given,
        began=2 * number,
        ended=end if word.startswith("~") else 2 * number + 1,
        asked_at=float(asked_at or 0),
        told_at=float(told_at or asked_at or 0),
    )


@pytest.mark.parametrize("told", KEPT.values(), ids=KEPT)
def test_what_can_be_true_is_no_problem(told: str) -> None:
    assert problems(history(told)) == []


@pytest.mark.parametrize(("told", "broken"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_true_is_found(told: str, broken: str) -> None:
    found = problems(history(told))
    assert {problem.removeprefix("g: ") for problem in found} == {broken}


def test_one_grant_says_nothing_of_another_but_their_tokens_differ() -> None:
    one, other = history("redeem:c=r0 revoke:r0= refresh:r0!"), history("redeem:d=s0 refresh:s0=s1")
    theirs = [replace(call, grant="h") for call in other]
    assert problems(one + theirs) == []
    assert problems([*one, *(replace(c, given="r0") for c in theirs[:1])]) != []
