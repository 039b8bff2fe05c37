"""django-oauth-toolkit on production settings: no debugging, connections that are kept.

Run by gunicorn. Codes for the benchmark come from /seed.
"""

import os
import secrets
from datetime import timedelta

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils import timezone

REDIRECT_URI = "https://app.example/cb"

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "CONN_MAX_AGE": None,
        }
    },
    DEBUG=False,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    OAUTH2_PROVIDER={
        "PKCE_REQUIRED": False,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "SCOPES": {"read": "read", "introspection": "introspect tokens"},
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_hex(32),
    USE_TZ=True,
)
django.setup()  # what comes below may be imported only now


def seed(request: HttpRequest) -> JsonResponse:
    """As many codes as are asked for."""
    from oauth2_provider.models import Application, Grant

    application = Application.objects.get(client_id=os.environ["CLIENT_ID"])
    grants = [
        Grant(
            application=application,
            code=secrets.token_urlsafe(32),
            expires=timezone.now() + timedelta(minutes=10),
            redirect_uri=REDIRECT_URI,
            scope="read introspection",
            user=application.user,
        )
        for _ in range(int(request.GET["n"]))
    ]
    Grant.objects.bulk_create(grants)
    return JsonResponse([grant.code for grant in grants], safe=False)


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("seed", seed),
]


def prepare() -> None:
    """Tables, a person, and a client for each kind of grant: an application here has one."""
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    person = User.objects.create_user("ada")
    # The default, PBKDF2 at every request, would make each of them some hundred ms dearer.
    kind = {
        "client_secret": os.environ["CLIENT_SECRET"],
        "client_type": Application.CLIENT_CONFIDENTIAL,
        "hash_client_secret": False,
        "redirect_uris": REDIRECT_URI,
        "user": person,
    }
    for client_id, grant in (
        (os.environ["CLIENT_ID"], Application.GRANT_AUTHORIZATION_CODE),
        (os.environ["CLIENT_ID"] + "-machine", Application.GRANT_CLIENT_CREDENTIALS),
    ):
        Application.objects.create(client_id=client_id, authorization_grant_type=grant, **kind)


def application() -> WSGIHandler:
    """What gunicorn serves."""
    return get_wsgi_application()


if __name__ == "__main__":
    prepare()
