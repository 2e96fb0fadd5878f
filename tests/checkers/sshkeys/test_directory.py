"""
Tests for SSH keys that are in an LDAP directory.

They cover L{mycred.checkers.ldapkeys}, too.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from zope.interface.verify import verifyObject

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, succeed
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred import strcred
from mycred._conchcontracts import IAuthorizedKeysDB, ValidPublicKey
from mycred._sshkeys import KeyEvidence, parseOffer
from mycred._verdict import Kind, Verdict
from mycred.checkers.ldap import ldapSettings
from mycred.checkers.sshkeys import SSHPublicKeyChecker, keyOf
from mycred.checkers.sshkeys._directory import LDAPAuthorizedKeys
from mycred.checkers.sshkeys._publickeys import Proof
from mycred.credentials import SSHPrivateKey
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.testing import SteppedWorkers

from ...kit.directory import DirectoryTestCase
from ...kit.keys import blobOf, ed25519, line, rsaKey
from ...kit.openssh import keygen
from ...kit.slapd import PEOPLE, SUFFIX, person

ALICE, BOB = ed25519(), ed25519()


def withKeys(name: str, *lines: str, more: str = "") -> str:
    """
    Write an entry for somebody who has keys.
    """
    keys = [f"sshPublicKey: {line.strip()}" for line in lines]
    return person(name, "sesame", "objectClass: ldapPublicKey", *keys) + more


class KeysTests(DirectoryTestCase):
    """
    Tests for L{LDAPAuthorizedKeys}, against slapd.
    """

    names: ClassVar[tuple[str, ...]] = ("alice", "bob", "other")

    def setUp(self) -> None:
        super().setUp()
        self.workers = SteppedWorkers(running=False)
        folder = Path(self.mktemp())
        folder.mkdir()
        self.keys: dict[str, Any] = {}
        self.lines: dict[str, str] = {}
        for name in self.names:
            try:
                keygen(folder / name)
            except FileNotFoundError:
                raise SkipTest("install openssh-client") from None
            self.keys[name] = Key.fromFile(str(folder / name))
            self.lines[name] = (folder / f"{name}.pub").read_text()
        self.server.add(
            withKeys("Alice", self.lines["alice"], "# no key", "nonsense"),
            withKeys("bob", f'command="list",no-pty {self.lines["bob"]}'),
            withKeys("carol", self.lines["alice"]),
        )

    def keydb(self, **given: str) -> LDAPAuthorizedKeys:
        """
        Make what knows the keys.
        """
        settings = ldapSettings(**{"host": self.server.socket, "base": PEOPLE, **given})
        keydb = LDAPAuthorizedKeys(settings, workers=self.workers)
        self.addCleanup(keydb.close)
        return keydb

    def ask(self, keydb: LDAPAuthorizedKeys, name: Any, key: str, **options: Any) -> Any:
        """
        Log in with a key.
        """
        private = self.keys[key]
        checker = SSHPublicKeyChecker(keydb, workers=self.workers, **options)
        return checker.requestAvatarId(
            SSHPrivateKey(
                name,
                b"ssh-ed25519",
                private.public().blob(),
                b"data",
                private.sign(b"data"),
            )
        )

    def test_interface(self) -> None:
        """
        It is a database of keys as conch has them, whose answer comes later.
        """
        keydb = self.keydb()
        self.assertTrue(verifyObject(IAuthorizedKeysDB, keydb))
        [key] = self.successResultOf(keydb.getAuthorizedKeys(b"ALICE"))
        self.assertEqual(key, self.keys["alice"].public())
        # Nobody could obey options who gets nothing but a key.
        self.assertEqual(self.successResultOf(keydb.getAuthorizedKeys(b"bob")), [])
        self.assertEqual(self.successResultOf(keydb.getAuthorizedKeys(b"eve")), [])
        self.assertEqual(self.successResultOf(keydb.getAuthorizedKeys(b"a\0")), [])

    def test_accepted(self) -> None:
        """
        Whoever has the key is let in, under the name that the directory has for him.
        """
        named = self.successResultOf(self.ask(self.keydb(), b"ALICE", "alice"))
        self.assertEqual(named, b"Alice")
        evidence = keyOf(named)
        assert evidence is not None
        self.assertEqual(evidence.file, "sshPublicKey of Alice")

    def test_refused(self) -> None:
        """
        Another key, another's key, and names that mean several are refused.
        """
        keydb = self.keydb()
        for name, key in (
            (b"alice", "other"),
            (b"bob", "alice"),
            (b"eve", "alice"),
            (b"*", "alice"),
            (b"alice)(uid=*", "alice"),
            (b"", "alice"),
            (b"\xff", "alice"),
        ):
            self.failureResultOf(self.ask(keydb, name, key), UnauthorizedLogin)

    def test_offered(self) -> None:
        """
        A key is looked up when it is offered, before anything is signed.
        """
        checker = SSHPublicKeyChecker(self.keydb(), workers=self.workers)
        for key, error in (("alice", ValidPublicKey), ("other", UnauthorizedLogin)):
            blob = self.keys[key].public().blob()
            offer = SSHPrivateKey(b"alice", b"ssh-ed25519", blob, None, None)
            self.failureResultOf(checker.requestAvatarId(offer), error)

    def test_options(self) -> None:
        """
        Options count, as in a file.
        """
        keydb = self.keydb()
        self.failureResultOf(self.ask(keydb, b"bob", "bob"), UnauthorizedLogin)
        honors = ["command", "no-pty"]
        named = self.successResultOf(self.ask(keydb, b"bob", "bob", honors=honors))
        evidence = keyOf(named)
        assert evidence is not None
        self.assertEqual(evidence.options.command, "list")

    def test_mayIn(self) -> None:
        """
        Who may not in is denied, if he has the key.
        """
        keydb = self.keydb(require="(uid=alice)")
        self.successResultOf(self.ask(keydb, b"alice", "alice"))
        failure = self.failureResultOf(self.ask(keydb, b"carol", "alice"), AccountDenied)
        self.assertIs(failure.value.reason, DenialReason.POLICY)
        failure = self.failureResultOf(self.ask(keydb, b"carol", "other"))
        self.assertIs(type(failure.value), UnauthorizedLogin)
        self.assertEqual(self.successResultOf(keydb.getAuthorizedKeys(b"carol")), [])

    def test_disabled(self) -> None:
        """
        So is whose account an administrator has locked.
        """
        self.server.modify(
            f"dn: uid=alice,{PEOPLE}\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
            "pwdAccountLockedTime: 000001010000Z\n"
        )
        keydb = self.keydb()
        failure = self.failureResultOf(self.ask(keydb, b"alice", "alice"), AccountDenied)
        self.assertIs(failure.value.reason, DenialReason.LOCKED)
        self.assertEqual(self.successResultOf(keydb.getAuthorizedKeys(b"alice")), [])

    def test_otherDirectories(self) -> None:
        """
        Other directories have other marks for that.
        """
        from mycred._ldap._entries import lockOf
        from mycred._ldap.client._messages import SearchEntry

        for name, value, isLock in (
            ("nsaccountlock", b"TRUE", True),
            ("nsaccountlock", b"false", False),
            ("useraccountcontrol", b"514", True),
            ("useraccountcontrol", b"512", False),
            ("useraccountcontrol", b"x", True),
            ("pwdaccountlockedtime", b"20200101000000Z", False),
        ):
            lock = lockOf(SearchEntry("", {name: [value]}))
            self.assertEqual(lock is not None, isLock, (name, value))

    def test_down(self) -> None:
        """
        A directory that can't be asked is a temporary failure.
        """
        keydb = self.keydb()
        self.server.kill()
        self.failureResultOf(self.ask(keydb, b"alice", "alice"), TemporaryFailure)
        self.failureResultOf(keydb.getAuthorizedKeys(b"alice"), TemporaryFailure)

    def test_direct(self) -> None:
        """
        Without a password nobody can bind: users must be searched.
        """
        settings = ldapSettings(host="localhost", dn=f"uid={{username}},{SUFFIX}")
        self.assertRaises(ValueError, LDAPAuthorizedKeys, settings)


class Looks:
    """
    Looks at a directory that holds anything.

    @ivar isInThread: whether a thread is at it.
    """

    def __init__(self, *values: bytes) -> None:
        self.directory = self
        self.isInThread = False
        self._values = values

    def lookUp(self, look: Any, *args: Any, source: Any = ()) -> Deferred[Verdict]:
        """
        Look, as if in a thread.
        """
        self.isInThread = True
        seen = look(*args, 0.0, False)
        self.isInThread = False
        return succeed(seen)

    def lookFor(
        self, name: bytes, attribute: str, until: float, isWatched: bool
    ) -> Verdict:
        """
        Find what there is.
        """
        assert self.isInThread
        return Verdict(Kind.ACCEPTED, name, steps=("a step",), values=self._values)


class ThreadTests(SynchronousTestCase):
    """
    What is done in a thread, of a look at an entry that holds anything.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def keydb(self, *values: bytes) -> LDAPAuthorizedKeys:
        """
        Make a database of an entry.
        """
        settings = ldapSettings(host="localhost", base=PEOPLE)
        keydb = LDAPAuthorizedKeys(settings, workers=SteppedWorkers())
        self.looks = Looks(*values)
        self.patch(keydb, "store", self.looks)
        return keydb

    def authorize(self, keydb: LDAPAuthorizedKeys, key: Any = ALICE) -> Verdict:
        """
        Look a key up.
        """
        proof = Proof(parseOffer(blobOf(key)), None, frozenset())
        looking = keydb.authorize(b"alice", proof, "192.0.2.1")
        return self.successResultOf(looking)

    def test_names(self) -> None:
        """
        A line may begin with the name of an algorithm of its key's, and no other.
        """
        rsa = rsaKey(1024)
        for name, kind in (
            (b"rsa-sha2-256", Kind.ACCEPTED),
            (b"rsa-sha2-512", Kind.ACCEPTED),
            (b"ssh-ed25519", Kind.REFUSED),
            (b"rsa-sha2-256-cert-v01@openssh.com", Kind.REFUSED),
        ):
            text = line(rsa).replace(b"ssh-rsa", name, 1)
            for options in (b"", b"no-pty "):
                verdict = self.authorize(self.keydb(options + text), rsa)
                self.assertIs(verdict.kind, kind, name)

    def test_line(self) -> None:
        """
        A line is looked for in a thread, and none of the values leaves it.
        """
        keydb = self.keydb(b"x", b"no-user-rc " + line(ALICE))
        wasInThread: list[bool] = []
        lookUpInText = keydb._authority.lookUpInText

        def watched(*args: Any) -> Any:
            wasInThread.append(self.looks.isInThread)
            return lookUpInText(*args)

        self.patch(keydb._authority, "lookUpInText", watched)
        verdict = self.authorize(keydb)
        self.assertIs(verdict.kind, Kind.ACCEPTED)
        self.assertEqual(KeyEvidence.restore(verdict.key).line, 2)
        self.assertEqual(wasInThread, [True])
        seen = self.successResultOf(
            self.looks.lookUp(keydb._findLine, b"alice", parseOffer(blobOf(BOB)), None)
        )
        self.assertEqual((seen.steps, seen.values), (("a step",), ()))

    def test_keys(self) -> None:
        """
        So are keys taken out of all values; what can't be read is logged afterwards.
        """
        keydb = self.keydb(b"nonsense", line(ALICE), b"#x", b"\n" + line(BOB) + b"\n")
        wasInThread: list[bool] = []
        fromString = Key.fromString

        def watched(*args: Any) -> Any:
            wasInThread.append(self.looks.isInThread)
            self.assertEqual(self.events, [])
            return fromString(*args)

        self.patch(Key, "fromString", watched)
        keys = self.successResultOf(keydb.getAuthorizedKeys(b"alice"))
        self.assertEqual(keys, [ALICE.public(), BOB.public()])
        self.assertEqual(wasInThread, [True] * 3)
        self.assertEqual([event["line"] for event in self.events], [b"nonsense"])

    def test_work(self) -> None:
        """
        There is an end to what is read of an entry, and the log says so.
        """
        many = b'from="' + b"192.0.2.2," * 5000 + b'192.0.2.1" ' + line(ALICE)
        for values in ((many,) * 100 + (line(ALICE),), (b"zz " + line(ALICE),) * 1001):
            self.events.clear()
            self.assertIs(self.authorize(self.keydb(*values)).kind, Kind.REFUSED)
            self.assertIn("too many", self.events[-1]["why"])
        verdict = self.authorize(self.keydb(*[line(BOB)] * 10_000, line(ALICE)))
        self.assertIs(verdict.kind, Kind.ACCEPTED)

    def test_keysWork(self) -> None:
        """
        So there is where all keys are asked for.
        """
        good, long = line(ALICE), line(ALICE) + b"x" * 2**16
        for values, count in (
            ((good,) * 256, 256),
            ((good,) * 257, 256),
            ((b"\n" * 300, good), 0),
            ((good, long, good), 2),
            ((long,) * 300, 0),
        ):
            self.events.clear()
            keydb = self.keydb(*values)
            keys = self.successResultOf(keydb.getAuthorizedKeys(b"alice"))
            self.assertEqual(len(keys), count)
            told = ["there is too much to read" in repr(one) for one in self.events]
            self.assertEqual(told, [True] if len(values) != 256 else [])

    def test_nobody(self) -> None:
        """
        No values are read of whom the directory doesn't let in.
        """
        keydb = self.keydb(line(ALICE))
        for kind in (Kind.REFUSED, Kind.DENIED):
            seen = Verdict(kind, b"alice", "no", values=(line(ALICE),))
            self.patch(self.looks, "lookFor", lambda *args, seen=seen: seen)
            keys = self.successResultOf(keydb.getAuthorizedKeys(b"alice"))
            self.assertEqual(keys, [])
            self.assertIs(self.authorize(keydb).kind, kind)


