"""A program on somebody's own machine: no secret, PKCE, and a port that happens to be free.

troth client create --name Program --auth-method none --redirect-uri http://127.0.0.1/callback \
    --scope read_write
ISSUER=… CLIENT_ID=… python examples/native_app.py
"""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from secrets import token_urlsafe

from authlib.integrations.httpx_client import OAuth2Client


class Landing(BaseHTTPRequestHandler):
    """Takes the one request with which the browser comes back."""

    landed = ""

    def do_GET(self) -> None:
        Landing.landed = self.path
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can close this window and go back to the program.")

    def log_message(self, *_: object) -> None:
        """The code must not be written anywhere."""


issuer = os.environ["ISSUER"]
with HTTPServer(("127.0.0.1", 0), Landing) as server:
    redirect_uri = f"http://127.0.0.1:{server.server_port}/callback"
    with OAuth2Client(
        os.environ["CLIENT_ID"],
        redirect_uri=redirect_uri,
        scope="read_write",
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        trust_env=False,
    ) as client:
        verifier = token_urlsafe(48)
        url, state = client.create_authorization_url(
            issuer + "/oauth/authorize", code_verifier=verifier
        )
        print("Open this address:", url, flush=True)
        server.handle_request()
        token = client.fetch_token(
            issuer + "/oauth/token",
            authorization_response=f"http://127.0.0.1:{server.server_port}{Landing.landed}",
            state=state,
            code_verifier=verifier,
        )
        print("granted:", token["scope"], flush=True)
        token = client.refresh_token(issuer + "/oauth/token")
        print("refreshed, for another", token["expires_in"], "seconds", flush=True)
