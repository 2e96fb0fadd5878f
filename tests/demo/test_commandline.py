"""
Tests for starting the example server in wrong ways.

They cover L{mycred.demo._options}, L{mycred.demo._protocols},
L{mycred.demo._mailstore._place} and L{mycred.demo._service}, too.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from ..kit.certificates import Authority
from ..kit.server import PATIENCE, ROOT, TWISTD, ServerTests, refusal


class CommandLineTests(ServerTests, SynchronousTestCase):
    """
    Tests for command lines that can't take effect: the server ends at once, and
    says in one line what would be right.
    """

    def assertEnds(self, *options: str, says: str) -> str:
        """
        Assert that the server refuses a command line.

        @param says: what the line says, as a regular expression.

        @return: the line.
        """
        store = f"--store={self.folder / 'store.sqlite'}"
        done = refusal(store, *options)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        (line,) = done.stderr.splitlines()
        self.assertRegex(line, says)
        self.assertFalse((self.folder / "store.sqlite").exists())
        return line

    def test_unknownType(self) -> None:
        """
        For an auth type that doesn't exist, those that do are listed.
        """
        self.assertEnds(
            "--auth=nosuchtype",
            says="nosuchtype.*anonymous, cert, file, htdigest, htpasswd, ldap, memory",
        )

    def test_oddMemory(self) -> None:
        """
        A name without a password is told.
        """
        self.assertEnds("--auth=memory:odd", says="--auth=memory: .*no password")

    def test_nobody(self) -> None:
        """
        Where accounts are said to be, and nobody is, that is told.
        """
        nobody = self.folder / "nobody"
        nobody.write_text("# users\n\n")
        for auth, says in [
            ("memory", "--auth=memory: no user is in it; write .* memory:alice:sesame"),
            ("memory:", "--auth=memory: no user is in it"),
            (f"htpasswd:{nobody}", "--auth=htpasswd: file: no user is in .*/nobody"),
            (f"htpasswd:{TWISTD[0]}", "--auth=htpasswd: file: .* isn.t text"),
            (f"passwd:{nobody}", "--auth=passwd: .*no user has a hash"),
            (f"passwd:{nobody}:shadow={nobody}", "--auth=passwd: .*no user has a hash"),
            (f"htdigest:{nobody}:realm=mycred", "no line name:realm:hash"),
        ]:
            self.assertEnds(f"--auth={auth}", says=says)
            self.assertEnds("--auth=memory:a:b", f"--auth={auth}", says=says)

    def test_store(self) -> None:
        """
        A store that can't be one is told, and another program's database isn't touched.
        """
        other = self.folder / "other"
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("create table users (name)")
            connection.commit()
        content = other.read_bytes()
        text = self.folder / "text"
        text.write_text("This is no database. " * 100)
        for store, says in (
            ("", "--store: write the path of a file"),
            (str(self.folder), "--store: .* is a directory; write the path of a file"),
            (str(text), "--store=.*not a database; write .* or of a file that isn't"),
            (str(other), "--store=.*no such column: uidvalidity; write .* or of a file"),
            (str(self.folder / "no" / "such"), "--store: there is no directory .*make"),
        ):
            self.assertEnds("--auth=memory:a:b", f"--store={store}", says=says)
        self.assertEqual(other.read_bytes(), content)

    def test_endpoints(self) -> None:
        """
        Whatever is wrong with where to listen is told with what would be right.
        """
        for where, says in (
            ("ssl:1:privateKey=/no/such/key", "right would be"),
            ("systemd:domain=INET:index=9", "systemd has handed over no such socket"),
            ("tcp:99999", "from 0 to 65535.*right would be"),
        ):
            for name in ("pop3", "imap", "smtp", "pb", "http", "ssh"):
                auth = "--auth=sshkey" if name == "ssh" else "--auth=memory:a:b"
                self.assertEnds(auth, f"--{name}={where}", says=f"--{name}=.*{says}")

    def test_tls(self) -> None:
        """
        What STARTTLS can't begin with is told, and so is that no protocol has use for it.
        """
        authority = Authority(self.folder)
        certificate, key = authority.certify("server", "localhost")
        files = f"privateKey={key}:certKey={certificate}"
        auth = "--auth=memory:a:b"
        for tls, says in (
            ("", "--tls: .*privateKey"),
            (f"privateKey={certificate}", "--tls: .*no private key"),
            (f"{files}:clientCert=perhaps", "--tls: .*no, optional or required"),
            (f"{files}:clientCert=optional", "--tls: .*clientCA=FILE"),
            (f"{files}:port=143", "--tls: .*port"),
        ):
            self.assertEnds(auth, f"--tls={tls}", says=says)
        nowhere = ["--pop3=", "--smtp=", "--pb=", "--ssh="]
        for imap in ("--imap=", f"--imap=mtls:0:{files}"):
            for option in (f"--tls={files}", "--clear-text"):
                self.assertEnds(auth, *nowhere, imap, option, says="that begin in clear")

    def test_certificates(self) -> None:
        """
        That nobody is asked for the certificates by which users are to log in is told.
        """
        authority = Authority(self.folder)
        auth = f"--auth=cert:ca={authority.file}"
        certificate, key = authority.certify("server", "localhost")
        files = f"privateKey={key}:certKey={certificate}"
        for options in (
            ["--auth=memory:a:b"],
            [],
            ["--imap=tcp:0"],
            [f"--imap=mtls:0:{files}", f"--tls={files}"],
        ):
            self.assertEnds(auth, *options, says="clientCert=optional")
        # STARTTLS is for connections that have no TLS yet.
        asking = f"--tls={files}:clientCert=optional:clientCA={authority.file}"
        imap = f"--imap=mtls:0:{files}"
        self.assertEnds(auth, asking, imap, says="--imap: nobody could log in")

    def test_siteSecret(self) -> None:
        """
        A secret for SCRAM that can't be read is told.
        """
        secret = self.folder / "store.sqlite.secret"
        secret.write_text("short")
        self.assertEnds("--auth=memory:a:b", says=r"--store: .*\.secret can't be read")

    def test_secretIsNotRepeated(self) -> None:
        """
        A password on a command line that is wrong doesn't come back in what the
        server says.
        """
        for options in (
            ["--auth=memory:alice:SECRET:odd"],
            ["--auth=memory:alice:SECRET:alice:SECRET"],
            ["--auth=memory:alice:SECRET", "--pop3=xx"],
            ["--auth=memroy:alice:SECRET"],
        ):
            self.assertNotIn("SECRET", self.assertEnds(*options, says="twistd myapp: "))

    def test_fileWithoutName(self) -> None:
        """
        A C{file} without the name of one is told.
        """
        self.assertEnds("--auth=file", says="--auth=file: .*requires a filename")
        self.assertEnds("--auth=file:", says="--auth=file: .*requires a filename")

    def test_noAuth(self) -> None:
        """
        Without any C{--auth}, an example is shown.
        """
        self.assertEnds(says="--auth is missing.*--auth=file:/")

    def test_wrongPlace(self) -> None:
        """
        A place to listen at that makes no sense is told, with one that does.
        """
        self.assertEnds(
            "--auth=memory:alice:sesame", "--pop3=xx", says="--pop3=xx: .*tcp:1110"
        )

    def test_nobodyCouldLogIn(self) -> None:
        """
        A protocol that was asked for by name, and to which nobody could log in,
        is told, with an auth type by which users could; so is its host key.
        """
        for auth, option, serves in [
            ("anonymous", "--pop3", "--auth=htpasswd"),
            ("anonymous", "--imap", "--auth=htpasswd"),
            ("anonymous", "--http", "--auth=htpasswd"),
            ("sshkey", "--pb", "--auth=file and --auth=memory, or --auth=anonymous"),
            ("memory:a:b", "--ssh", "--auth=sshkey"),
        ]:
            self.assertEnds(
                f"--auth={auth}",
                f"{option}=tcp:0",
                says=f"{option}: nobody could log in, since it takes .*{serves}",
            )
        self.assertEnds(
            "--auth=memory:a:b", "--hostkey=x", says="--hostkey is .*--auth=sshkey"
        )

    def test_otherRealm(self) -> None:
        """
        Hashes for another realm than the server's are told.
        """
        hashes = self.folder / "htdigest"
        hashes.write_text(f"alice:Members:{'0' * 32}\n")
        self.assertEnds(
            f"--auth=htdigest:{hashes}:realm=Members", says="Members.*realm=mycred"
        )

    def test_help(self) -> None:
        """
        C{-h} shows the same help as C{--help}; so do those of the command C{mycred}.
        """
        mycred = [sys.executable, "-m", "mycred"]
        for command in (
            [*TWISTD, "myapp"],
            mycred,
            *([*mycred, name] for name in ("passwd", "lint", "check", "types")),
        ):
            said = []
            for option in ("-h", "--help"):
                done = subprocess.run(
                    [*command, option],
                    cwd=ROOT,
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), command)
                said.append(done.stdout)
            self.assertEqual(said[0], said[1])
            self.assertRegex(said[0], "^[Uu]sage:")

    def test_unwritableStore(self) -> None:
        """
        A store in a folder that doesn't exist is told.
        """
        missing = self.folder / "missing"
        self.assertEnds(
            "--auth=memory:alice:sesame",
            f"--store={missing / 'store'}",
            says=f"--store: .*{re.escape(str(missing))}",
        )
