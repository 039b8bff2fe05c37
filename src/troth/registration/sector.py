"""The sector of a client: who sees the same pairwise subjects (OIDC Core §8.1)."""

from urllib.parse import urlsplit

import msgspec

from troth.fetch import Fetcher, FetchFailed
from troth.model.client import RegisteredClient
from troth.registration import RegistrationError


async def find(client: RegisteredClient, fetcher: Fetcher) -> str:
    """The host that stands for the sector; empty where the client needs none.

    A `sector_identifier_uri` is fetched, and must list every redirect URI (Registration §5): else
    anybody could join a sector and know its people. Raises `RegistrationError`.
    """
    openid = client.openid
    if openid.sector_identifier_uri is not None:
        await _check_listed(client, openid.sector_identifier_uri, fetcher)
        return urlsplit(openid.sector_identifier_uri).hostname or ""
    if openid.subject_type == "public":
        return ""
    hosts = {urlsplit(uri).hostname or "" for uri in client.redirect_uris}
    if len(hosts) != 1 or hosts == {""}:
        raise RegistrationError(
            "subject_type pairwise needs redirect URIs of one host, or a sector_identifier_uri "
            "(OIDC Core §8.1)"
        )
    return hosts.pop()


async def _check_listed(client: RegisteredClient, uri: str, fetcher: Fetcher) -> None:
    try:
        fetched = await fetcher.get(uri)
    except FetchFailed as failure:
        raise _refused(f"cannot be fetched: {failure.reason}") from None
    if fetched.status != 200:
        raise _refused(f"was answered with status {fetched.status}")
    try:
        listed = msgspec.json.decode(fetched.body, type=list[str])
    except (msgspec.DecodeError, RecursionError):
        raise _refused("is not a JSON array of strings") from None
    missing = [each for each in client.redirect_uris if each not in listed]
    if missing:
        raise _refused(f"does not list the redirect URI {missing[0][:200]!r}")


def _refused(reason: str) -> RegistrationError:
    return RegistrationError(f"the sector_identifier_uri {reason}")
