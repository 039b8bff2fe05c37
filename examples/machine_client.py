"""A machine that gets a token for itself and calls an API with it.

troth client create --name Machine --grant-type client_credentials --scope read_write
ISSUER=… CLIENT_ID=… CLIENT_SECRET=… API=http://… python examples/machine_client.py
"""

import os

import httpx2

credentials = (os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])

with httpx2.Client(trust_env=False) as http:
    answer = http.post(
        os.environ["ISSUER"] + "/oauth/token",
        auth=credentials,
        data={"grant_type": "client_credentials", "scope": "read_write"},
    ).json()
    if "error" in answer:
        raise SystemExit(f"{answer['error']}: {answer['error_description']}")
    bearer = {"authorization": f"Bearer {answer['access_token']}"}
    response = http.get(os.environ["API"], headers=bearer)
    print(response.status_code, response.text)
