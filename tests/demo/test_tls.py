"""
Tests for TLS: what the page about it shows, and files that are wrong.

They cover L{mycred.demo._tlsfiles}, too.
"""

from __future__ import annotations

import imaplib
import os
import re
import shlex
import shutil
import socket
import ssl
import stat
import subprocess
from pathlib import Path

from hypothesis import given, strategies as st

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred.demo._tlsfiles import checkTLSFiles

from ..kit.protocols import Refused
from ..kit.server import PATIENCE, ROOT, TWISTD, Server, ServerTests

PAGE = ROOT / "doc" / "tls.rst"


def shown(word: str) -> list[str]:
    """
    List the commands on the page that begin with a word.
    """
    return re.findall(rf"(?m)^    ({word} .*)$", PAGE.read_text("utf-8"))


class TLSTestCase(ServerTests, SynchronousTestCase):
    """
    Base of the tests with certificates.
    """

    def setUp(self) -> None:
        if shutil.which("openssl") is None:
            raise SkipTest("install openssl")
        super().setUp()

    def run_(self, *command: str) -> bytes:
        """
        Run a program in the test's directory, which must succeed.
        """
        done = subprocess.run(command, cwd=self.folder, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def make(self) -> tuple[Path, Path]:
        """
        Make a key and a certificate as the page does.

        @return: their files.
        """
        [command] = shown("openssl req")
        self.run_(*shlex.split(command))
        return self.folder / "key.pem", self.folder / "cert.pem"

    def signed(self, name: str, issuer: str, *options: str) -> None:
        """
        Make C{NAME-key.pem}, and C{NAME.pem} signed by another.
        """
        request = f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}-key.pem"
        self.run_("openssl", *request.split(), "-out", f"{name}.csr")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text("\n".join(options))
        sign = f"x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}-key.pem"
        self.run_(
            "openssl", *sign.split(), "-extfile", f"{name}.ext", "-out", f"{name}.pem"
        )

    def serve(self, command: str, names: str) -> Server:
        """
        Start what the page shows, at ports that are free.
        """
        words = shlex.split(command.partition(" myapp ")[2])
        words = [word for word in words if not word.startswith("--store=")]
        where = [re.sub(r"=(mtls|tcp):\d+", r"=\1:0", word) for word in words]
        where = [word.replace("=key.pem", f"={self.folder}/key.pem") for word in where]
        where = [word.replace("=cert.pem", f"={self.folder}/cert.pem") for word in where]
        auth = self.passwords(alice="sesame")
        where = [auth if word.startswith("--auth") else word for word in where]
        return self.start(*where, offered=names)


