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


def remember(
    previous: tuple[str, ...], asked: tuple[str, ...], granted: tuple[str, ...]
) -> tuple[str, ...]:
    """What to remember: the last answer for all that was asked, the former for all else."""
    kept = tuple(name for name in previous if name not in asked)
    return tuple(dict.fromkeys((*kept, *granted)))


def ends(former: Authorization | None, asked: tuple[str, ...], latest: int) -> int:
    """When an answer ends: `latest`, but for what was not on the page, whose end does not move.

    `former` is one that stands. An authorization has one end, so that all of it ends with that.
    """
    if former is None or set(former.scope) <= set(asked):
        return latest
    return min(former.expires_at, latest)
