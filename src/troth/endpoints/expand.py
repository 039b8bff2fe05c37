"""Stage 0 of an authorization request: what a signed request object in it says (RFC 9101 §6)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from troth.errors import OAuthError, invalid_request, temporarily_unavailable
from troth.fetch import FetchFailed
from troth.http import Form
from troth.model.client import RegisteredClient
from troth.op import Op
from troth.rules import request_object
from troth.signing.foreign import BadJWS
from troth.signing.jwe import ENCS, REQUEST_ALGS, BadJWE

METADATA: Final[Mapping[str, object]] = {
    "request_parameter_supported": True,
    "request_uri_parameter_supported": True,
    "require_request_uri_registration": True,
    "request_object_signing_alg_values_supported": list(request_object.ALGORITHMS),
    "request_object_encryption_alg_values_supported": list(REQUEST_ALGS),
    "request_object_encryption_enc_values_supported": list(ENCS),
}

_BOTH: Final = frozenset({"request", "request_uri"})


async def expand(
    form: Form, client: RegisteredClient, op: Op, longest: int
) -> tuple[Form, OAuthError | None]:
    """The parameters that count, and why the request is refused once there is somewhere to say it.

    A request object that is not believed changes nothing: what is outside says where the refusal
    goes, if that is a registered redirect URI. `longest` bounds what comes out.
    """
    try:
        if form.repeated & _BOTH:
            raise invalid_request("a parameter is repeated", reason="a repeated request object")
        request_object.check_presence(client, form)
        if "request" not in form and "request_uri" not in form:
            return form, None
        return await _opened(form, client, op, longest), None
    except OAuthError as refusal:
        return form, refusal


async def _opened(form: Form, client: RegisteredClient, op: Op, longest: int) -> Form:
    text = form.get("request") or await _by_reference(form["request_uri"], client, op)
    try:
        # Five parts: encrypted to this server, and signed inside of that (RFC 9101 §6.1).
        signed = op.ring.decrypt_request(text, op.now) if text.count(".") == 4 else text
        found = await op.client_keys.verified(signed, client, request_object.algorithms(client))
    except (BadJWE, BadJWS) as bad:
        raise request_object.invalid(str(bad)) from None
    except FetchFailed as failure:
        raise temporarily_unavailable(reason=f"keys of the client: {failure.reason}") from None
    issuer = op.settings.issuer
    inside = request_object.parameters(found.header, found.claims, client, issuer, op.now)
    values = request_object.merged(form, inside, client)
    size = len(urlencode([*values.items(), *(("resource", each) for each in inside.resource)]))
    if size > longest:
        raise request_object.invalid(f"it asks for {size} bytes")
    outside = () if client.openid.require_signed_request_object else form.several
    return Form(
        {**values, "client_id": client.client_id}, form.repeated, inside.resource or outside
    )


async def _by_reference(uri: str, client: RegisteredClient, op: Op) -> str:
    request_object.check_uri(client, uri)
    try:
        return await op.request_uris.get(client.client_id, uri)
    except FetchFailed as failure:
        raise request_object.invalid_uri(failure.reason) from None
