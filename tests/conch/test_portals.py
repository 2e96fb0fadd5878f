"""
Tests for what a key permits, where a program has a portal, a checker or a realm of its
own: L{mycred.conch._connectionportal}.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import copy
from typing import Any

from zope.interface import implementer

import twisted.cred.portal
from twisted.conch import checkers as conch
from twisted.conch.ssh.common import NS

from mycred._contracts import ICredentialsChecker, ISSHPrivateKey
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.checkers.sshkeys import SSHProtocolChecker, SSHPublicKeyChecker
from mycred.conch import SERVER_OPTIONS, RestrictedUser
from mycred.credentials import SSHPrivateKey
from mycred.error import UnauthorizedLogin
from mycred.portal import Portal

from ..kit.keycheckers import Files, accepted
from ..kit.sshclient import FAILURE
from ..kit.sshpair import ALICE, AvatarRealm, HostileTestCase, Pair

#: What the key is held to.
COMMAND = 'command="true",restrict'


def checkerOf(kind: type[SSHPublicKeyChecker] = SSHPublicKeyChecker) -> Any:
    """
    Make a checker of a key with options.
    """
    return kind(Files(accepted(COMMAND)))


@implementer(ICredentialsChecker)
class Mapping:
    """
    A checker that gives the avatar another name.
    """

    credentialInterfaces = (ISSHPrivateKey,)

    def __init__(self, checker: Any, rename: Callable[[Any], Any]) -> None:
        self._checker = checker
        self._rename = rename

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Ask the other one.
        """
        return self._checker.requestAvatarId(credentials).addCallback(self._rename)


class Decoding(SSHPublicKeyChecker):
    """
    The same, by a subclass.
    """

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Name the avatar by text.
        """
        return super().requestAvatarId(credentials).addCallback(bytes.decode)


class Copying(SSHPublicKeyChecker):
    """
    A checker that keeps what is presented as it was.
    """

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Check a copy.
        """
        return super().requestAvatarId(copy(credentials)).addCallback(bytes)


class OwnLogin(Portal):
    """
    A portal that counts logins.
    """

    logins = 0

    def login(self, *args: Any) -> Any:
        """
        Count one.
        """
        self.logins += 1
        return super().login(*args)


class OwnRealm(Portal):
    """
    A portal that makes its realm for each login.
    """

    @property
    def realm(self) -> Any:  # type: ignore[override]
        """
        Make it.
        """
        return AvatarRealm()

    @realm.setter
    def realm(self, realm: Any) -> None:
        pass


class Delegating:
    """
    What is no portal, but has one.
    """

    def __init__(self, portal: Any) -> None:
        self._its = portal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._its, name)


def patched(portal: Any) -> Any:
    """
    Put something in the place of a portal's own method.
    """
    login = portal.login
    portal.login = lambda *args: login(*args)
    return portal