class FactoryTests(DirectoryTestCase):
    """
    Tests for C{sshkey:ldap=}.
    """

    def make(self, more: str = "", **given: str) -> Any:
        """
        Make a checker.
        """
        from mycred.plugins.cred_sshkeys import theSSHKeyCheckerFactory

        self.errorOutput = StringIO()
        self.patch(theSSHKeyCheckerFactory, "errorOutput", self.errorOutput)
        path = Path(self.mktemp())
        keys = {"host": self.server.socket, "base": PEOPLE, **given}
        lines = "\n".join(f"{key} = {value}" for key, value in keys.items())
        path.write_text(f"[ldap]\n{lines}\n")
        return strcred.makeChecker(f"sshkey:ldap={path}{more}")

    def test_made(self) -> None:
        """
        It asks the directory that a file describes.
        """
        checker = self.make(":minrsa=3072")
        self.assertIsInstance(checker._keydb, LDAPAuthorizedKeys)
        self.assertEqual(self.errorOutput.getvalue(), "")

    def test_exposed(self) -> None:
        """
        Whoever takes keys from a network as they come is warned.
        """
        self.make(host="ldap.example.org", tls="none")
        self.assertIn("ldap.example.org:389 without TLS", self.errorOutput.getvalue())

    def test_wrong(self) -> None:
        """
        What is wrong, or can't take effect, is refused.
        """
        for more in (":file=/x/%u", ":strict=no", ":account=yes"):
            error = self.assertRaises(strcred.InvalidAuthArgumentString, self.make, more)
            self.assertIn("ldap=", str(error))
        error = self.assertRaises(
            strcred.InvalidAuthArgumentString, self.make, "", bases="x"
        )
        self.assertIn("base=", str(error))
        for argstring in ("ldap=/nonexistent", "ldap="):
            self.assertRaises(
                strcred.InvalidAuthArgumentString,
                strcred.makeChecker,
                f"sshkey:{argstring}",
            )
