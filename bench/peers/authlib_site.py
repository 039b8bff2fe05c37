"""Authlib's server for Flask, over SQLAlchemy, as its documentation builds one.

Run by gunicorn. Codes for the benchmark come from /seed.
"""

import os
import secrets
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.sqla_oauth2 import (
    OAuth2AuthorizationCodeMixin,
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_query_client_func,
    create_query_token_func,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask, Response, jsonify, request
from sqlalchemy import Column, Integer, String, create_engine, delete
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

REDIRECT_URI = "https://app.example/cb"
Base: Any = declarative_base()
engine = create_engine("postgresql+psycopg://", pool_size=10)
session = scoped_session(sessionmaker(engine))


class User(Base):
    """A person."""

    __tablename__ = "person"
    id = Column(Integer, primary_key=True)

    def get_user_id(self) -> Any:
        return self.id


class Client(Base, OAuth2ClientMixin):
    """An application, with an index on its client_id."""

    __tablename__ = "client"
    id = Column(Integer, primary_key=True)


class Code(Base, OAuth2AuthorizationCodeMixin):
    """A code; its uniqueness is its index."""

    __tablename__ = "code"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer)


class Token(Base, OAuth2TokenMixin):
    """An access token with its refresh token; both have an index."""

    __tablename__ = "token"
    id = Column(Integer, primary_key=True)
    user_id = Column(String(40))


class CodeGrant(grants.AuthorizationCodeGrant):
    """RFC 6749 §4.1, and each code once."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = session.query(Code).filter_by(code=code, client_id=client.client_id).first()
        return None if found is None or found.is_expired() else found

    def delete_authorization_code(self, code: Code) -> None:
        session.execute(delete(Code).where(Code.id == code.id))
        session.commit()

    def authenticate_user(self, code: Code) -> User | None:
        return session.get(User, code.user_id)


class RefreshGrant(grants.RefreshTokenGrant):
    """RFC 6749 §6, with a new refresh token each time."""

    INCLUDE_NEW_REFRESH_TOKEN = True
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012

    def authenticate_refresh_token(self, text: str) -> Token | None:
        found = session.query(Token).filter_by(refresh_token=text).first()
        return None if found is None or found.is_revoked() else found

    def authenticate_user(self, token: Token) -> User | None:
        return session.get(User, int(token.user_id))

    def revoke_old_credential(self, token: Token) -> None:
        token.access_token_revoked_at = token.refresh_token_revoked_at = int(time.time())
        session.add(token)
        session.commit()


class MachineGrant(grants.ClientCredentialsGrant):
    """RFC 6749 §4.4."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012


class Introspection(IntrospectionEndpoint):
    """RFC 7662."""

    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012
    _query = staticmethod(create_query_token_func(session, Token))

    def query_token(self, text: str, hint: str | None) -> Any:
        return self._query(text, hint)

    def check_permission(self, token: Token, client: Client, _: Any) -> bool:
        return bool(token.client_id == client.client_id)

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return {
            "active": True,
            "client_id": token.client_id,
            "token_type": token.token_type,
            "sub": str(token.user_id),
            "scope": token.get_scope(),
            "exp": token.issued_at + token.expires_in,
            "iat": token.issued_at,
        }


def seed() -> Response:
    """As many codes as are asked for."""
    codes = [
        Code(
            code=secrets.token_urlsafe(32),
            client_id=os.environ["CLIENT_ID"],
            redirect_uri=REDIRECT_URI,
            scope="read",
            user_id=1,
        )
        for _ in range(int(request.args["n"]))
    ]
    values = [code.code for code in codes]
    session.add_all(codes)
    session.commit()
    return jsonify(values)


def prepare() -> None:
    """Tables, a person and a client."""
    Base.metadata.create_all(engine)
    client = Client(client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"])
    client.set_client_metadata(
        {
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "response_types": ["code"],
            "scope": "read",
            "token_endpoint_auth_method": "client_secret_post",
        }
    )
    session.add_all([User(id=1), client])
    session.commit()


def application() -> Flask:
    """What gunicorn serves."""
    app = Flask(__name__)
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    server = AuthorizationServer(
        app, create_query_client_func(session, Client), create_save_token_func(session, Token)
    )
    for grant in (CodeGrant, RefreshGrant, MachineGrant):
        server.register_grant(grant)
    server.register_endpoint(Introspection)
    app.teardown_appcontext(lambda _: session.remove())
    app.add_url_rule("/seed", view_func=seed)
    app.add_url_rule("/token", "token", server.create_token_response, methods=["POST"])
    app.add_url_rule(
        "/introspect",
        "introspect",
        lambda: server.create_endpoint_response(Introspection.ENDPOINT_NAME),
        methods=["POST"],
    )
    return app


if __name__ == "__main__":
    prepare()
