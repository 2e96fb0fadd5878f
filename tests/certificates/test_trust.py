"""
Tests for L{mycred._certificates._trust} and L{mycred._certificates._purpose}; the table
of tests.kit.clientcertificates has more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, strategies
from OpenSSL.crypto import FILETYPE_ASN1, Error, load_certificate

from twisted.trial.unittest import SynchronousTestCase

from mycred._certificates import Revocations, Trust, Undecided, Untrusted
from mycred._files import signatureOf

from ..kit.clientcertificates import Holder, World, pem, scribbled

WORLD = World()
HOLDER = WORLD.office.issue()
ROOT = WORLD.root.certificate
DER = HOLDER.certificate.public_bytes(Encoding.DER)
OFFICE = WORLD.office.certificate.public_bytes(Encoding.DER)


class TrustTests(SynchronousTestCase):
    """
    Tests for L{Trust}.
    """

    def revocations(self, *lists: Any, isText: bool = True) -> Revocations:
        """
        Return what a file of lists holds.
        """
        path = Path(self.mktemp())
        [one, *_] = lists
        path.write_bytes(pem(*lists) if isText else one.public_bytes(Encoding.DER))
        file = (str(path), signatureOf(os.stat(path))) if isText else None
        return Revocations(lists, file)

    def insist(
        self,
        trust: Trust,
        holder: Holder,
        chain: Sequence[x509.Certificate] | None = None,
    ) -> None:
        """
        Insist on a certificate.
        """
        trust.insistOn(holder.certificate, holder.chain if chain is None else chain)

    def test_chain(self) -> None:
        """
        Certificates that have nothing to do with a chain do no harm, unless there are
        too many of them.
        """
        trust = Trust([ROOT])
        others = [WORLD.other.certificate, ROOT, HOLDER.certificate]
        self.insist(trust, HOLDER, [*others, *HOLDER.chain])
        for chain in ([], others, [*HOLDER.chain] * 11):
            self.assertRaises(Untrusted, self.insist, trust, HOLDER, chain)

    def test_revoked(self) -> None:
        """
        A list in PEM or in DER says who is revoked, by either way into OpenSSL.
        """
        good, bad = WORLD.root.issue(), WORLD.root.issue()
        for isText in (True, False):
            trust = Trust(
                [ROOT], self.revocations(WORLD.root.revoking(bad), isText=isText)
            )
            self.insist(trust, good)
            error = self.assertRaises(Untrusted, self.insist, trust, bad)
            self.assertEqual(str(error), "CN=alice is revoked")

    def test_eachNeedsAList(self) -> None:
        """
        Each certificate below the authority that is trusted needs a list by its issuer;
        the authority itself needs none, be it a root or not.
        """
        root, office = WORLD.root.revoking(), WORLD.office.revoking()
        self.insist(Trust([ROOT], self.revocations(root, office)), HOLDER)
        both = [WORLD.office.certificate, ROOT]
        self.insist(Trust(both, self.revocations(office)), HOLDER)
        for lists, issuer in (([root], "CN=office"), ([office], "CN=root")):
            trust = Trust([ROOT], self.revocations(*lists))
            error = self.assertRaises(Undecided, self.insist, trust, HOLDER)
            self.assertEqual(
                str(error),
                f"crl: unable to get certificate CRL, for certificates by {issuer}",
            )

    def test_strangersLearnNothing(self) -> None:
        """
        Who isn't certified is refused for that, also while no list is good: otherwise
        anybody could fill the log with alarms.
        """
        trust = Trust([ROOT], self.revocations(WORLD.other.revoking()))
        self.assertRaises(Undecided, self.insist, trust, WORLD.root.issue())
        for stranger in (WORLD.twin.issue(), WORLD.other.issue()):
            self.assertRaises(Untrusted, self.insist, trust, stranger)

    def test_nothingLeft(self) -> None:
        """
        A forged certificate leaves no error in OpenSSL, by which the connection that is
        read from next would be lost.
        """

        def errors() -> list[Any]:
            # What is raised is all that there is.
            wrong = self.assertRaises(Error, load_certificate, FILETYPE_ASN1, b"")
            return list(wrong.args[0])

        errors()
        usual = errors()
        forged = WORLD.twin.issue(issuerKey=WORLD.root.key)
        self.assertRaises(Untrusted, self.insist, Trust([ROOT]), forged)
        self.assertEqual(errors(), usual)

    def test_changing(self) -> None:
        """
        A file of lists that differs from what was read of it is no list.
        """
        revocations = self.revocations(WORLD.root.revoking())
        assert revocations.file is not None
        Path(revocations.file[0]).write_bytes(pem(WORLD.other.revoking()) * 2)
        self.assertRaises(OSError, Trust, [ROOT], revocations)

    def test_two(self) -> None:
        """
        Of two authorities of one name, with two keys, either vouches.
        """
        twin = WORLD.twin
        trust = Trust([ROOT, twin.certificate])
        self.insist(trust, HOLDER)
        self.insist(trust, twin.issue())

    @given(scribbled(DER), strategies.lists(scribbled(OFFICE, DER), max_size=2))
    def test_hostile(self, der: bytes, chain: list[bytes]) -> None:
        """
        Whatever a client presents, nothing but L{Untrusted} is raised, and it lets in
        nobody but the holder of the right certificate.
        """
        try:
            certificate = x509.load_der_x509_certificate(der)
            sent = [x509.load_der_x509_certificate(one) for one in chain]
        except ValueError:
            # TLS doesn't hand it over.
            return
        try:
            self.trust.insistOn(certificate, sent)
        except Untrusted:
            return
        self.assertEqual(der, DER)

    trust = Trust([ROOT])
