"""Apache with mod_auth_openidc in front of two pages, one of them for people who are logged in."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import httpx2

from tests.availability import APACHE, APACHE_MODULES
from tests.harness import OAuthClient
from tests.interop.authority import Authority

MODULES = "mpm_event authn_core authz_core authz_user dir include ssl auth_openidc"

CONFIGURATION = """
ServerName localhost
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
Mutex file:{folder}
ErrorLog {folder}/error.log
LogLevel warn
Listen 127.0.0.1:{port}
{modules}
{user}
ThreadsPerChild 8
ServerLimit 1
MaxRequestWorkers 8

SSLEngine on
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}

OIDCCABundlePath {folder}/ca.pem
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI {site}/private/callback
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCPassClaimsAs environment

DocumentRoot {folder}/pages
<Directory {folder}/pages>
  Options +Includes
  SetOutputFilter INCLUDES
</Directory>
<Location /private/>
  AuthType openid-connect
  Require valid-user
</Location>
"""

PAGE = """<p>{words} <!--#echo var="OIDC_CLAIM_name" --> <!--#echo var="OIDC_CLAIM_email" -->
<!--#echo var="REMOTE_USER" -->"""


class Apache:
    """One server; its pages and its log are in a folder that its own user can read."""

    def __init__(self, port: int, authority: Authority) -> None:
        self.port = port
        self.site = f"https://localhost:{port}"
        self.trusted = authority.trusted
        self._folder = tempfile.TemporaryDirectory(prefix="apache-")
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)
        self._certificate, self._key = authority.issue(self.folder)
        shutil.copy(authority.ca_file, self.folder)
        for path, words in {"index.html": "Everybody", "private/index.html": "Only"}.items():
            page = self.folder / "pages" / path
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(PAGE.format(words=words))

    def start(self, app: OAuthClient) -> "Apache":
        lines = [f"LoadModule {m}_module {APACHE_MODULES}/mod_{m}.so" for m in MODULES.split()]
        text = CONFIGURATION.format(
            folder=self.folder,
            port=self.port,
            certificate=self._certificate,
            key=self._key,
            site=self.site,
            modules="\n".join(lines),
            # As root Apache insists on becoming somebody else.
            user="" if os.geteuid() else "User www-data\nGroup www-data",
            issuer=app.troth.issuer,
            client_id=app.client_id,
            client_secret=app.secret,
            passphrase="canary-passphrase-of-the-module",
        )
        configuration = self.folder / "apache.conf"
        configuration.write_text(text)
        assert APACHE is not None
        self._process = subprocess.Popen([APACHE, "-f", configuration, "-D", "FOREGROUND"])
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx2.get(self.site, verify=self.trusted, trust_env=False)
                return self
            except httpx2.ConnectError:
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def log(self) -> str:
        log = self.folder / "error.log"
        return log.read_text("utf-8", "replace") if log.exists() else "no log"

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        self._folder.cleanup()
