"""Protocol endpoints: one file each, and the tuple that routes and metadata are derived from."""

from collections.abc import Mapping
from typing import Protocol

from troth.endpoints import (
    authorize,
    check_session,
    end_session,
    introspect,
    jwks,
    metadata,
    revoke,
    token,
    userinfo,
)
from troth.http import Cost, Request, Response
from troth.op import Op
from troth.settings import Settings


class Endpoint(Protocol):
    """What a module of this folder provides.

    `cors` opens it to the origins of public clients' redirect URIs (RFC 9700 §2.6); `cost` is the
    class in which it is admitted.
    """

    methods: tuple[str, ...]
    cors: bool
    cost: Cost

    def paths(self, settings: Settings, /) -> tuple[str, ...]: ...

    def members(self, settings: Settings, /) -> Mapping[str, object]: ...

    async def handle(self, request: Request, op: Op, /) -> Response: ...


ENDPOINTS: tuple[Endpoint, ...] = (
    authorize,
    token,
    revoke,
    introspect,
    userinfo,
    end_session,
    check_session,
    jwks,
    metadata,
)
