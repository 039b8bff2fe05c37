"""Resource indicators (RFC 8707): the one audience of an access token."""

from troth.errors import invalid_target


def check(resource: tuple[str, ...], default_audience: str) -> tuple[str, ...]:
    """The audience of a request: the resource that it names, else the default.

    No resources are registered yet, so the default audience is the only one that may be named.
    """
    beyond = [name for name in resource if name != default_audience]
    if beyond or len(resource) > 1:
        raise invalid_target(reason=f"resource {beyond[:5]!r} is not {default_audience!r}"[:300])
    return (default_audience,)
