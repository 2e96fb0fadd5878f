"""
Tests for TLS, and the files that it takes: L{mycred._sql.client._sessions}.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import ClassVar

from mycred._failover import Slow
from mycred._sql.client import Refused

from ...kit.certificates import Authority
from ...kit.databases import DatabaseServer, MariaDB, PostgreSQL
from ...kit.sqlplaces import Place, soon


class TLSTests(Place):
    """
    Tests for connections with TLS.

    @cvar verified: the arguments with which the server is verified, but for its CA.
    @cvar sleeping: a statement that takes long.
    @cvar isEncrypted: a query whose last column says whether there is TLS.
    """

    kind: ClassVar[type[DatabaseServer]]
    verified: ClassVar[str]
    sleeping: ClassVar[str]
    isEncrypted: ClassVar[str]

    def setUp(self) -> None:
        """
        Issue certificates.
        """
        # The server's user must reach it.
        self.files = Path(tempfile.mkdtemp(prefix="mycred-tls-"))
        self.files.chmod(0o755)
        self.addCleanup(self.removeFiles)
        self.authority = Authority(self.files)

    def removeFiles(self) -> None:
        """
        Remove the certificates.
        """
        for path in self.files.iterdir():
            path.unlink()
        self.files.rmdir()

    def settings(self, certificate: Path, key: Path) -> dict[str, str]:
        """
        Return the settings of the server for its certificate.
        """
        raise NotImplementedError

    def start(self, *hosts: str) -> None:
        """
        Start a server.

        @param hosts: the names in its certificate; it has none if there are none.
        """
        settings = {}
        if hosts:
            certificate, key = self.authority.certify("server", *hosts)
            settings = self.settings(certificate, key)
        self.server = self.kind(**settings)
        self.addCleanup(self.server.stop)
        self.url = self.server.url(self.server.makeDatabase())

    def verifying(self, authority: Path) -> str:
        """
        Return the URL with which the server is verified.
        """
        return f"{self.url}?{self.verified}={authority}"

    def test_verified(self) -> None:
        """
        A server with the right certificate is used with TLS, and given up at the deadline
        when it doesn't answer.
        """
        self.start("127.0.0.1")
        database = self.open(self.verifying(self.authority.file))
        row = database.read(self.isEncrypted, {}, soon()).rows[0]
        self.assertIn(row[-1], (True, "TLSv1.3", "TLSv1.2"))
        with self.assertRaises(Slow):
            database.read(self.sleeping, {}, time.monotonic() + 0.3)
        database.read("select 1", {}, soon())

    def test_wrongCertificate(self) -> None:
        """
        A server whose certificate has another name, or is from another authority, isn't
        used, nor is one where the file of the authority holds no certificate.
        """
        self.start("192.0.2.1")
        other = Authority(self.files, "other")
        for file in (self.authority.file, other.file, Path(__file__)):
            with self.assertRaises(Refused):
                self.open(self.verifying(file)).read("select 1", {}, soon())

    def test_noTLS(self) -> None:
        """
        A server without TLS isn't used when the URL asks for it.
        """
        self.start()
        with self.assertRaisesRegex(Refused, "SSL|TLS"):
            self.open(self.verifying(self.authority.file)).read("select 1", {}, soon())

    def test_missingFile(self) -> None:
        """
        A file that is missing is named.
        """
        self.start()
        with self.assertRaisesRegex(Refused, "/nosuch.pem can't be read"):
            self.open(self.verifying(Path("/nosuch.pem"))).read("select 1", {}, soon())


class PostgreSQLTLSTests(TLSTests):
    """
    Tests for TLS with PostgreSQL.
    """

    kind = PostgreSQL
    verified = "sslmode=verify-full&sslrootcert"
    sleeping = "select pg_sleep(600)"
    isEncrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"

    def settings(self, certificate: Path, key: Path) -> dict[str, str]:
        """
        Return the settings for a certificate.
        """
        PostgreSQL.own(key)
        return {"ssl": "on", "ssl_cert_file": f"{certificate}", "ssl_key_file": f"{key}"}


class MariaDBTLSTests(TLSTests):
    """
    Tests for TLS with MariaDB.
    """

    kind = MariaDB
    verified = "ssl_ca"
    sleeping = "select sleep(600)"
    isEncrypted = "show status like 'ssl_version'"

    def settings(self, certificate: Path, key: Path) -> dict[str, str]:
        """
        Return the settings for a certificate.
        """
        MariaDB.own(key)
        return {"ssl-cert": str(certificate), "ssl-key": str(key)}


del TLSTests
