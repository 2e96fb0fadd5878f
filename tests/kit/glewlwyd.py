"""
A real identity provider, glewlwyd, with a client and a user.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from base64 import b64encode
from contextlib import closing
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import (
    HTTPCookieProcessor,
    ProxyHandler,
    Request,
    build_opener,
)

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from twisted.trial.unittest import SkipTest

from .processes import Process, freePort

# Where its modules and the tables of its database are, below the directory with bin.
_MODULES = "lib/glewlwyd"
_TABLES = "share/dbconfig-common/data/glewlwyd/install/sqlite3"

_CONFIGURATION = """\
port = {port}
bind_address = "127.0.0.1"
external_url = "http://127.0.0.1:{port}"
login_url = "login.html"
api_prefix = "api"
log_mode = "console"
log_level = "WARNING"
cookie_secure = 0
session_expiration = 3600
session_key = "SESSION"
admin_scope = "g_admin"
profile_scope = "g_profile"
hash_algorithm = "SHA512"
user_module_path = "{modules}/user"
client_module_path = "{modules}/client"
user_auth_scheme_module_path = "{modules}/scheme"
plugin_module_path = "{modules}/plugin"
database = {{ type = "sqlite3" path = "{home}/database" }}
"""

#: What our server calls itself, and the secret.
CLIENT = "mail", "sesame"


class Glewlwyd(Process):
    """
    A provider, with the client C{mail}, and the user Alice, whose password is
    C{wonder}.

    @ivar issuer: its name in tokens, which is the beginning of its URLs.
    """

    def __init__(self) -> None:
        program = shutil.which("glewlwyd")
        root = Path(program or "/").parent.parent
        if program is None or not (root / _TABLES).exists():
            raise SkipTest("install glewlwyd and dbconfig-sqlite3")
        super().__init__("glewlwyd")
        with closing(sqlite3.connect(self.home / "database")) as database:
            database.executescript((root / _TABLES).read_text("utf-8"))
        self.port = freePort()
        self._api = f"http://127.0.0.1:{self.port}/api"
        self.issuer = f"{self._api}/oidc"
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        file = self.home / "configuration"
        settings = {"port": self.port, "home": self.home, "modules": root / _MODULES}
        file.write_text(_CONFIGURATION.format(**settings))
        self.launch(program, "-c", str(file))
        self._fill()

    def token(self, **form: str) -> dict[str, Any]:
        """
        Have the client given tokens.

        @param form: how it asks; with Alice's password if that isn't said.

        @return: what the provider answers.
        """
        asked = {"username": "alice", "password": "wonder", "scope": "mail"}
        sent = form or {"grant_type": "password", **asked}
        answer: dict[str, Any] = json.loads(self._send("/oidc/token", sent))
        return answer

    def revoke(self, token: str) -> None:
        """
        Revoke a token.
        """
        form = {"token": token, "token_type_hint": "access_token"}
        self._send("/oidc/revoke", form)

    def _send(self, path: str, form: dict[str, str]) -> bytes:
        """
        Send a form, as the client.
        """
        pair = b64encode(":".join(CLIENT).encode("ascii")).decode("ascii")
        return self._post(
            path,
            urlencode(form),
            Authorization=f"Basic {pair}",
            Content_Type="application/x-www-form-urlencoded",
        )

    def _set(self, path: str, settings: dict[str, Any]) -> None:
        """
        Change settings, as the administrator.
        """
        self._post(path, json.dumps(settings), Content_Type="application/json")

    def _post(self, path: str, text: str, **headers: str) -> bytes:
        """
        Send something.

        @return: the answer.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(f"{self._api}{path}", text.encode("ascii"), named)
        with self._opener.open(request, timeout=20) as answer:
            sent: bytes = answer.read()
        return sent

    def _fill(self) -> None:
        """
        Add what serves OpenID Connect, the client and the user.
        """
        key = rsa.generate_private_key(65537, 2048)
        private = key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        public = key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        name, secret = CLIENT
        self._set("/auth/", {"username": "admin", "password": "password"})
        flags = [
            "allow-non-oidc",
            "auth-type-password-enabled",
            "auth-type-client-enabled",
            "auth-type-refresh-enabled",
            "introspection-revocation-allowed",
            "introspection-revocation-allow-target-client",
            "jwks-show",
            "refresh-token-rolling",
        ]
        plugin = {
            "iss": self.issuer,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "key": private.decode("ascii"),
            "cert": public.decode("ascii"),
            "access-token-duration": 3600,
            "refresh-token-duration": 3600,
            "code-duration": 600,
            "subject-type": "public",
            "additional-parameters": [
                {"user-parameter": "name", "token-parameter": "name"}
            ],
            **dict.fromkeys(flags, True),
        }
        kinds = {"module": "oidc", "name": "oidc", "display_name": "oidc"}
        self._set("/mod/plugin/", {**kinds, "enabled": True, "parameters": plugin})
        scope = {"name": "mail", "display_name": "mail", "description": "mail"}
        self._set("/scope/", {**scope, "password_required": True, "scheme": {}})
        client = {
            "client_id": name,
            "name": name,
            "enabled": True,
            "confidential": True,
            "client_secret": secret,
            "token_endpoint_auth_method": ["client_secret_basic"],
            "authorization_type": ["password", "client_credentials", "refresh_token"],
            "scope": ["mail"],
        }
        self._set("/client/", client)
        user = {"username": "alice", "name": "alice", "password": "wonder"}
        self._set("/user/", {**user, "enabled": True, "scope": ["mail"]})

    def _answers(self) -> bool:
        """
        Return whether it answers.
        """
        try:
            with self._opener.open(f"http://127.0.0.1:{self.port}/config", timeout=5):
                return True
        except URLError:
            return False


__all__ = ["CLIENT", "Glewlwyd"]
