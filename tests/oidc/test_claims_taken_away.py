"""What the operator takes away from a client is not told either, whatever was agreed to before."""

import json
from typing import Any

from tests.harness import Person, Troth
from tests.oidc.conftest import userinfo, verified
from tests.spec import spec

CLAIMS = {"id_token": {"email": None, "name": None}, "userinfo": {"phone_number": None}}
BY_NAME: Any = {"scope": "openid offline_access", "claims": json.dumps(CLAIMS)}


@spec("OIDC Core §5.5", "OIDC Core §12.2")
def test_claims_by_name_end_with_the_clients_right_to_them(troth: Troth, grace: Person) -> None:
    client = troth.client(scope="openid offline_access profile email phone")
    tokens = client.tokens(grace, **BY_NAME)
    late = client.code(grace, **BY_NAME)
    assert {"email", "name"} <= verified(troth, tokens["id_token"]).claims.keys()
    assert "phone_number" in userinfo(troth, tokens["access_token"]).json()
    troth.cli("client", "update", client.client_id, "--scope", "openid offline_access profile")
    assert userinfo(troth, tokens["access_token"]).json() == {"sub": grace.sub}
    for response in (client.refresh(tokens["refresh_token"], scope="openid"), client.redeem(late)):
        got = response.json()
        said = verified(troth, got["id_token"]).claims
        assert said["name"] == "Grace Hopper"
        assert "email" not in said
        assert userinfo(troth, got["access_token"]).json() == {"sub": grace.sub}


@spec("OIDC Core §5.4")
def test_a_token_tells_no_more_than_its_client_may_still_ask_for(
    troth: Troth, grace: Person
) -> None:
    client = troth.client(scope="openid email phone")
    token = client.tokens(grace, scope="openid email phone")["access_token"]
    troth.cli("client", "update", client.client_id, "--scope", "openid phone")
    assert userinfo(troth, token).json().keys() == {"sub", "phone_number", "phone_number_verified"}
