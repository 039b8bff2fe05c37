"""Times, devices and durations in words that a person reads."""

from datetime import UTC, datetime

MONTHS = (
    "January February March April May June July August September October November December"
).split()

_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)


def day(at: int) -> str:
    """`3 March 2026`."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def moment(at: int, now: int) -> str:
    """`just now`, `12 minutes ago`, `today, 09:12 UTC` or a day."""
    ago = now - at
    if ago < 60:
        return "just now"
    if ago < 3600:
        minutes = ago // 60
        return "1 minute ago" if minutes == 1 else f"{minutes} minutes ago"
    if day(at) == day(now):
        return f"today, {clock(at)}"
    return day(at)


def clock(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M UTC")


def span(seconds: int) -> str:
    """`1 year`, `90 days`, `2 hours`, `30 minutes`: the largest unit that fits well."""
    for name, length in (("year", 365 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"1 {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"


def device(user_agent: str) -> str:
    """`Firefox on Linux`, from what the browser says of itself."""
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"


EASY_TO_GUESS = "That password is easy to guess. Choose a longer or rarer one."


def sentence(problem: str) -> str:
    """What a check says in passing, to a person."""
    return problem[0].upper() + problem[1:] + "."
