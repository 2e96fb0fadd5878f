"""
Tests for the files of a server's own certificate.

They cover L{mycred._tls._unusable} and L{mycred._x509errors}, too.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings, strategies as st

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred._tls._server import certificatesIn, keptCertificate, keyIn
from mycred.tls import TLSOptions

from ..kit.tlspeers import DAMAGE, ClientAuthority, damaged, pem


class ServerCertificateTests(SynchronousTestCase):
    """
    Tests for what the files may hold.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.ca = ClientAuthority(self.folder)
        self.certificate, self.key = self.ca.certify("localhost", "localhost")

    def join(self, name: str, *files: Path) -> str:
        """
        Write a file that holds what others hold.
        """
        path = self.folder / name
        path.write_bytes(b"".join(file.read_bytes() for file in files))
        return str(path)

    def chain(self, *files: str | None) -> list[str]:
        """
        Return the names in the certificates that a server sends.
        """
        served = keptCertificate(*files).read()  # type: ignore[arg-type]
        all_ = [served.certificate, *served.chain]
        return [one.subject.rfc4514_string() for one in all_]

    def assertRefused(self, expected: str, *files: str) -> None:
        """
        Assert that files are refused.
        """
        error = self.assertRaises(ValueError, self.chain, *files)
        self.assertIn(expected, str(error))

    def test_places(self) -> None:
        """
        The certificates may stand in one file, in two, or behind the key.
        """
        key, certificate = str(self.key), str(self.certificate)
        below = ClientAuthority(self.folder, "below", self.ca)
        full = self.join("fullchain", self.certificate, below.file)
        everything = self.join("all", self.key, self.certificate, below.file)
        self.assertEqual(self.chain(key, certificate), ["CN=localhost"])
        both = ["CN=localhost", "CN=below"]
        self.assertEqual(self.chain(key, full), both)
        self.assertEqual(self.chain(key, certificate, str(below.file)), both)
        self.assertEqual(self.chain(everything), both)
        self.assertEqual(self.chain(everything, everything), both)

    def test_wrong(self) -> None:
        """
        Files that don't fit together, or hold something else, are refused by name.
        """
        key, certificate = str(self.key), str(self.certificate)
        other = str(self.ca.certify("other")[1])
        swapped = self.join("swapped", self.ca.file, self.certificate)
        cases = [
            (f"{certificate} is not for the key in {other}", (other, certificate)),
            (f"{swapped} is not for the key in {key}", (key, swapped)),
            (
                f"privateKey={certificate} holds no private key",
                (certificate, certificate),
            ),
            (f"certKey={other} holds no certificate", (key, other)),
            (f"certKey is missing, and privateKey={key} holds no", (key,)),
            (f"extraCertChain={key} holds no cert", (key, certificate, key)),
        ]
        for expected, files in cases:
            with self.subTest(expected):
                self.assertRefused(expected, *files)

    def test_cutOff(self) -> None:
        """
        A file is refused whose last part is cut off, such as one that is being written:
        clients would lack a certificate of the chain.
        """
        key, certificate = str(self.key), str(self.certificate)
        whole = self.certificate.read_bytes()
        below = ClientAuthority(self.folder, "below", self.ca).file.read_bytes()
        cut = self.folder / "cut.pem"
        for size in range(5, len(below) - 1, 97):
            cut.write_bytes(whole + below[:size])
            self.assertRefused(f"certKey={cut} can't be used: ", key, str(cut))
            more = f"extraCertChain={cut} can't be used: "
            self.assertRefused(more, key, certificate, str(cut))

    def test_unreadable(self) -> None:
        """
        A file that can't be read is named.
        """
        tls = TLSOptions(str(self.key), str(self.folder / "none"))
        error = self.assertRaises(ValueError, tls.contextFactory)
        self.assertEqual(
            str(error),
            f"{self.folder}/none can't be read (No such file or directory)",
        )

    def test_passphrase(self) -> None:
        """
        A key with a passphrase is refused, with the command that removes it.
        """
        if shutil.which("openssl") is None:
            raise SkipTest("install openssl")
        locked = self.folder / "locked.pem"
        command = f"openssl pkey -in {self.key} -aes256 -passout pass:x -out {locked}"
        subprocess.run(command.split(), check=True)
        expected = f"without one: openssl pkey -in {locked} -out FILE"
        self.assertRefused(expected, str(locked), str(self.certificate))

    def test_weak(self) -> None:
        """
        A key that OpenSSL finds too short is refused before a client comes.
        """
        if shutil.which("openssl") is None:
            raise SkipTest("install openssl")
        key, certificate = self.folder / "short.key", self.folder / "short.crt"
        command = (
            "openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=localhost "
            f"-keyout {key} -out {certificate}"
        )
        subprocess.run(command.split(), check=True, capture_output=True)
        self.assertRefused(
            f"certKey={certificate} can't be used: ee key too small",
            str(key),
            str(certificate),
        )

    def test_otherKind(self) -> None:
        """
        A key that can't sign is refused.
        """
        key = self.folder / "x25519.key"
        key.write_bytes(
            x25519.X25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
        )
        self.assertRefused("is not for the key", str(key), str(self.certificate))

    def test_expired(self) -> None:
        """
        A certificate that has expired, or isn't valid yet, is served, and the log warns.
        """
        for until, why in ((-1, "which has expired"), (8, "which isn't valid yet")):
            certificate, key = self.ca.issue("old", until=until)
            events: list[Any] = []
            globalLogPublisher.addObserver(events.append)
            self.addCleanup(globalLogPublisher.removeObserver, events.append)
            self.chain(str(key), str(certificate))
            [line] = [str(formatEvent(event)) for event in events]
            self.assertEqual(
                line, f"certKey={certificate}: clients refuse this certificate, {why}"
            )
            globalLogPublisher.removeObserver(events.append)

    @settings(deadline=None)
    @given(st.binary(max_size=200))
    def test_anything(self, noise: bytes) -> None:
        """
        Anything else is refused, in no other way.
        """
        for text in (noise, pem("CERTIFICATE", noise)):
            self.assertRaises(ValueError, certificatesIn, text, "certKey=f")
        for text in (noise, pem("PRIVATE KEY", noise)):
            self.assertRaises(ValueError, keyIn, text, "privateKey=f")

    @settings(deadline=None)
    @given(DAMAGE)
    def test_damaged(self, where: list[tuple[int, int]]) -> None:
        """
        A file with some bytes that are wrong is refused in the same way, or taken.
        """
        files = self.certificate, self.key
        texts = [file.read_bytes() for file in files]
        for file, text in zip(files, texts):
            file.write_bytes(damaged(text, where))
            try:
                self.chain(str(self.key), str(self.certificate))
            except ValueError as error:
                self.assertIn(str(self.folder), str(error))
            finally:
                file.write_bytes(text)
