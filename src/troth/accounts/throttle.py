"""How often a password may be guessed: reserved before it is hashed, per account and network."""

import hashlib
import ipaddress

from troth.model.change import Change, Count, Forgive

_DAY = 86400


def network(peer: str) -> str:
    """What counts as one place: an IPv4 address, or an IPv6 /64."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:  # IPv4 seen through an IPv6 socket
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def account_key(sub: str | None, login: str, device: str | None) -> str:
    """The budget of an attempt: the account's, a known device's own, or a name's of nobody.

    A device that this person signed in from before has its own budget, so that a stranger's
    wrong guesses lock nobody out.
    """
    if sub is None:
        return "name:" + hashlib.sha256(login.encode()).hexdigest()[:32]
    return f"device:{device}" if device else f"account:{sub}"


def reserve(account: str, peer: str, now: int) -> Change:
    """One attempt from both budgets: 5 free for an account, 20 for a network, then delays."""
    return Change(
        verbs=(
            Count(key=account, now=now, free=5, longest=300, forget=_DAY),
            Count(key=f"net:{network(peer)}", now=now, free=20, longest=300, forget=300),
        )
    )


def reserve_newcomer(peer: str, now: int) -> Change:
    """One new account: 20 free for a network in a day, then delays; a guess of a login as well."""
    place = network(peer)
    return Change(
        verbs=(
            Count(key=f"new:{place}", now=now, free=20, longest=3600, forget=_DAY),
            Count(key=f"net:{place}", now=now, free=20, longest=300, forget=300),
        )
    )


def forgive(account: str, peer: str) -> tuple[Forgive, ...]:
    """A right password clears the account's budget and gives the network its attempt back."""
    return (Forgive(key=account, all=True), Forgive(key=f"net:{network(peer)}", all=False))