class PageTests(TLSTestCase):
    """
    Tests for the page.
    """

    def assertLogsIn(
        self, server: Server, *options: str, schemes: str = "imaps pop3s https"
    ) -> None:
        """
        Assert that the page's C{curl} commands for some schemes read mail, and don't
        where the password is wrong.
        """
        for command in shown("curl"):
            _, _, _, *rest = shlex.split(command)
            scheme = rest[-1].partition(":")[0]
            port = server.ports.get(scheme.removesuffix("s"), 0)
            rest[-1] = re.sub(r":\d+/", f":{port}/", rest[-1])
            if not port or scheme not in schemes.split():
                continue
            curl = ["curl", "-sSfq", "--noproxy", "*", "-m", str(PATIENCE), *options]
            for password, isRight in (("sesame", True), ("tulip", False)):
                user = [w.replace("alice", f"alice:{password}") for w in rest]
                done = subprocess.run([*curl, *user], capture_output=True, text=True)
                self.assertEqual(done.returncode == 0, isRight, done.stderr)
                self.assertEqual("Welcome" in done.stdout, isRight, done.stdout)

    def test_trial(self) -> None:
        """
        With the certificate for a trial, over each protocol, the right password reads
        mail; the key is nobody else's to read; clear text isn't answered; and the log
        shows commands for TLS.
        """
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        key, certificate = self.make()
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        [command] = [c for c in shown("twistd") if "--imap=mtls" in c and "8443" in c]
        server = self.serve(command, "imap pop3 http")
        self.assertLogsIn(server, "--cacert", str(certificate))
        clear = server.curl("http", "")
        self.assertRaises(Refused, clear, "alice", "sesame")
        server.stop()
        self.assertIn(f"imaps://localhost:{server.ports['imap']}/", server.log)
        self.assertIn(f"https://localhost:{server.ports['http']}/", server.log)
        self.assertNotIn("anyone on the network", server.log)

    def test_startTLS(self) -> None:
        """
        With STARTTLS the right password reads mail, too, and the log has no warning.
        """
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        _, certificate = self.make()
        [command] = [c for c in shown("twistd") if "--tls=" in c]
        server = self.serve(command, "imap pop3 smtp")
        self.assertLogsIn(server, "--cacert", str(certificate), schemes="imap")
        server.stop()
        self.assertNotIn("anyone on the network", server.log)

    def test_alpn(self) -> None:
        """
        A client that names the protocols which it speaks, as browsers do, is served, and
        never by HTTP/2; so is one that names none.
        """
        self.make()
        [command] = [c for c in shown("twistd") if "8443" in c and "--imap" in c]
        server = self.serve(command, "imap pop3 http")
        for name, spoken, chosen in (
            ("http", ["h2", "http/1.1"], "http/1.1"),
            ("http", [], None),
            ("imap", ["imap"], "imap"),
            ("pop3", ["pop3"], "pop3"),
            ("pop3", [], None),
        ):
            context = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
            if spoken:
                context.set_alpn_protocols(spoken)
            place = ("localhost", server.ports[name])
            with (
                socket.create_connection(place, PATIENCE) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as client,
            ):
                self.assertEqual(client.selected_alpn_protocol(), chosen)

    def live(self) -> Path:
        """
        Make files as certbot keeps them, and C{root.pem}.

        @return: their directory.
        """
        root = "req -x509 -newkey rsa:2048 -nodes -subj /CN=root -keyout root-key.pem"
        usage = ("-addext", "keyUsage=critical,keyCertSign")
        self.run_("openssl", *root.split(), *usage, "-out", "root.pem")
        # As Python 3.13 and later insist on.
        keys = ("subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid")
        isAuthority = (
            "basicConstraints=critical,CA:TRUE",
            "keyUsage=critical,keyCertSign",
        )
        self.signed("middle", "root", *isAuthority, *keys)
        self.signed("leaf", "middle", "subjectAltName=DNS:localhost", *keys)
        live = self.folder / "live"
        live.mkdir()
        for name, parts in (
            ("privkey.pem", ["leaf-key"]),
            ("cert.pem", ["leaf"]),
            ("chain.pem", ["middle"]),
            ("fullchain.pem", ["leaf", "middle"]),
        ):
            texts = [(self.folder / f"{part}.pem").read_text() for part in parts]
            (live / name).write_text("".join(texts))
        return live

    def assertServesTLS(self, command: str) -> None:
        """
        Assert that a command serves IMAP4, so that a client that knows the root alone is
        satisfied.
        """
        server = self.serve(command, "imap")
        context = ssl.create_default_context(cafile=str(self.folder / "root.pem"))
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)
        client = imaplib.IMAP4_SSL(
            "localhost", server.ports["imap"], ssl_context=context, timeout=PATIENCE
        )
        client.login("alice", "sesame")
        client.logout()

    def test_letsEncrypt(self) -> None:
        """
        With files as certbot keeps them, copied by the hook on the page, a client that
        knows the root alone is satisfied.
        """
        page = PAGE.read_text("utf-8")
        [hook] = re.findall(r"(?m)^    #!/bin/sh\n(?:    .*\n)+", page)
        # Only root can give files to others.
        hook = hook.replace("/etc/myapp", str(self.folder)).replace("-o myapp ", "")
        live = self.live()
        environment = {**os.environ, "RENEWED_LINEAGE": str(live)}
        subprocess.run(["sh", "-c", hook], env=environment, check=True)
        self.assertEqual(
            stat.S_IMODE((self.folder / "privkey.pem").stat().st_mode), 0o600
        )
        unit = (PAGE.parent / "examples" / "myapp-tls.service").read_text()
        [started] = re.findall(r"(?m)^ExecStart=(.*)$", unit)
        [command] = [c for c in shown("twistd") if "fullchain.pem" in c]
        for each in (command, started):
            self.assertServesTLS(each.replace("/etc/myapp", str(self.folder)))

    def test_onlyOne(self) -> None:
        """
        C{ssl:} sends one certificate: C{fullchain.pem} is told.
        """
        live = self.live()
        wrong = f"twistd myapp --imap=ssl:0:privateKey={live}/privkey.pem"
        wrong += f":certKey={live}/fullchain.pem --auth=htpasswd:htpasswd"
        error = self.assertRaises(AssertionError, self.serve, wrong, "imap")
        self.assertIn("holds 2 certificates", str(error))
        self.assertIn("certKey=cert.pem, extraCertChain=chain.pem", str(error))

    def test_renewed(self) -> None:
        """
        A server that runs has the certificate that there is now.
        """
        self.make()
        [command] = [c for c in shown("twistd") if "8443" in c and "--imap" in c]
        server = self.serve(command, "imap pop3 http")
        for _ in range(2):
            for name in ("imap", "pop3", "http"):
                place = ("localhost", server.ports[name])
                found = ssl.get_server_certificate(place)
                mine = (self.folder / "cert.pem").read_text()
                self.assertEqual(found.strip(), mine.strip())
            self.make()

    def test_halfRenewed(self) -> None:
        """
        As long as a new certificate has no key the old one is served, and the log says
        why, as on the page.
        """
        key, certificate = self.make()
        told = re.findall(r"(?m)^    (TLS goes on .*)$", PAGE.read_text("utf-8"))
        [line] = [
            line.replace("/etc/myapp/privkey.pem", str(key)).replace(
                "/etc/myapp/fullchain.pem", str(certificate)
            )
            for line in told
        ]
        old, oldKey = certificate.read_text(), key.read_bytes()
        [command] = [c for c in shown("twistd") if "8443" in c and "--imap" in c]
        server = self.serve(command, "imap pop3 http")
        self.make()
        key.write_bytes(oldKey)
        place = ("localhost", server.ports["imap"])
        for _ in range(2):
            self.assertEqual(ssl.get_server_certificate(place).strip(), old.strip())
        server.stop()
        self.assertIn(line, server.log)

    def test_warning(self) -> None:
        """
        The warning on the page is the server's.
        """
        [warning] = re.findall(r"(?m)^    (--imap=tcp:143: .*)$", PAGE.read_text("utf-8"))
        server = self.start(
            self.passwords(alice="sesame"), "--imap=tcp:0", offered="imap"
        )
        server.stop()
        self.assertIn(warning.replace("tcp:143", "tcp:0"), server.log)


