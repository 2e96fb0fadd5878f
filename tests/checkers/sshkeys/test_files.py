"""
Tests for L{mycred.checkers.sshkeys.UNIXAuthorizedKeysFiles}, and for what decides for
it, L{mycred._sshkeys._authority}.  L{tests.conch.test_correspondence} holds both to sshd.

They cover L{mycred._accounts._settled}, L{mycred._sshkeys._groupmemory},
L{mycred._sshkeys._keyfiles} and L{mycred.checkers.sshkeys._unix}, too.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred

from mycred import _files as _state
from mycred._accounts import AccountRules, SystemUsers, isMadeUp
from mycred._sshkeys import (
    Authority,
    KeyFiles,
    Revoked,
    _authority,
    _request,
    parseOffer,
    string,
)
from mycred._verdict import Kind, Verdict
from mycred.checkers.sshkeys import (
    KeyEvidence,
    SSHPublicKeyChecker,
    UNIXAuthorizedKeysFiles,
    ValidPublicKey,
)
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.testing import SteppedWorkers

from ...kit.keycheckers import (
    ALICE,
    BOB,
    CA,
    Command,
    MachineTestCase,
    offered,
    signed,
)
from ...kit.keys import blobOf, certificate, line, lineOf, rsaKey, shortRSA


class LookTests(MachineTestCase):
    """
    Looks into files.
    """

    def test_found(self) -> None:
        """
        A key is found in the file of its user, with what its line says.
        """
        self.file.write_bytes(line(BOB) + b'\nfrom="192.0.2.*" ' + line(ALICE))
        verdict = self.look(ALICE, peer="192.0.2.1")
        self.assertIs(verdict.kind, Kind.ACCEPTED)
        self.assertEqual(verdict.name, b"alice")
        evidence = KeyEvidence.restore(verdict.key)
        self.assertEqual((evidence.file, evidence.line), (str(self.file), 2))
        self.assertEqual(evidence.options.sources, "192.0.2.*")
        assert verdict.account is not None
        self.assertEqual(verdict.account.home, str(self.home))

    def test_whole(self) -> None:
        """
        It opens the account through the checker.
        """
        self.file.write_bytes(line(ALICE))
        checker = SSHPublicKeyChecker(self.keys())
        self.failureResultOf(checker.requestAvatarId(offered(ALICE)), ValidPublicKey)
        avatarId = self.successResultOf(checker.requestAvatarId(signed(ALICE)))
        self.assertEqual(avatarId, b"alice")
        self.failureResultOf(checker.requestAvatarId(signed(BOB)), UnauthorizedLogin)

    def test_names(self) -> None:
        """
        Nobody else's name finds it, and no name that could be none.
        """
        self.file.write_bytes(line(ALICE))
        for name in (
            b"bob",
            b"carol",
            b"",
            b"alice\0",
            b"../alice",
            b"+",
            b"a:b",
            b"x" * 300,
            b"\xff",
        ):
            self.assertRefused(self.look(ALICE, name))

    def test_noPeer(self) -> None:
        """
        A line with C{from=} is of no use where the peer isn't known, or has no address.
        """
        self.file.write_bytes(b'from="*" ' + line(ALICE))
        self.assertRefused(self.look(ALICE))
        self.assertLogged("where the client comes from isn't known")
        self.assertRefused(self.look(ALICE, peer="/run/socket"))
        self.assertIs(self.look(ALICE, peer="::1").kind, Kind.ACCEPTED)

    def test_logged(self) -> None:
        """
        A line that is refused is logged with its file and number.
        """
        self.file.write_bytes(b"\nno-such-thing " + line(ALICE))
        self.assertRefused(self.look(ALICE))
        self.assertLogged(f"{self.file}:2: an unknown option, no-such-thing")

    def test_otherLinesAreQuiet(self) -> None:
        """
        A line of somebody else's isn't looked at.
        """
        self.file.write_bytes(b"no-such-thing " + line(BOB))
        self.assertRefused(self.look(ALICE))
        self.assertFalse(any("no-such-thing" in repr(event) for event in self.events))

    def test_second(self) -> None:
        """
        There may be a second file, as in Twisted, and others in their place.
        """
        (self.ssh / "authorized_keys2").write_bytes(line(ALICE))
        self.assertIs(self.look(ALICE).kind, Kind.ACCEPTED)
        self.assertRefused(self.look(ALICE, files=["keys"]))
        self.assertRefused(self.look(ALICE, files=[]))

    def test_patterns(self) -> None:
        """
        Files are named by home, name and number.
        """
        other = Path(self.mktemp()).resolve()
        other.mkdir()
        for pattern, path in (
            (f"{other}/%u", other / "alice"),
            (f"{other}/%U.%%", other / f"{os.geteuid()}.%"),
            ("%h/k", self.home / "k"),
            ("keys/%u", self.home / "keys" / "alice"),
        ):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(line(ALICE))
            found = self.look(ALICE, files=["nothing", pattern], strict=False)
            self.assertEqual(KeyEvidence.restore(found.key).file, str(path))
        for wrong in ("", "%", "%x", "%h/%"):
            with self.assertRaises(ValueError):
                self.keys(files=[wrong])
            with self.assertRaises(ValueError):
                self.keys(principals=wrong)

    def test_strict(self) -> None:
        """
        A file to which others may write counts only if that is wanted.
        """
        self.file.write_bytes(line(ALICE))
        self.file.chmod(0o666)
        self.assertRefused(self.look(ALICE))
        self.assertLogged(f"{self.file}: ignored, since {self.file} must belong")
        self.assertIs(self.look(ALICE, strict=False).kind, Kind.ACCEPTED)

    def test_huge(self) -> None:
        """
        A file beyond all measure is ignored.
        """
        with self.file.open("wb") as file:
            file.write(line(ALICE))
            file.truncate(2**24 + 1)
        self.assertRefused(self.look(ALICE))
        self.assertLogged("larger than")

    def test_outage(self) -> None:
        """
        If a file can't be read for now, nothing is said about the key, unless another
        file authorizes it.
        """
        self.file.write_bytes(line(ALICE))

        def broken(path: str, account: Any, isStrict: bool) -> bytes:
            if path == str(self.file):
                raise OSError(errno.EIO, "the disk is gone")
            return line(BOB)

        self.patch(_authority, "readSafely", broken)
        verdict = self.look(ALICE)
        self.assertIs(verdict.kind, Kind.UNSURE)
        self.assertIn("the disk is gone", verdict.why)
        self.assertIs(self.look(BOB).kind, Kind.ACCEPTED)

    def test_unreadable(self) -> None:
        """
        A file that may not be read is logged, and there is no key.
        """
        self.file.write_bytes(line(ALICE))

        def forbidden(path: str, account: Any, isStrict: bool) -> bytes:
            raise PermissionError(errno.EACCES, "Permission denied")

        self.patch(_authority, "readSafely", forbidden)
        self.assertRefused(self.look(ALICE))
        self.assertLogged(f"{self.file}: ignored: Permission denied")

    def test_manyLines(self) -> None:
        """
        A key that stands in absurdly many lines is given up.
        """
        self.file.write_bytes((b"no-such-thing " + line(ALICE) + b"\n") * 2000)
        self.assertRefused(self.look(ALICE))
        self.assertLogged("too many lines")

    def test_longLine(self) -> None:
        """
        A line without end isn't read.
        """
        self.file.write_bytes(b"a" * 2**16 + b" " + line(ALICE) + b"\n" + line(BOB))
        self.assertRefused(self.look(ALICE))
        self.assertIs(self.look(BOB).kind, Kind.ACCEPTED)

    def test_longNote(self) -> None:
        """
        What a user has written doesn't fill the log.
        """
        self.file.write_bytes(b"x" * 60_000 + b" " + line(ALICE))
        self.assertRefused(self.look(ALICE))
        self.assertLogged("an unknown option")
        self.assertFalse(any(len(repr(event)) > 5000 for event in self.events))

    def test_notTheUser(self) -> None:
        """
        If his rights can't be had, nothing is said about a key.
        """
        self.file.write_bytes(line(ALICE))

        def broken(users: Any, account: Any) -> Any:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        authority = Authority(users=SystemUsers(self.userdb), asUser=broken)
        verdict = authority.lookUp(b"alice", parseOffer(blobOf(ALICE)), None)
        self.assertIs(verdict.kind, Kind.UNSURE)

    def test_threads(self) -> None:
        """
        Files are read in a thread, and who doesn't wait any more isn't looked up.
        """
        workers = SteppedWorkers()
        self.file.write_bytes(line(ALICE))
        checker = SSHPublicKeyChecker(self.keys(workers=workers), workers=workers)
        login = checker.requestAvatarId(signed(ALICE))
        self.assertNoResult(login)
        workers.step()
        self.assertEqual(self.successResultOf(login), b"alice")
        login = checker.requestAvatarId(signed(ALICE))
        login.cancel()
        self.failureResultOf(login)

    def test_ownParser(self) -> None:
        """
        Who reads lines in a way of his own has keys looked up by nothing else.
        """
        self.file.write_bytes(b"anything")
        keydb = self.keys(parseKey=lambda text: ALICE.public())
        checker = SSHPublicKeyChecker(keydb)
        login = checker.requestAvatarId(signed(ALICE))
        self.assertEqual(self.successResultOf(login), b"alice")

    def test_getAuthorizedKeys(self) -> None:
        """
        For others there are the keys without options.
        """
        self.file.write_bytes(line(ALICE) + b"\nno-pty " + line(BOB))
        keys = list(self.keys().getAuthorizedKeys(b"alice"))
        self.assertEqual([blobOf(key) for key in keys], [blobOf(ALICE)])
        self.assertEqual(list(self.keys().getAuthorizedKeys(b"carol")), [])
        system = UNIXAuthorizedKeysFiles()
        for name in (b"\xff", b"a\0b", b""):
            self.assertEqual(list(system.getAuthorizedKeys(name)), [], name)

    def test_emptyDatabase(self) -> None:
        """
        A program's database that holds no user isn't taken for none.
        """
        asked: list[str] = []

        class Records(dict[str, Any]):
            """
            A database of users, with a length.
            """

            def getpwnam(self, name: str) -> Any:
                """
                Look a user up.
                """
                asked.append(name)
                return self[name]

        empty = UNIXAuthorizedKeysFiles(Records())
        self.assertEqual(list(empty.getAuthorizedKeys(b"root")), [])
        self.assertEqual(asked, ["root"])

    def test_separateUserdb(self) -> None:
        """
        Other processes can't ask a database of users that is an object here.
        """
        with self.assertRaises(ValueError):
            self.keys(separate=True)


class RevokedTests(MachineTestCase):
    """
    Revoked keys.
    """

    def setUp(self) -> None:
        super().setUp()
        self.file.write_bytes(line(ALICE) + b"\n" + line(BOB))
        self.revoked = self.home / "revoked"

    def test_revoked(self) -> None:
        """
        A revoked key is refused, and others aren't.
        """
        self.revoked.write_bytes(line(ALICE))
        self.assertRefused(self.look(ALICE, revoked=str(self.revoked)))
        self.assertIs(self.look(BOB, revoked=str(self.revoked)).kind, Kind.ACCEPTED)

    def test_unreadable(self) -> None:
        """
        While it can't be told what is revoked, nothing is said about any key.
        """
        for prepare in (
            lambda: self.revoked.write_bytes(b"nonsense\n"),
            self.revoked.unlink,
            self.revoked.mkdir,
        ):
            prepare()
            verdict = self.look(BOB, revoked=str(self.revoked))
            self.assertIs(verdict.kind, Kind.UNSURE)
            self.assertIn("no key counts", verdict.why)

    def test_short(self) -> None:
        """
        An RSA key that is too short revokes nothing, and keeps nobody out; the log says
        so, once for what the file holds.
        """
        self.revoked.write_bytes(lineOf(shortRSA()) + b"\n" + line(ALICE))
        keys = self.keys(revoked=str(self.revoked))
        for _ in range(2):
            self.assertRefused(self.lookIn(keys, ALICE))
            self.assertIs(self.lookIn(keys, BOB).kind, Kind.ACCEPTED)
        self.assertLogged(f"{self.revoked}:1: skipped: an RSA key of 768 bits")
        self.assertEqual(len(self.events), 1)

    def test_half(self) -> None:
        """
        Half a line revokes nothing, and so makes the list none.
        """
        for text in (line(ALICE)[:-30], line(ALICE)[:40]):
            self.revoked.write_bytes(line(BOB) + b"\n" + text)
            verdict = self.look(ALICE, revoked=str(self.revoked))
            self.assertIs(verdict.kind, Kind.UNSURE)

    def test_changed(self) -> None:
        """
        What changes is read again, though it has the same size and time.
        """
        self.revoked.write_bytes(line(BOB))
        status = self.revoked.stat()
        authority = Authority(
            KeyFiles(revoked=str(self.revoked)), SystemUsers(self.userdb)
        )
        offer = parseOffer(blobOf(ALICE))
        self.assertIs(authority.lookUp(b"alice", offer, None).kind, Kind.ACCEPTED)
        self.revoked.write_bytes(line(ALICE))
        os.utime(self.revoked, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertRefused(authority.lookUp(b"alice", offer, None))

    def test_kept(self) -> None:
        """
        What has come to rest isn't read for each login; a rename is noticed.
        """
        self.revoked.write_bytes(line(BOB))
        authority = Authority(
            KeyFiles(revoked=str(self.revoked)), SystemUsers(self.userdb)
        )
        offer = parseOffer(blobOf(ALICE))
        authority.lookUp(b"alice", offer, None)
        later = time.monotonic() + 5
        with mock.patch.object(time, "monotonic", lambda: later):
            authority.lookUp(b"alice", offer, None)
            with mock.patch.object(_state, "readWhole", side_effect=AssertionError):
                self.assertIs(authority.lookUp(b"alice", offer, None).kind, Kind.ACCEPTED)
            new = self.home / "new"
            new.write_bytes(line(ALICE))
            new.rename(self.revoked)
            self.assertRefused(authority.lookUp(b"alice", offer, None))

    def test_same(self) -> None:
        """
        What holds the same as before isn't taken apart again, though it is so young that
        it has to be read.
        """
        with mock.patch.object(Revoked, "parse", wraps=Revoked.parse) as parse:
            authority = Authority(
                KeyFiles(revoked=str(self.revoked)), SystemUsers(self.userdb)
            )
        offer = parseOffer(blobOf(ALICE))
        for text, kind, times in (
            (line(BOB), Kind.ACCEPTED, 1),
            (line(ALICE), Kind.REFUSED, 1),
            (b"x", Kind.UNSURE, 1),
            (line(ALICE), Kind.REFUSED, 1),
        ):
            self.revoked.write_bytes(text)
            parse.reset_mock()
            for _ in range(2):
                verdict = authority.lookUp(b"alice", offer, None)
                self.assertIs(verdict.kind, kind)
            self.assertEqual(parse.call_count, times)


class TimeTests(MachineTestCase):
    """
    How long a refusal takes doesn't tell who has an account.
    """

    def setUp(self) -> None:
        super().setUp()
        self.workers = SteppedWorkers()
        self.now = 0.0
        self.patch(SSHPublicKeyChecker, "_seconds", lambda _: self.now)

    def refuse(self, checker: Any, name: bytes, seconds: float) -> float:
        """
        Offer a key that isn't authorized.

        @param seconds: how long it takes to look it up.

        @return: how long the client waits for an answer besides.
        """
        offer = offered(BOB, username=name)
        login = checker.requestAvatarId(offer)
        self.now += seconds
        self.workers.step()
        failures: list[Any] = []
        login.addErrback(failures.append)
        waited = 0.0
        while not failures:
            self.workers.reactor.advance(0.001)
            waited += 0.001
        failures[0].trap(UnauthorizedLogin)
        return waited

    def checker(self) -> SSHPublicKeyChecker:
        """
        Make a checker that knows Alice.
        """
        self.file.write_bytes(line(ALICE))
        return SSHPublicKeyChecker(self.keys(workers=self.workers), workers=self.workers)

    def test_least(self) -> None:
        """
        Whether there is anything to look at or not, a refusal takes a fixed time.
        """
        checker = self.checker()
        for name, seconds in ((b"alice", 0.004), (b"eve", 0.001)):
            waited = self.refuse(checker, name, seconds)
            self.assertAlmostEqual(waited + seconds, 0.025, places=3)

    def test_slow(self) -> None:
        """
        Where looks take longer, refusals do, too, for names that nobody has: however many
        of those are asked for meanwhile.
        """
        checker = self.checker()
        self.refuse(checker, b"alice", 0.4)
        for number in range(100):
            waited = self.refuse(checker, b"eve%d" % number, 0.001)
            self.assertAlmostEqual(waited + 0.001, 0.5, places=2)
        # One of each counts, as it was the last time.
        self.assertAlmostEqual(self.refuse(checker, b"alice", 0.3), 0.075, places=2)

    def test_accepted(self) -> None:
        """
        A key that would do is answered at once, and so is somebody who doesn't wait: they
        are refused, so that nobody guesses without a trace.
        """
        checker = self.checker()
        login = checker.requestAvatarId(offered(ALICE))
        self.workers.step()
        self.failureResultOf(login, ValidPublicKey)
        login = checker.requestAvatarId(offered(BOB))
        self.workers.step()
        login.cancel()
        self.failureResultOf(login, UnauthorizedLogin)
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])

    def test_revoked(self) -> None:
        """
        A key that is revoked is one for whoever has it, account or not.
        """
        revoked = self.home / "revoked"
        revoked.write_bytes(line(BOB))
        command = Command(b"")
        for name in (b"alice", b"eve"):
            verdict = self.look(BOB, name, revoked=str(revoked), command=command)
            self.assertEqual(verdict.why, "the key is revoked")
        self.assertEqual(command.asked, [])


class HostileTests(MachineTestCase):
    """
    Files that somebody has written to keep the server busy.
    """

    def notes(self) -> list[str]:
        """
        Tell what was logged of files.
        """
        return [event["why"] for event in self.events if "where" in event]

    def test_limits(self) -> None:
        """
        A look ends where there is too much to look at; nothing in the file authorizes
        then, and the log says so once.
        """
        base64 = line(ALICE).split()[1]
        for text, what in (
            (b'zz,from="*" ' + line(ALICE), "lines with the key"),
            (b"# " + base64, "lines with the key"),
            (b"a" * 60_000 + b" " + line(ALICE), "bytes in lines with the key"),
            (b'from="' + b"1," * 2000 + b'1" ' + line(ALICE), "patterns of addresses"),
            (b'from="' + b"*x?," * 6000 + b'*" ' + line(ALICE), "patterns of addresses"),
            (b"pty," * 2000 + b"zz " + line(ALICE), "options"),
            (b"," * 2000 + b"zz " + line(ALICE), "options"),
            (b'permitopen="a:zz" ' + line(ALICE), "names of ports"),
            (b'expiry-time="20200101" ' + line(ALICE), "expiry-time="),
        ):
            self.events.clear()
            count = min(1001, 2**20 // len(text))
            self.file.write_bytes((text + b"\n") * count + line(ALICE))
            self.assertRefused(self.look(ALICE, peer="192.0.2.1"))
            said = [note for note in self.notes() if note.startswith("too many")]
            self.assertEqual(len(said), 1, what)
            self.assertIn(f"too many {what}: ", said[0])

    def test_told(self) -> None:
        """
        The log isn't told of all lines that don't count.
        """
        self.file.write_bytes((b"zz " + line(ALICE) + b"\n") * 100)
        self.assertRefused(self.look(ALICE))
        self.assertEqual(len(self.notes()), 20)

    def test_large(self) -> None:
        """
        All the files of a user together are as large as one may be.
        """
        keys2 = self.ssh / "authorized_keys2"
        keys2.write_bytes(line(ALICE))
        for size, isIn in ((2**24 - len(line(ALICE)), True), (2**24, False)):
            self.file.write_bytes(b"\n" * size)
            verdict = self.look(ALICE)
            self.assertEqual(verdict.kind is Kind.ACCEPTED, isIn)
        self.assertIn("too many bytes: no more than 16777216 are looked at", self.notes())

    def test_enough(self) -> None:
        """
        Real files are far from it: with a hundred thousand keys, with some thousand
        patterns, with a key that stands there again and again.
        """
        patterns = b",".join(b"192.0.%d.%d" % divmod(n, 250) for n in range(4000))
        rsa = rsaKey(4096)
        good = b'from="' + patterns + b'" ' + line(ALICE)
        for text in (
            (line(BOB, b"bob@example.org") + b"\n") * 100_000 + line(ALICE),
            (line(ALICE) + b"\n") * 100_000,
            (b'from="192.0.2.2" ' + line(ALICE) + b"\n") * 400 + good,
            (b'from="192.0.2.2" ' + line(rsa) + b"\n") * 400 + line(rsa),
        ):
            self.file.write_bytes(text)
            key = ALICE if line(ALICE) in text else rsa
            verdict = self.look(key, peer="192.0.2.1")
            self.assertIs(verdict.kind, Kind.ACCEPTED, verdict.why)

    def test_others(self) -> None:
        """
        Other files are looked at all the same, and so is a command.
        """
        self.file.write_bytes((b"zz " + line(ALICE) + b"\n") * 1001)
        command = Command(line(ALICE))
        self.assertIs(self.look(ALICE, command=command).kind, Kind.ACCEPTED)
        (self.ssh / "authorized_keys2").write_bytes(line(BOB))
        self.assertIs(self.look(BOB).kind, Kind.ACCEPTED)

    def test_certificates(self) -> None:
        """
        Nor can certificates, and files of principals, be too much.
        """
        self.patch(_state, "SETTLING", 0)
        ca = self.home / "ca"
        ca.write_bytes(line(CA))
        principals = self.ssh / "principals"
        settings = {"ca": str(ca), "principals": str(principals), "peer": "192.0.2.1"}
        ops = certificate(CA, ALICE, principals=(b"ops",))
        networks = b",".join([b"192.0.2.0/24"] * 4000)
        source = ((b"source-address", string(networks)),)
        for blob, text, what in (
            (ops, b"x\n" * 5001, "lines with principals"),
            (ops, b"x" * 2**20 + b"\nops\n", "bytes with principals"),
            (ops, b"zz ops\n" * 1001, "lines with the key"),
            (ops, b"pty," * 9000 + b"zz ops\n", "options"),
            (certificate(CA, ALICE, critical=source), b"ops\n", "patterns of addresses"),
        ):
            self.events.clear()
            principals.write_bytes(text)
            self.assertRefused(self.look(blob, **settings))
            said = [note for note in self.notes() if f"too many {what}: " in note]
            self.assertEqual(len(said), 1, what)


class CertificateTests(MachineTestCase):
    """
    Certificates by trusted authorities.
    """

    def setUp(self) -> None:
        super().setUp()
        self.ca = self.home / "ca"
        self.ca.write_bytes(b"# ours\n" + line(CA))

    def test_evidence(self) -> None:
        """
        What a certificate says is known.
        """
        blob = certificate(CA, ALICE, serial=9, id=b"her", extensions=())
        verdict = self.look(blob, ca=str(self.ca))
        evidence = KeyEvidence.restore(verdict.key)
        self.assertEqual(
            (evidence.certificateId, evidence.serial, evidence.file, evidence.line),
            ("her", 9, str(self.ca), None),
        )
        self.assertEqual(
            evidence.authority,
            parseOffer(blobOf(CA)).fingerprint,  # type: ignore[union-attr]
        )
        self.assertFalse(evidence.options.pty)

    def test_touch(self) -> None:
        """
        A certificate may spare the touch, if nothing else demands it.
        """
        blob = certificate(CA, ALICE, extensions=((b"no-touch-required", b""),))
        verdict = self.look(blob, ca=str(self.ca))
        self.assertFalse(KeyEvidence.restore(verdict.key).options.touchRequired)
        self.file.write_bytes(b"cert-authority " + line(CA))
        verdict = self.look(blob)
        self.assertTrue(KeyEvidence.restore(verdict.key).options.touchRequired)

    def test_forged(self) -> None:
        """
        A certificate that its authority hasn't signed is refused.
        """
        blob = bytearray(certificate(CA, ALICE))
        blob[-1] ^= 1
        for settings in ({"ca": str(self.ca)}, {}):
            self.file.write_bytes(b"cert-authority " + line(CA))
            self.assertRefused(self.look(bytes(blob), **settings))

    def test_noPrincipals(self) -> None:
        """
        A certificate that names nobody is for nobody.
        """
        blob = certificate(CA, ALICE, principals=())
        self.file.write_bytes(b"cert-authority " + line(CA))
        for settings in ({"ca": str(self.ca)}, {}):
            self.assertRefused(self.look(blob, **settings))

    def test_outage(self) -> None:
        """
        If it can't be told whom to trust, nothing is said about a certificate; a plain
        key is none of its business.
        """
        self.file.write_bytes(line(BOB))
        settings = {"ca": str(self.ca)}
        for prepare in (lambda: self.ca.write_bytes(b"x"), self.ca.unlink):
            prepare()
            verdict = self.look(certificate(CA, ALICE), **settings)
            self.assertIs(verdict.kind, Kind.UNSURE)
            self.assertIs(self.look(BOB, **settings).kind, Kind.ACCEPTED)

    def test_before(self) -> None:
        """
        Authorities count that stand before a line that holds something else; of others
        nothing is said.
        """
        settings = {"ca": str(self.ca)}
        self.ca.write_bytes(line(CA) + b"\nx\n" + line(BOB))
        verdict = self.look(certificate(CA, ALICE), **settings)
        self.assertIs(verdict.kind, Kind.ACCEPTED)
        verdict = self.look(certificate(BOB, ALICE), **settings)
        self.assertIs(verdict.kind, Kind.UNSURE)
        self.assertIn("line 2 is no key", verdict.why)

    def test_short(self) -> None:
        """
        An RSA key that is too short is no authority, and keeps none from being one; the
        log says so.
        """
        self.ca.write_bytes(lineOf(shortRSA()) + b"\n" + line(CA))
        verdict = self.look(certificate(CA, ALICE), ca=str(self.ca))
        self.assertIs(verdict.kind, Kind.ACCEPTED)
        self.assertLogged(f"{self.ca}:1: skipped: an RSA key of 768 bits")

    def test_principals(self) -> None:
        """
        With a file of principals, the name of the user isn't enough.
        """
        settings = {"ca": str(self.ca), "principals": ".ssh/principals"}
        self.assertRefused(self.look(certificate(CA, ALICE), **settings))
        principals = self.ssh / "principals"
        principals.write_text("no-pty ops\n")
        blob = certificate(CA, ALICE, principals=(b"ops",))
        evidence = KeyEvidence.restore(self.look(blob, **settings).key)
        self.assertFalse(evidence.options.pty)
        self.assertEqual((evidence.file, evidence.line), (str(principals), 1))
        principals.chmod(0o666)
        self.assertRefused(self.look(blob, **settings))

    def test_unsigned(self) -> None:
        """
        A certificate that its authority hasn't signed keeps nobody busy, whatever it
        says.
        """
        self.patch(_request, "fromCertificate", lambda *_: self.fail("it was looked at"))
        blob = bytearray(certificate(CA, ALICE, critical=((b"x", b"y"),)))
        blob[-1] ^= 1
        self.file.write_bytes(b"cert-authority " + line(CA))
        for settings in ({"ca": str(self.ca)}, {}):
            self.assertRefused(self.look(bytes(blob), **settings))

    def test_firstPrincipal(self) -> None:
        """
        The first line with a principal of the certificate decides, as for sshd.
        """
        principals = self.ssh / "principals"
        settings = {"ca": str(self.ca), "principals": str(principals)}
        blob = certificate(CA, ALICE, principals=(b"alice", b"ops"))
        for text, isLetIn in (
            ('from="192.0.2.1" alice\nops\n', False),
            ('expiry-time="20200101Z" alice\nalice\n', False),
            ("cert-authority alice\nops\n", False),
            ("no-such-thing alice\nops\n", True),
        ):
            principals.write_text(text)
            verdict = self.look(blob, peer="192.0.2.2", **settings)
            self.assertIs(verdict.kind is Kind.ACCEPTED, isLetIn, text)

    def test_emptyPrincipals(self) -> None:
        """
        A list of principals goes as far as an empty one.
        """
        for names, principal, isLetIn in (
            ("alice", b"alice", True),
            ("bob,alice", b"alice", True),
            (",alice", b"alice", False),
            ("bob,,alice", b"alice", False),
            ("", b"", False),
        ):
            options = f'cert-authority,principals="{names}" '.encode()
            self.file.write_bytes(options + line(CA))
            verdict = self.look(certificate(CA, ALICE, principals=(principal,)))
            self.assertIs(verdict.kind is Kind.ACCEPTED, isLetIn, names)


class StandingTests(MachineTestCase):
    """
    Accounts that may not be used.
    """

    def denied(self, fields: str, rules: AccountRules = AccountRules()) -> Verdict:  # noqa: B008
        """
        Look a key up, of an account with a line of shadow(5).
        """
        shadow = self.home / "shadow"
        shadow.write_text(f"alice:{fields}\n")
        self.file.write_bytes(line(ALICE))
        self.patch(UNIXAuthorizedKeysFiles, "_shadow", str(shadow))
        return self.look(ALICE, accountRules=rules)

    def test_shadow(self) -> None:
        """
        Locked and expired accounts are denied; a missing or an old password is none of
        a key's business.
        """
        today = int(time.time() // 86_400)
        for fields, reason in (
            ("*:::::::", None),
            ("$6$x:0:0:1::::", None),
            ("!:::::::", DenialReason.LOCKED),
            ("!!:::::::", DenialReason.LOCKED),
            ("!$6$x:::::::", DenialReason.LOCKED),
            (f"*::::::{today}:", DenialReason.EXPIRED),
            (f"*::::::{today + 1}:", None),
        ):
            verdict = self.denied(fields)
            self.assertIs(verdict.denial, reason, fields)
            self.assertIs(verdict.kind, Kind.DENIED if reason else Kind.ACCEPTED)

    def test_damaged(self) -> None:
        """
        If its line says nothing, nothing can be said.
        """
        self.assertIs(self.denied("x:y").kind, Kind.UNSURE)

    def test_rules(self) -> None:
        """
        AccountRules are kept.
        """
        rules = AccountRules(minuid=os.geteuid() + 1)
        verdict = self.denied("*:::::::", rules)
        self.assertIs(verdict.denial, DenialReason.POLICY)

    def test_notAsked(self) -> None:
        """
        Whoever isn't asked to look doesn't.
        """
        self.denied("!:::::::")
        self.assertIs(self.look(ALICE).kind, Kind.ACCEPTED)

    def test_checker(self) -> None:
        """
        Who has proved the key is told why.
        """
        self.denied("!:::::::")
        checker = SSHPublicKeyChecker(self.keys(accountRules=AccountRules()))
        failure = self.failureResultOf(
            checker.requestAvatarId(signed(ALICE)), AccountDenied
        )
        self.assertIs(failure.value.reason, DenialReason.LOCKED)


class CommandTests(MachineTestCase):
    """
    Keys that a program knows.
    """

    def test_asked(self) -> None:
        """
        It is asked about an account whose files don't authorize a key; and about a name
        that nobody has, so that nobody learns which they are, though whatever it says of
        one is nothing.
        """
        command = Command(b'from="192.0.2.1" ' + line(ALICE))
        self.file.write_bytes(line(BOB))
        self.assertIs(self.look(BOB, command=command).kind, Kind.ACCEPTED)
        self.assertEqual(command.asked, [])
        for peer in (None, "192.0.2.1"):
            self.assertRefused(self.look(ALICE, b"carol", peer=peer, command=command))
        self.assertEqual([one.name for one in command.asked], ["carol", "carol"])
        self.assertTrue(isMadeUp(command.asked.pop()) and isMadeUp(command.asked.pop()))
        for absurd in (b"-x", b"a/b", b"a:b", b"\n", b"", b"x" * 256):
            self.assertRefused(self.look(ALICE, absurd, command=command))
        self.assertEqual(command.asked, [])
        verdict = self.look(ALICE, peer="192.0.2.1", command=command)
        self.assertIs(verdict.kind, Kind.ACCEPTED)
        self.assertEqual(KeyEvidence.restore(verdict.key).file, "/bin/keys")
        self.assertRefused(self.look(ALICE, peer="192.0.2.2", command=command))
        self.assertLogged("/bin/keys:1: the client may not come from 192.0.2.2")
        self.assertEqual(command.asked[0].name, "alice")

    def test_revoked(self) -> None:
        """
        It isn't asked about a revoked key.
        """
        revoked = self.home / "revoked"
        revoked.write_bytes(line(ALICE))
        command = Command(line(ALICE))
        self.assertRefused(self.look(ALICE, command=command, revoked=str(revoked)))
        self.assertEqual(command.asked, [])

    def test_spelled(self) -> None:
        """
        Its lines may begin with the name of an algorithm.
        """
        rsa = rsaKey()
        text = line(rsa).replace(b"ssh-rsa", b"rsa-sha2-512", 1)
        verdict = self.look(rsa, command=Command(text))
        self.assertIs(verdict.kind, Kind.ACCEPTED)

    def test_denied(self) -> None:
        """
        Its keys don't open an account that may not be used.
        """
        rules = AccountRules(minuid=os.geteuid() + 1)
        verdict = self.look(ALICE, command=Command(line(ALICE)), accountRules=rules)
        self.assertIs(verdict.kind, Kind.DENIED)

    def test_authority(self) -> None:
        """
        It may name authorities.
        """
        command = Command(b"cert-authority " + line(CA))
        self.assertIs(
            self.look(certificate(CA, ALICE), command=command).kind, Kind.ACCEPTED
        )

    def test_failed(self) -> None:
        """
        If it fails, nothing is said about the key.
        """
        waiting: Deferred[bytes] = Deferred()
        checker = SSHPublicKeyChecker(self.keys(command=Command(waiting)))
        login = checker.requestAvatarId(signed(ALICE))
        self.assertNoResult(login)
        waiting.errback(TemporaryFailure())
        self.failureResultOf(login, TemporaryFailure)
