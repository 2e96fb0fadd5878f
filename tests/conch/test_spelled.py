"""
Lists of keys in all spellings, held against a real sshd and against mycred's conch
server: the verdicts must agree.
"""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1

from twisted.internet import defer

from mycred._sshkeys import string

from ..kit.craftedkeys import (
    CA,
    CERTIFIED,
    ECTOKEN,
    ED,
    NAME,
    OTHER,
    P256,
    RSA,
    TOKEN,
    WEBAUTHN,
    Crafted,
    Sign,
)
from ..kit.keys import SecurityKey, blobOf, certificate, ecdsa, line, lineOf, shortRSA
from ..kit.krl import krlOf, section, u64

RSAS = (b"ssh-rsa", b"rsa-sha2-256", b"rsa-sha2-512")

#: For each key: its blob, what it announces and signs by, and its names.
KEYS: dict[str, tuple[bytes, bytes, Sign, tuple[bytes, ...]]] = {
    "RSA": (
        blobOf(RSA),
        b"rsa-sha2-512",
        lambda data: RSA.sign(data, b"rsa-sha2-512"),
        RSAS,
    ),
    "Ed25519": (blobOf(ED), b"ssh-ed25519", ED.sign, (b"ssh-ed25519",)),
    "ECDSA": (
        blobOf(P256),
        b"ecdsa-sha2-nistp256",
        P256.sign,
        (b"ecdsa-sha2-nistp256",),
    ),
    "a security key": (
        TOKEN.blob,
        TOKEN.type,
        lambda data: TOKEN.sign(data)[0],
        (TOKEN.type,),
    ),
    "an ECDSA security key": (
        ECTOKEN.blob,
        ECTOKEN.type,
        lambda data: ECTOKEN.sign(data)[0],
        (ECTOKEN.type, WEBAUTHN),
    ),
}


def certifying(name: bytes) -> bytes:
    """
    Return the name of a certificate.
    """
    return name.removesuffix(b"@openssh.com") + b"-cert-v01@openssh.com"


_PLAIN = tuple(name for *_, names in KEYS.values() for name in names)

#: Whatever a line can begin with; some of it never.
NAMES = (
    *_PLAIN,
    *(certifying(name) for name in _PLAIN if name != WEBAUTHN),
    b"ecdsa-sha2-nistp384",
    b"ecdsa-sha2-nistp521",
    b"rsa-sha2-384",
    b"rsa",
    b"RSA",
    b"SSH-RSA",
    b"ed25519",
    b"ssh-rsa@openssh.com",
    b"webauthn-sk-ssh-ed25519@openssh.com",
)


def spelled(name: bytes, blob: bytes) -> bytes:
    """
    Write a line.
    """
    return name + b" " + b64encode(blob) + b" me\n"


def signedBy(blob: bytes, sign: Sign) -> bytes:
    """
    Have a certificate of L{ED} signed.
    """
    return certificate(None, ED, principals=(NAME,), authorityBlob=blob, sign=sign)