class FilesTests(TLSTestCase):
    """
    Tests for files that can't serve.
    """

    def assertWrong(self, says: str, **given_: object) -> None:
        """
        Assert that files aren't taken, in one line.
        """
        given_ = {name: str(value) for name, value in given_.items()}
        error = self.assertRaises(ValueError, checkTLSFiles, given_)
        self.assertEqual(len(str(error).splitlines()), 1)
        self.assertIn(says, str(error))

    def test_wrong(self) -> None:
        """
        What is wrong is told with the name of the file.
        """
        key, certificate = self.make()
        other, locked = self.folder / "other.pem", self.folder / "locked.pem"
        self.run_("openssl", "genrsa", "-out", str(other), "2048")
        encrypt = f"pkey -in {key} -aes256 -passout pass:x -out {locked}"
        self.run_("openssl", *encrypt.split())
        old = self.folder / "old.pem"
        encrypt = f"rsa -in {other} -aes256 -passout pass:x -traditional -out {old}"
        self.run_("openssl", *encrypt.split())
        empty, der = self.folder / "empty", self.folder / "der"
        empty.write_text("")
        self.run_(*f"openssl x509 -in {certificate} -outform DER -out {der}".split())
        self.assertWrong(
            f"privateKey={self.folder} can't be read", privateKey=self.folder
        )
        self.assertWrong("privateKey=/no can't be read (No such file", privateKey="/no")
        self.assertWrong("privateKey=server.pem can't be read")
        for file in (empty, certificate, der):
            self.assertWrong(f"privateKey={file} holds no private key", privateKey=file)
        for file in (empty, key, der):
            self.assertWrong(
                f"certKey={file} holds no certificate", privateKey=key, certKey=file
            )
        self.assertWrong(
            f"certKey is missing, and privateKey={key} holds no cert", privateKey=key
        )
        self.assertWrong("certKey=/no can't be read", privateKey=key, certKey="/no")
        for file in (locked, old):
            self.assertWrong("takes a passphrase", privateKey=file, certKey=certificate)
        self.assertWrong(
            f"the first certificate in {certificate} is not for the key in {other}",
            privateKey=other,
            certKey=certificate,
        )
        both = {"privateKey": key, "certKey": certificate}
        self.assertWrong("extraCertChain=/no can't be read", extraCertChain="/no", **both)
        self.assertWrong(
            f"extraCertChain={key} holds no certificate", extraCertChain=key, **both
        )

    def test_right(self) -> None:
        """
        A key and its certificate are taken, in two files or in one.
        """
        key, certificate = self.make()
        checkTLSFiles({"privateKey": str(key), "certKey": str(certificate)})
        one = self.folder / "one.pem"
        one.write_text(key.read_text() + certificate.read_text())
        checkTLSFiles({"privateKey": str(one)})

    @given(
        st.binary() | st.builds(b"-----BEGIN PRIVATE KEY-----\n%b".__mod__, st.binary())
    )
    def test_anything(self, data: bytes) -> None:
        """
        Whatever is in a file, it is told in one kind of error.
        """
        file = self.folder / "any"
        file.write_bytes(data)
        self.assertRaises(ValueError, checkTLSFiles, {"privateKey": str(file)})

    def test_passphrase(self) -> None:
        """
        A key with a passphrase ends the server, which asks for none.
        """
        key, certificate = self.make()
        locked = self.folder / "locked.pem"
        encrypt = f"pkey -in {key} -aes256 -passout pass:x -out {locked}"
        self.run_("openssl", *encrypt.split())
        where = f"ssl:0:privateKey={locked}:certKey={certificate}"
        error = self.assertRaises(
            AssertionError,
            self.start,
            "--auth=memory:a:b",
            f"--imap={where}",
            offered="imap",
        )
        self.assertIn("twistd myapp: --imap=ssl:0:", str(error))
        self.assertIn("openssl pkey -in", str(error))
        self.assertNotIn("Enter", str(error))

    def test_notInstalled(self) -> None:
        """
        Without the libraries of TLS the extra to install is told, and no clear text is
        advised; a server without TLS starts, and offers what needs none.
        """
        key, certificate = self.make()
        for name in ("OpenSSL", "cryptography", "service_identity"):
            (self.folder / f"{name}.py").write_text(f"raise ImportError('No {name}')\n")
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        options = self.options(["--auth=memory:alice:sesame"], [], "imap")
        for where in (
            "ssl:993:privateKey=key.pem",
            "ssl:993",
            "haproxy:ssl:993",
            f"mtls:993:privateKey={key}:certKey={certificate}",
        ):
            done = subprocess.run(
                [*TWISTD, "myapp", *options, f"--imap={where}"],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            self.assertNotEqual(done.returncode, 0)
            [line] = (done.stdout + done.stderr).splitlines()
            self.assertIn("pip install '.[tls]'", line)
            self.assertNotIn("tcp:", line)
        server = Server(
            self.options(["--auth=memory:alice:sesame"], ["imap"], ""),
            ["imap"],
            PYTHONPATH=str(self.folder),
        )
        self.addCleanup(server.stop)
        client = server.imap("alice", "sesame")
        self.addCleanup(client.logout)
        self.assertIn("AUTH=SCRAM-SHA-256", client.capabilities)
        self.assertNotIn("AUTH=SCRAM-SHA-256-PLUS", client.capabilities)
        self.assertNotIn("AUTH=EXTERNAL", client.capabilities)
