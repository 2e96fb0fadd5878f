"""
Tests for L{mycred.checkers.sshkeys._steps}: programs that override a step in which conch
checks a key.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.conch.error import ValidPublicKey
from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred

from mycred._accounts import AccountRules
from mycred.checkers.sshkeys import (
    InMemorySSHKeyDB,
    SSHPublicKeyChecker,
    UNIXAuthorizedKeysFiles,
    keyOf,
)
from mycred.error import UnauthorizedLogin

from ...kit.keycheckers import StepTestCase
from ...kit.keys import ecdsa, ed25519, line, rsaKey


class Withholding(UNIXAuthorizedKeysFiles):
    """
    A database that withholds some keys of a file.
    """

    withheld: tuple[Any, ...] = ()

    def getAuthorizedKeys(self, username: bytes) -> Any:
        """
        Return the others.
        """
        keys = super().getAuthorizedKeys(username)
        return [key for key in keys if key not in self.withheld]


class DatabaseTests(StepTestCase):
    """
    Tests for databases whose C{getAuthorizedKeys} is a program's.
    """

    def test_withheld(self) -> None:
        """
        A key that the program withholds lets nobody in, and isn't said to do so when it
        is offered.
        """
        self.authorize()
        keys = Withholding(self.userdb)
        checker = SSHPublicKeyChecker(keys)
        self.assertEqual(self.login(checker), b"alice")
        keys.withheld = (self.key.public(),)
        self.assertRefused(checker)
        self.assertRefused(checker, isSigned=False)

    def test_added(self) -> None:
        """
        A key that only the program knows lets its user in.
        """
        keys = self.files()
        keys.getAuthorizedKeys = lambda name: [self.key.public()]  # type: ignore[method-assign]
        self.assertEqual(self.login(SSHPublicKeyChecker(keys)), b"alice")

    def test_waits(self) -> None:
        """
        The program may answer later.
        """
        waiting: Deferred[Any] = Deferred()
        keys = self.files()
        keys.getAuthorizedKeys = lambda name: waiting  # type: ignore[method-assign]
        login = SSHPublicKeyChecker(keys).requestAvatarId(self.present())
        self.assertNoResult(login)
        waiting.callback([self.key.public()])
        self.assertEqual(self.successResultOf(login), b"alice")

    def test_borrowed(self) -> None:
        """
        A method of another database in the object's place is the one that is asked.
        """
        self.authorize()
        keys: Any = self.files()
        keys.getAuthorizedKeys = InMemorySSHKeyDB({}).getAuthorizedKeys
        self.assertRefused(SSHPublicKeyChecker(keys))
        other: Any = self.files()
        keys.getAuthorizedKeys = other.getAuthorizedKeys
        self.assertEqual(self.login(SSHPublicKeyChecker(keys)), b"alice")

    def test_around(self) -> None:
        """
        So is that of an object that hands all else on to a database of ours.
        """
        self.authorize()
        inner, withheld = self.files(), [self.key.public()]

        class Around:
            """
            A proxy.
            """

            def __getattr__(self, name: str) -> Any:
                return getattr(inner, name)

            def getAuthorizedKeys(self, name: bytes) -> Any:
                """
                Withhold some.
                """
                return [k for k in inner.getAuthorizedKeys(name) if k not in withheld]

        checker = SSHPublicKeyChecker(Around())
        self.assertRefused(checker)
        del withheld[:]
        self.assertEqual(self.login(checker), b"alice")

    def test_revoked(self) -> None:
        """
        A revoked key that the program knows lets nobody in, nor does any key while the
        list can't be read.
        """
        revoked = self.home / "revoked"
        revoked.write_bytes(line(ed25519()))
        keys = Withholding(self.userdb, revoked=str(revoked))
        checker = SSHPublicKeyChecker(keys)
        self.authorize()
        self.assertEqual(self.login(checker), b"alice")
        revoked.write_bytes(line(self.key))
        self.assertRefused(checker)
        self.assertRefused(checker, isSigned=False)
        revoked.unlink()
        self.assertRefused(checker)

    def test_parsed(self) -> None:
        """
        So it is where a program reads lines in a way of its own.
        """
        revoked = self.home / "revoked"
        revoked.write_bytes(line(self.key))
        self.authorize()
        parse = lambda text: Key.fromString(text)  # noqa: E731
        keys = UNIXAuthorizedKeysFiles(self.userdb, parse, revoked=str(revoked))
        self.assertRefused(SSHPublicKeyChecker(keys))
        revoked.write_bytes(b"")
        self.assertEqual(self.login(SSHPublicKeyChecker(keys)), b"alice")

    def test_rules(self) -> None:
        """
        The rules for accounts hold for the keys that a program knows.
        """
        self.authorize()
        rules = AccountRules(minuid=2**31 - 1)
        keys = Withholding(self.userdb, accountRules=rules)
        self.assertRefused(SSHPublicKeyChecker(keys))
        keys = Withholding(self.userdb, accountRules=AccountRules())
        self.assertEqual(self.login(SSHPublicKeyChecker(keys)), b"alice")


class StepTests(StepTestCase):
    """
    Tests for checkers one of whose steps is a program's.
    """

    def test_withheld(self) -> None:
        """
        A step that refuses is the last word, also for a key that is only offered.
        """
        self.authorize()

        class Careful(SSHPublicKeyChecker):
            """
            Refuse everybody.
            """

            def _checkKey(self, pubKey: Any, credentials: Any) -> Any:
                """
                Look at conch's key.
                """
                assert isinstance(pubKey, Key)
                raise UnauthorizedLogin("withheld")

        checker = Careful(self.files())
        self.assertRefused(checker)
        self.assertRefused(checker, isSigned=False)

    def test_offered(self) -> None:
        """
        A key that is only offered would do if the steps say so.
        """
        self.authorize()

        class Asking(SSHPublicKeyChecker):
            """
            Do what is done anyhow.
            """

            def _checkKey(self, pubKey: Any, credentials: Any) -> Any:
                """
                Ask.
                """
                return super()._checkKey(pubKey, credentials)

        checker = Asking(self.files())
        offered = checker.requestAvatarId(self.present(isSigned=False))
        self.failureResultOf(offered, ValidPublicKey)
        self.assertRefused(checker, ed25519(), isSigned=False)
        self.assertEqual(self.login(checker), b"alice")

    def test_ownKeys(self) -> None:
        """
        A step that knows keys by itself may answer with another object of the same key.
        """

        class Knowing(SSHPublicKeyChecker):
            """
            Keys of a program's own.
            """

            def _checkKey(knows, pubKey: Any, credentials: Any) -> Any:
                """
                Find the key.
                """
                for key in [self.key.public()]:
                    if key == pubKey:
                        return key
                raise UnauthorizedLogin("unknown")

        checker = Knowing(InMemorySSHKeyDB({}))
        self.assertEqual(self.login(checker), b"alice")
        self.assertRefused(checker, ed25519())
        self.assertRefused(checker, sigData=b"other data")

    def test_weak(self) -> None:
        """
        A key or a signature that doesn't count anywhere doesn't count for a program's
        own step.
        """
        weak = rsaKey(1024)
        checker: Any = SSHPublicKeyChecker(InMemorySSHKeyDB({}))
        checker._checkKey = lambda pubKey, credentials: pubKey
        self.assertEqual(self.login(checker, ecdsa()), b"alice")
        # By SHA-1.
        self.assertRefused(checker, weak, algName=b"ssh-rsa")

    def test_mapped(self) -> None:
        """
        A step may name another avatar, which is held to what the key's options say.
        """
        self.authorize(b'command="true" ')

        class Naming(SSHPublicKeyChecker):
            """
            Name avatars.
            """

            def _verifyKey(self, pubKey: Any, credentials: Any) -> Any:
                """
                Name one.
                """
                return b"avatar of " + super()._verifyKey(pubKey, credentials)

        checker = Naming(self.files(), honors=["command"])
        avatarId = self.login(checker)
        self.assertEqual(avatarId, b"avatar of alice")
        evidence = keyOf(avatarId)
        assert evidence is not None
        self.assertEqual(evidence.options.command, "true")
        # An option to which this server doesn't see refuses here, too.
        self.assertRefused(Naming(self.files()))

    def test_lost(self) -> None:
        """
        Where the avatar can't say what the key's options say, a key with options refuses,
        and one without lets its user in.
        """

        class Naming(SSHPublicKeyChecker):
            """
            Name avatars by what is no text.
            """

            def _verifyKey(self, pubKey: Any, credentials: Any) -> Any:
                """
                Name one.
                """
                return avatarId

        # Something else may have an attribute by that name.
        for avatarId in (7, SimpleNamespace(key="value")):
            checker = Naming(self.files(), honors=["command"])
            self.authorize(b'command="true" ')
            self.assertRefused(checker)
            self.authorize()
            self.assertIs(self.login(checker), avatarId)

    def test_denied(self) -> None:
        """
        An account that may not be used may not, though a program verifies signatures by
        itself.
        """
        self.authorize()
        keys = self.files(accountRules=AccountRules(minuid=2**31 - 1))
        checker: Any = SSHPublicKeyChecker(keys)
        checker._verifyKey = lambda pubKey, credentials: credentials.username
        self.assertRefused(checker)
        self.assertRefused(checker, isSigned=False)

    def test_forgotten(self) -> None:
        """
        Nothing is remembered of a login that is over.
        """
        self.authorize()
        checker: Any = SSHPublicKeyChecker(self.files())
        checker._verifyKey = lambda pubKey, credentials: credentials.username
        for key in (self.key, ed25519()):
            checker.requestAvatarId(self.present(key)).addErrback(lambda _: None)
        self.assertEqual(checker._found, {})
