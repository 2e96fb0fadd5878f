"""
Tests for L{mycred._certificates._trust}, L{mycred._certificates._purpose} and
L{mycred._certificates._users} with chains that are made at random, by authorities that
share names and keys: whoever gets in, openssl lets in, too.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred import _files
from mycred._certificates import CertificateUsers, Naming
from mycred._verdict import Kind

from ..kit.clientcertificates import EMAIL, Authority, Holder, named, pem, root

_DAY = timedelta(days=1)
_PAST = {"since": -2 * _DAY, "until": -_DAY}
_FUTURE = {"since": _DAY, "until": 2 * _DAY}

# What a certificate may be for.
_USES: Sequence[Any] = (
    *[(Usage.CLIENT_AUTH,)] * 6,
    (),
    (),
    (Usage.SERVER_AUTH,),
    (Usage.ANY_EXTENDED_KEY_USAGE,),
)

_ODD: Sequence[tuple[Any, bool]] = (
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True),
    (x509.NameConstraints([x509.RFC822Name("example.com")], None), True),
    (x509.NameConstraints(None, [x509.RFC822Name("example.org")]), True),
    (x509.NameConstraints([x509.RFC822Name("example.org")], None), True),
    (x509.PolicyConstraints(0, None), True),
)

_SCOPES = (
    x509.IssuingDistributionPoint(None, None, True, False, None, False, False),
    x509.IssuingDistributionPoint(None, None, False, True, None, False, False),
)


class Drawing:
    """
    What is drawn for one chain.
    """

    keys = tuple(ec.generate_private_key(ec.SECP256R1()) for _ in range(5))

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.above = [root(self.name(), key=self.key(), **self.time())]
        for _ in range(self.random.choice((0, 1, 1, 2))):
            more = {} if self.rarely() else {"ca": not self.rarely()}
            more |= {"key": self.key(), "extensions": self.odd(), **self.time()}
            self.above.append(self.above[-1].certify(self.name(), **more))
        self.user = self.above[-1].issue(
            named(self.name()),
            EMAIL,
            usage=self.random.choice(_USES),
            ca=self.rarely(),
            key=self.key(),
            issuerKey=self.key() if self.rarely() else None,
            **self.time(),
        )

    def rarely(self) -> bool:
        """
        Return true, rarely.
        """
        return self.random.random() < 0.06

    def name(self) -> str:
        """
        Return one of the few names.
        """
        return self.random.choice(("root", "a", "b", "alice"))

    def key(self) -> Any:
        """
        Return one of the few keys.
        """
        return self.random.choice(self.keys)

    def time(self) -> dict[str, timedelta]:
        """
        Return from when until when something is good: mostly, it is now.
        """
        return self.random.choice((_PAST, _FUTURE)) if self.rarely() else {}

    def odd(self) -> Sequence[tuple[Any, bool]]:
        """
        Return the extensions of an authority: mostly, there are none.
        """
        isOdd = self.random.random() < 0.2
        return [self.random.choice(_ODD)] if isOdd else ()

    def sent(self) -> list[x509.Certificate]:
        """
        Return what is sent with the certificate, and perhaps what has nothing to do with
        it, in any order.
        """
        sent = [each.certificate for each in self.above[1:]]
        for _ in range(self.random.choice((0, 0, 1, 2))):
            other = root(self.name(), key=self.key())
            sent.append(other.certify(self.name(), key=self.key()).certificate)
        self.random.shuffle(sent)
        return sent

    def trusted(self) -> list[x509.Certificate]:
        """
        Return whom the server trusts: mostly the root, and perhaps another of its name.
        """
        trusted = [self.above[0]]
        if self.rarely():
            trusted = [self.random.choice(self.above)]
        if self.random.random() < 0.2:
            trusted.append(root(self.name(), key=self.key()))
        return [each.certificate for each in trusted if each is not self.user]

    def lists(self) -> list[x509.CertificateRevocationList]:
        """
        Return lists of what is revoked; perhaps there are none.
        """
        if self.random.random() < 0.4:
            return []
        lists = []
        for authority in self.above:
            revoked: list[Holder] = [self.user] if self.rarely() else []
            scope = self.random.choice(_SCOPES)
            extensions = [(scope, True)] if self.random.random() < 0.2 else []
            lists.append(
                authority.revoking(*revoked, extensions=extensions, **self.time())
            )
            if self.rarely():
                forged = Authority(authority.certificate, self.key())
                lists.append(forged.revoking())
        self.random.shuffle(lists)
        return lists


class ChainTests(SynchronousTestCase):
    """
    Tests for L{CertificateUsers}.
    """

    def setUp(self) -> None:
        if shutil.which("openssl") is None:
            raise SkipTest("install openssl")
        self.patch(_files, "SETTLING", 0)
        self.directory = Path(self.mktemp())
        self.directory.mkdir()

    def write(self, name: str, *things: Any) -> str:
        """
        Write a file in PEM.

        @return: its path.
        """
        path = self.directory / name
        path.write_bytes(pem(*things))
        return str(path)

    def test_chains(self) -> None:
        """
        openssl accepts each certificate that lets somebody in; some do, and most don't.
        """
        accepted, wrong = 0, []
        seeds = range(200)
        for seed in seeds:
            drawn = Drawing(seed)
            sent, lists = drawn.sent(), drawn.lists()
            ca = self.write("ca.pem", *drawn.trusted())
            crl = self.write("ca.crl", *lists) if lists else None
            users = CertificateUsers(Naming("email"), ca, crl)
            if users.lookUp(drawn.user.certificate, sent).kind is Kind.ACCEPTED:
                accepted += 1
                if not self.isAccepted(drawn.user.certificate, sent, ca, crl):
                    wrong.append(seed)
        self.assertEqual(wrong, [])
        self.assertTrue(len(seeds) / 10 < accepted < len(seeds) / 2, accepted)

    def isAccepted(
        self,
        certificate: x509.Certificate,
        sent: Sequence[x509.Certificate],
        ca: str,
        crl: str | None,
    ) -> bool:
        """
        Return whether openssl accepts a certificate.
        """
        command = ["openssl", "verify", "-partial_chain", "-purpose", "sslclient"]
        command += ["-CAfile", ca]
        if sent:
            command += ["-untrusted", self.write("sent.pem", *sent)]
        if crl is not None:
            command += ["-crl_check", "-CRLfile", crl]
        command.append(self.write("user.pem", certificate))
        done = subprocess.run(command, capture_output=True, check=False)
        return done.returncode == 0