class SpelledTests(Crafted):
    """
    Names at the beginning of lines.
    """

    @defer.inlineCallbacks
    def judge(self, wrong: list[Any], label: object, *asked: Any, counts: bool) -> Any:
        """
        Note what isn't as it should be.
        """
        outcomes = yield self.proves(*asked)
        if outcomes != (counts, counts):
            wrong.append((label, counts, outcomes))

    @defer.inlineCallbacks
    def test_keys(self) -> Any:
        """
        The names of a type's algorithms stand for it, with options or without; no other
        name does.
        """
        wrong: list[Any] = []
        for blob, algorithm, sign, names in KEYS.values():
            asked = blob, algorithm, sign
            for name in names:
                for options in (b"", b'no-pty,from="127.0.0.1" '):
                    self.file.write_bytes(options + spelled(name, blob))
                    yield self.judge(wrong, (options, name), *asked, counts=True)
            others = [name for name in NAMES if name not in names]
            self.file.write_bytes(b"".join(spelled(name, blob) for name in others))
            yield self.judge(wrong, others, *asked, counts=False)
        self.assertEqual(wrong, [])

    @defer.inlineCallbacks
    def test_authorities(self) -> Any:
        """
        So it is for authorities, among users' keys and in the file of authorities.
        """
        wrong: list[Any] = []
        for blob, _, sign, names in KEYS.values():
            asked = signedBy(blob, sign), CERTIFIED, ED.sign
            others = [name for name in NAMES if name not in names]
            for option, file in (
                (b"cert-authority ", self.file),
                (b"", self.authorities),
            ):
                for name in names:
                    file.write_bytes(option + spelled(name, blob))
                    yield self.judge(wrong, (option, name), *asked, counts=True)
                for name in others if file == self.authorities else ():
                    file.write_bytes(spelled(name, blob))
                    yield self.judge(wrong, (option, name), *asked, counts=False)
                text = b"".join(option + spelled(name, blob) for name in others)
                file.write_bytes(text)
                yield self.judge(wrong, (option, others), *asked, counts=False)
                file.write_bytes(b"")
        self.assertEqual(wrong, [])

    @defer.inlineCallbacks
    def test_revoked(self) -> Any:
        """
        So it is for revoked keys; under another name nobody is let in.
        """
        wrong: list[Any] = []
        self.file.write_bytes(
            line(OTHER)
            + b"\n"
            + b"".join(lineOf(blob) + b"\n" for blob, *_ in KEYS.values())
        )
        other = blobOf(OTHER), b"ssh-ed25519", OTHER.sign
        for blob, algorithm, sign, names in KEYS.values():
            for name in names:
                self.revoked.write_bytes(spelled(name, blob))
                yield self.judge(wrong, name, blob, algorithm, sign, counts=False)
                yield self.judge(wrong, name, *other, counts=True)
            for name in set(NAMES) - set(names):
                self.revoked.write_bytes(spelled(name, blob))
                yield self.judge(wrong, (name, "other"), *other, counts=False)
        self.assertEqual(wrong, [])

    @defer.inlineCallbacks
    def test_certificates(self) -> Any:
        """
        A certificate in a list of revoked keys revokes its key, by whatever name; among
        authorities it is none, and keeps none away.
        """
        wrong: list[Any] = []
        signature = b"rsa-sha2-512", lambda data: RSA.sign(data, b"rsa-sha2-512")
        self.file.write_bytes(line(RSA) + b"\n" + line(OTHER) + b"\n")
        other = blobOf(OTHER), b"ssh-ed25519", OTHER.sign
        trusted = signedBy(blobOf(CA), CA.sign), CERTIFIED, ED.sign
        certified = [certificate(CA, RSA, type=certifying(name)) for name in RSAS]
        for name in RSAS:
            text = spelled(certifying(name), certified[0])
            self.revoked.write_bytes(text)
            yield self.judge(wrong, name, blobOf(RSA), *signature, counts=False)
            yield self.judge(wrong, name, *other, counts=True)
            self.revoked.write_bytes(b"")
            self.authorities.write_bytes(text + line(CA) + b"\n")
            yield self.judge(wrong, name, *trusted, counts=True)
            self.authorities.write_bytes(spelled(name, certified[0]) + line(CA) + b"\n")
            yield self.judge(wrong, (name, "plain"), *trusted, counts=False)
            self.authorities.write_bytes(b"")
        self.assertEqual(wrong, [])

    @defer.inlineCallbacks
    def test_insideBlobs(self) -> Any:
        """
        Where a blob itself has another name of its type, it is revoked, or trusted, all
        the same.
        """
        wrong: list[Any] = []
        signature = b"rsa-sha2-512", lambda data: RSA.sign(data, b"rsa-sha2-512")
        signed = signedBy(blobOf(RSA), signature[1]), CERTIFIED, ED.sign
        fields = blobOf(RSA)[len(string(b"ssh-rsa")) :]
        for name in RSAS:
            odd = string(name) + fields
            self.file.write_bytes(line(RSA) + b"\n")
            yield self.judge(wrong, name, odd, *signature, counts=True)
            self.revoked.write_bytes(spelled(b"ssh-rsa", odd))
            yield self.judge(wrong, name, odd, *signature, counts=False)
            yield self.judge(wrong, name, blobOf(RSA), *signature, counts=False)
            self.revoked.write_bytes(b"")
            self.authorities.write_bytes(spelled(name, odd))
            yield self.judge(wrong, name, *signed, counts=True)
            self.authorities.write_bytes(b"")
        self.assertEqual(wrong, [])