class PortalTests(HostileTestCase):
    """
    Tests for such programs.
    """

    def login(self, *checkers: Any, portal: Any = None, password: bytes = b"") -> Any:
        """
        Log Alice in by her key, and then by her password if there is one.

        @return: her avatar; L{None} if she doesn't get in.
        """
        pair = Pair(*checkers or (checkerOf(),))
        if portal is not None:
            pair.factory.portal = portal
        client = pair.connect()
        answer = client.prove(ALICE)
        pair.pump.flush()
        if password:
            self.assertEqual(self.successResultOf(answer)[0], FAILURE)
            client.ask(b"password", b"\0" + NS(password))
            pair.pump.flush()
        return getattr(pair.server, "avatar", None)

    def assertHeld(self, avatar: Any) -> None:
        """
        Insist that she can do what her key permits, and nothing else.
        """
        self.assertIsInstance(avatar, RestrictedUser)
        self.assertEqual(avatar.options.command, "true")
        self.assertTrue(avatar.options.isRestricted)

    def test_portals(self) -> None:
        """
        Options count whatever a program has put in the place of its portal or of the
        portal's methods.
        """
        for portal in (
            patched(Portal(AvatarRealm(), [checkerOf()])),
            patched(OwnLogin(AvatarRealm(), [checkerOf()])),
            OwnLogin(AvatarRealm(), [checkerOf()]),
            OwnRealm(AvatarRealm(), [checkerOf()]),
            Delegating(Portal(AvatarRealm(), [checkerOf()])),
            twisted.cred.portal.Portal(AvatarRealm(), [checkerOf()]),
            patched(twisted.cred.portal.Portal(AvatarRealm(), [checkerOf()])),
        ):
            self.assertHeld(self.login(portal=portal))

    def test_ownState(self) -> None:
        """
        What a portal counts is counted in itself, and not in a copy.
        """
        portal = OwnLogin(AvatarRealm(), [checkerOf()])
        self.login(portal=portal)
        self.login(portal=portal)
        self.assertEqual(portal.logins, 2)

    def test_realmLater(self) -> None:
        """
        A realm that takes the place of another one while a connection is open makes the
        avatar, which is held to the options.
        """
        pair = Pair(checkerOf(), realm=object())
        client = pair.connect()
        pair.factory.portal.realm = AvatarRealm()
        client.prove(ALICE)
        pair.pump.flush()
        self.assertHeld(pair.server.avatar)

    def test_renamed(self) -> None:
        """
        Options count where a checker of a program's own names the avatar otherwise.
        """
        for rename in (bytes.upper, bytes.decode, bytes, lambda _: 1000, lambda _: None):
            self.assertHeld(self.login(Mapping(checkerOf(), rename)))
        for kind in (Decoding, Copying):
            self.assertHeld(self.login(checkerOf(kind)))

    def test_ownCredentials(self) -> None:
        """
        Where a portal presents credentials of its own, which don't say that the server
        sees to options, a key that has some lets nobody in.
        """

        class Own(Portal):
            def login(self, credentials: Any, *args: Any) -> Any:
                names = ("username", "algName", "blob", "sigData", "signature")
                fields = [getattr(credentials, name) for name in names]
                return super().login(SSHPrivateKey(*fields), *args)

        portal = Own(AvatarRealm(), [checkerOf()])
        self.assertIsNone(self.login(portal=portal))

    def test_otherProcess(self) -> None:
        """
        Credentials that go to another process don't say there that the server sees to
        anything: no note of the key would come back.
        """
        seen: list[Any] = []

        class Seeing(SSHPublicKeyChecker):
            def requestAvatarId(self, credentials: Any) -> Any:
                seen.append(pickle.loads(pickle.dumps(credentials.honors)))
                self.asked = credentials.honors
                return super().requestAvatarId(credentials)

        checker = checkerOf(Seeing)
        self.assertHeld(self.login(checker))
        self.assertEqual(checker.asked, SERVER_OPTIONS)
        self.assertEqual(seen, [frozenset()])

    def test_factors(self) -> None:
        """
        Of two factors, the key's options count though the password came last, though
        the avatar is named otherwise, and though Twisted's own checker asks for them.
        """

        class Both(SSHProtocolChecker):
            def areDone(self, avatarId: Any) -> bool:
                return len(self.successfulCredentials[avatarId]) > 1

        class Theirs(conch.SSHProtocolChecker):
            areDone = Both.areDone

        passwords = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
        theirs = Theirs()
        theirs.registerChecker(checkerOf())
        theirs.registerChecker(passwords)
        self.assertHeld(self.login(theirs, password=b"secret"))
        for rename in (bytes, lambda name: name):
            both = Both()
            both.registerChecker(Mapping(checkerOf(), rename))
            both.registerChecker(passwords)
            self.assertHeld(self.login(both, password=b"secret"))
            self.assertIsNone(self.login(both, password=b"wrong"))
            renaming = Mapping(both, rename)
            renaming.credentialInterfaces = tuple(both.credentialInterfaces)
            self.assertHeld(self.login(renaming, password=b"secret"))

    def test_contradiction(self) -> None:
        """
        Two keys with different commands let nobody in, and the avatar is logged out.  The
        log says how it has ended.
        """

        class Theirs(conch.SSHProtocolChecker):
            def areDone(self, avatarId: Any) -> bool:
                return len(self.successfulCredentials[avatarId]) > 1

        class Realm(AvatarRealm):
            def requestAvatar(self, *args: Any) -> Any:
                interface, avatar, _ = super().requestAvatar(*args)
                return interface, avatar, lambda: left.append(avatar)

        for other, isIn in (("true", True), ("false", False)):
            left: list[Any] = []
            files = Files(accepted(COMMAND))
            theirs = Theirs()
            theirs.registerChecker(SSHPublicKeyChecker(files))
            pair = Pair(theirs, realm=Realm())
            client = pair.connect()
            client.prove(ALICE)
            pair.pump.flush()
            files.verdict = accepted(f'command="{other}"')
            del self.events[:]
            client.prove(ALICE)
            pair.pump.flush()
            self.assertEqual(hasattr(pair.server, "avatar"), isIn)
            [verdict] = [event["verdict"] for event in self.events if "verdict" in event]
            self.assertEqual(verdict, "accepted" if isIn else "refused")
            self.assertEqual(len(left), not isIn)

    def test_withoutKey(self) -> None:
        """
        An avatar that no key has opened is the program's own.
        """

        @implementer(ICredentialsChecker)
        class Own:
            credentialInterfaces = (ISSHPrivateKey,)

            def requestAvatarId(self, credentials: Any) -> Any:
                if credentials.signature is None:
                    raise UnauthorizedLogin
                return b"alice"

        self.assertNotIsInstance(self.login(Own()), RestrictedUser)
