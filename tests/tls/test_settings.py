"""
Tests for the options of a server's TLS.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mycred.tls import TLSOptions


class TLSOptionsTests(SynchronousTestCase):
    """
    Tests for L{TLSOptions}.
    """

    def setUp(self) -> None:
        self.file = str(Path(self.mktemp()).resolve())
        Path(self.file).touch()

    def test_parse(self) -> None:
        """
        Options come from what a user has written.
        """
        file = self.file
        self.assertEqual(TLSOptions.parse(f"privateKey={file}"), TLSOptions(file))
        self.assertEqual(
            TLSOptions.parse(
                f"privateKey={file}:certKey={file}:extraCertChain={file}"
                f":clientCert=required:clientCA={file}:crl={file}"
            ),
            TLSOptions(file, file, file, "required", file, file),
        )

    def test_wrong(self) -> None:
        """
        What can't be used is refused, with what would be right.
        """
        cases = [
            ("", "privateKey must be given"),
            ("key.pem", "a value has no key, write one of privateKey=, certKey="),
            ("privateKey=", "privateKey: a value is missing"),
            (f"privateKey={self.file}2", "can't be read (No such file or directory)"),
            ("privatekey=F", "there is no privatekey=, did you mean privateKey=?"),
            ("privateKey=F:clientCert=yes", "clientCert: write no, optional or required"),
            ("privateKey=F:clientCert=optional", "add clientCA=FILE"),
            ("privateKey=F:clientCert=required:crl=F", "add clientCA=FILE"),
            ("privateKey=F:clientCA=F", "add clientCert=optional or clientCert=required"),
            ("privateKey=F:clientCert=no:clientCA=F", "add clientCert=optional or"),
            ("privateKey=F:crl=F", "crl is of no use without the authorities"),
        ]
        for written, expected in cases:
            argstring = written.replace("=F", f"={self.file}")
            with self.subTest(written):
                error = self.assertRaises(ValueError, TLSOptions.parse, argstring)
                self.assertIn(expected, str(error))

    def test_wrongArguments(self) -> None:
        """
        So is what a program gives.
        """
        self.assertRaises(ValueError, TLSOptions, "key", clientCert="maybe")
        self.assertRaises(ValueError, TLSOptions, "key", crl="crl")