P384, P384CERT = ecdsa(SECP384R1), b"ecdsa-sha2-nistp384-cert-v01@openssh.com"
ANY = certificate(CA, P384, type=P384CERT)
SHORT = lineOf(shortRSA())
BYSHORT = lineOf(
    certificate(None, ED, authorityBlob=shortRSA(), sign=lambda data: string(b"x"))
)
OFSHORT = lineOf(
    certificate(
        CA,
        None,
        type=b"ssh-rsa-cert-v01@openssh.com",
        body=shortRSA()[len(string(b"ssh-rsa")) :],
    )
)
COMMENTS = b"# keys\n\n \t \n  # more\n"

#: Lines besides that of a key, and whether that counts before them, and after them.
BESIDES: dict[str, tuple[bytes, bool, bool]] = {
    "comments": (COMMENTS, True, True),
    "a short RSA key": (SHORT, True, True),
    "a short RSA key by another name": (
        SHORT.replace(b"ssh-rsa", b"rsa-sha2-256", 1),
        True,
        True,
    ),
    "an RSA key of 1023 bits": (lineOf(shortRSA(1023)), True, True),
    "an RSA key of 1024 bits": (lineOf(shortRSA(1024)), True, True),
    "a certificate of a short RSA key": (OFSHORT, True, True),
    "a certificate by a short RSA key": (BYSHORT, True, False),
    "a certificate": (lineOf(ANY), True, True),
    "a certificate by SHA-1": (
        lineOf(certificate(RSA, P384, type=P384CERT, algorithm=b"ssh-rsa")),
        True,
        True,
    ),
    "a certificate that was changed": (
        lineOf(ANY[:-1] + bytes([ANY[-1] ^ 1])),
        True,
        False,
    ),
    "an endless RSA key": (lineOf(shortRSA(16392)), True, False),
    "something else": (b"this is no key", True, False),
    "an unknown type": (lineOf(string(b"ssh-x") + string(b"x")), True, False),
    "half a key": (line(OTHER)[:40], True, False),
    "a key with options": (b"no-pty " + line(OTHER), True, False),
    "half a short RSA key": (SHORT[:60], True, False),
    "a mark of its encoding": ("\ufeff".encode() + line(OTHER), True, False),
}


class BesidesTests(Crafted):
    """
    What stands besides keys in the administrator's lists.
    """

    @defer.inlineCallbacks
    def agreeBesides(self, file: Path, keyLine: bytes, *asked: Any, isGood: bool) -> Any:
        """
        Insist that a key, or the certificate of an authority, counts or doesn't.

        @param isGood: whether who is listed is let in.
        """
        wrong = []
        for name, (besides, isBefore, isAfter) in BESIDES.items():
            for lines, isListed in (
                ((keyLine, besides), isBefore),
                ((besides, keyLine), isAfter),
            ):
                file.write_bytes(b"\n".join(lines) + b"\n")
                outcomes = yield self.proves(*asked)
                if isGood and outcomes != (isListed, isListed):
                    wrong.append((name, lines.index(besides), isListed, outcomes))
                if not isGood and outcomes != (False, False):
                    wrong.append((name, lines.index(besides), "revoked", outcomes))
            if not isGood:
                file.write_bytes(line(OTHER) + b"\n" + besides + b"\n")
                outcomes = yield self.proves(*asked)
                if outcomes != (isAfter, isAfter):
                    wrong.append((name, "another", isAfter, outcomes))
        self.assertEqual(wrong, [])

    def test_authorities(self) -> Any:
        """
        An authority counts whatever short RSA keys there are, and up to a line that holds
        something else.
        """
        return self.agreeBesides(
            self.authorities,
            line(CA),
            signedBy(blobOf(CA), CA.sign),
            CERTIFIED,
            ED.sign,
            isGood=True,
        )

    def test_revoked(self) -> Any:
        """
        A revoked key never counts; others do whatever short RSA keys there are, and don't
        if there is a line that holds something else.
        """
        self.file.write_bytes(line(ED) + b"\n")
        return self.agreeBesides(
            self.revoked, line(ED), blobOf(ED), b"ssh-ed25519", ED.sign, isGood=False
        )


