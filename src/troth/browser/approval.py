"""What a person answered on the consent page: how much of it counts, and until when."""

from troth.model.authorization import Authorization


def standing(former: Authorization | None, now: int) -> Authorization | None:
    """The former answer as long as it holds; of one that has ended nothing counts any more."""
    if former is None or former.revoked_at is not None or former.expires_at <= now:
        return None
    return former


def approved(
    asked: tuple[str, ...], required: frozenset[str], ticked: frozenset[str]
) -> tuple[str, ...]:
    """What a person allowed: the required and the ticked, never more than was asked."""
    return tuple(name for name in asked if name in required or name in ticked)


def unanswered(former: Authorization, name: str, *, required: bool) -> bool:
    """Whether a former answer leaves a scope open: never asked, or left out when one might."""
    return name not in former.scope and (required or name not in former.declined)


def covered(
    former: Authorization, asked: tuple[str, ...], required: frozenset[str]
) -> tuple[str, ...] | None:
    """What a former answer grants of a request; None where the person has to be asked.

    Who left out all of it is asked: a code for nothing is of no use, and this is no denial.
    """
    if any(unanswered(former, name, required=name in required) for name in asked):
        return None
    granted = tuple(name for name in asked if name in former.scope)
    return granted if granted or not asked else None


def remember(
    previous: tuple[str, ...], asked: tuple[str, ...], answered: tuple[str, ...]
) -> tuple[str, ...]:
    """What to remember: the last answer for all that was asked, the former for all else."""
    kept = tuple(name for name in previous if name not in asked)
    return tuple(dict.fromkeys((*kept, *answered)))


def ends(former: Authorization | None, asked: tuple[str, ...], latest: int) -> int:
    """When an answer ends: `latest`, but for what was not on the page, whose end does not move.

    `former` is one that stands. An authorization has one end, so that all of it ends with that.
    """
    if former is None or set(former.scope) <= set(asked):
        return latest
    return min(former.expires_at, latest)
