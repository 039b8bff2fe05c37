"""A Flask site that people log in to with Troth. All it is told of the server is its issuer.

troth client create --metadata - <<END
{"client_name": "Site", "redirect_uris": ["http://localhost:8080/callback"],
 "scope": "openid profile email", "post_logout_redirect_uris": ["http://localhost:8080/"]}
END
ISSUER=… CLIENT_ID=… CLIENT_SECRET=… PORT=8080 python examples/log_in_flask.py
"""

import os
from secrets import token_hex
from typing import Any

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session, url_for
from markupsafe import escape
from werkzeug import Response

app = Flask(__name__)
app.secret_key = token_hex(32)
troth = OAuth(app).register(
    "troth",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


@app.get("/")
def home() -> str:
    person = session.get("person")
    if person is None:
        return '<a href="/log-in">Log in with Troth</a>'
    name = escape(person.get("name", person["sub"]))
    return f'<p>Hello, {name}.</p><form method="post" action="/log-out"><button>Log out</button>'


@app.get("/log-in")
def log_in() -> Any:
    return troth.authorize_redirect(url_for("come_back", _external=True))


@app.get("/callback", endpoint="come_back")
def come_back() -> Response:
    token = troth.authorize_access_token()  # state, PKCE, nonce and the ID token are checked here
    # A person is `sub`: names and addresses change. UserInfo has what the ID token leaves out.
    session["person"] = {**token["userinfo"], **troth.userinfo(token=token)}
    session["id_token"] = token["id_token"]
    return redirect("/")


@app.post("/log-out")
def log_out() -> Any:
    id_token = session.get("id_token")
    session.clear()
    # At Troth too, which tells all others; without this line only this site would forget.
    return troth.logout_redirect(url_for("home", _external=True), id_token_hint=id_token)


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