class KRLTests(Crafted):
    """
    Authorities in a KRL.
    """

    @defer.inlineCallbacks
    def test_authorities(self) -> Any:
        """
        What is revoked of an authority is, by whatever name of its type; one that is no
        key, or too short, makes the KRL none, and lets nobody in.
        """
        wrong = []
        signs = [
            (blobOf(CA), CA.sign),
            (blobOf(RSA), lambda data: RSA.sign(data, b"rsa-sha2-256")),
            (TOKEN.blob, lambda data: TOKEN.sign(data)[0]),
            (ECTOKEN.blob, lambda data: ECTOKEN.sign(data)[0]),
        ]
        self.authorities.write_bytes(b"".join(lineOf(blob) + b"\n" for blob, _ in signs))
        self.file.write_bytes(line(OTHER) + b"\n")
        fields = blobOf(RSA)[len(string(b"ssh-rsa")) :]
        listed = {
            blobOf(CA): CA,
            blobOf(RSA): RSA,
            string(b"rsa-sha2-512") + fields: RSA,
            TOKEN.blob: TOKEN,
            ECTOKEN.blob: ECTOKEN,
            certificate(CA, CA): None,
            shortRSA(): "nobody",
            blobOf(CA)[:-1]: "nobody",
            blobOf(CA) + b"x": "nobody",
            string(b"ssh-x") + string(b"x"): "nobody",
            string(b"ssh-rsa"): "nobody",
        }
        everything = section(0x21, u64(1, 2**64 - 1))
        for name, revoked in listed.items():
            self.revoked.write_bytes(krlOf(everything, authority=name))
            for (blob, sign), key in zip(signs, (CA, RSA, TOKEN, ECTOKEN)):
                asked = signedBy(blob, sign), CERTIFIED, ED.sign
                outcomes = yield self.proves(*asked)
                counts = revoked not in (key, "nobody")
                if outcomes != (counts, counts):
                    wrong.append((name, blob[:20], counts, outcomes))
            outcomes = yield self.proves(blobOf(OTHER), b"ssh-ed25519", OTHER.sign)
            if outcomes != (revoked != "nobody",) * 2:
                wrong.append((name, "another", outcomes))
        self.assertEqual(wrong, [])


class SecurityKeyTests(Crafted):
    """
    Authorities that are security keys.
    """

    @defer.inlineCallbacks
    def test_authorities(self) -> Any:
        """
        Nobody needs to have touched them, and what their line demands it demands of the
        user's key.
        """
        wrong = []
        user = SecurityKey()
        kind = b"sk-ssh-ed25519-cert-v01@openssh.com"
        for token in (TOKEN, ECTOKEN):
            for options in (
                b"cert-authority ",
                b"cert-authority,verify-required ",
                b"cert-authority,no-touch-required ",
                b"",
            ):
                for file in (self.file, self.authorities):
                    file.write_bytes(b"")
                file.write_bytes(b"")
                place = self.file if options else self.authorities
                place.write_bytes(options + lineOf(token.blob) + b"\n")
                for flags in (0, 1, 4, 5):

                    def sign(
                        data: bytes, token: Any = token, flags: int = flags
                    ) -> bytes:
                        return token.sign(data, flags)[0]

                    def signUser(data: bytes, flags: int = flags) -> bytes:
                        return user.sign(data, flags)[0]

                    blob = signedBy(token.blob, sign)
                    outcomes = yield self.proves(blob, CERTIFIED, ED.sign)
                    if outcomes != (True, True):
                        wrong.append((token.type, options, flags, outcomes))
                    blob = certificate(
                        token,
                        None,
                        type=kind,
                        principals=(NAME,),
                        body=user.blob[len(string(user.type)) :],
                    )
                    outcomes = yield self.proves(blob, kind, signUser)
                    needed = 5 if b"verify" in options else 1
                    if outcomes != (flags & needed == needed,) * 2:
                        wrong.append((token.type, options, "user", flags, outcomes))
        self.assertEqual(wrong, [])

    def test_shown(self) -> None:
        """
        ssh-keygen takes the certificates that the tests have made.
        """
        for token in (TOKEN, ECTOKEN):
            path = self.folder / "made-cert.pub"
            path.write_bytes(lineOf(certificate(token, ED)))
            shown = subprocess.run(
                ["ssh-keygen", "-Lf", path], check=True, capture_output=True, text=True
            ).stdout
            self.assertIn(f"using {token.type.decode()}", shown)
