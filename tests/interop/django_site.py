"""A Django site where django-allauth logs people in; it is told the issuer and who the site is.

Runs as a process of its own: Django's settings belong to a whole process.
"""

import os
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

TROTH = {
    "provider_id": "troth",
    "name": "Troth",
    "client_id": os.environ["CLIENT_ID"],
    "secret": os.environ["CLIENT_SECRET"],
    "settings": {"server_url": os.environ["ISSUER"]},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [TROTH]}}

settings.configure(
    SECRET_KEY="canary of the site, and long enough",
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    SOCIALACCOUNT_PROVIDERS=SOCIALACCOUNT_PROVIDERS,
    SOCIALACCOUNT_LOGIN_ON_GET=True,
    LOGIN_REDIRECT_URL="/",
    USE_TZ=True,
)
django.setup()


def home(request: HttpRequest) -> HttpResponse:
    """Who is logged in."""
    if not request.user.is_authenticated:
        return HttpResponse("Nobody.")
    account = request.user.socialaccount_set.get()
    return HttpResponse(f"{request.user.get_full_name()} {request.user.email} {account.uid}")


urlpatterns = [path("", home), path("accounts/", include("allauth.urls"))]


class Quiet(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, *_: object) -> None: ...


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    port = int(os.environ["PORT"])
    make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet).serve_forever()
