"""
Logins of all kinds, with Twisted's classes or with mycred's: for tests that hold what
happens in the one against what happens in the other.
"""

from __future__ import annotations

import hmac
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from twisted.conch import checkers as twistedKeys
from twisted.conch.ssh.keys import Key
from twisted.conch.test.keydata import privateEd25519_openssh_new
from twisted.cred import (
    checkers as twistedCheckers,
    credentials as twistedCredentials,
    portal as twistedPortal,
)
from twisted.cred._digest import calcHA1, calcHA2, calcResponse
from twisted.internet.defer import maybeDeferred
from twisted.python import usage
from twisted.python.fakepwd import UserDatabase

from mycred import checkers, credentials, portal
from mycred.checkers import sshkeys
from mycred.portal import IRealm

#: openssl passwd -6 -salt saltsalt sesame
HASH = (
    "$6$saltsalt$g3uPFdehVnKoLXdidvSAg1zlVgYomPr0X/xgdXSBn2LuxZUOGgYW4IULZkguZ77fzYte"
    "Iur49AGHmF9iek6Sf1"
)

KEY = Key.fromString(privateEd25519_openssh_new)

_DATA = b"data that is signed"

_MEMORY = "InMemoryUsernamePasswordDatabaseDontUse"


class Kit(NamedTuple):
    """
    A class under test, and what stands around it: all of Twisted's, or all of mycred's.

    @ivar cls: the class, or a subclass.
    @ivar isOurs: whether it is mycred's.
    @ivar folder: a folder of the login's own.
    """

    cls: Any
    isOurs: bool
    folder: Path

    def of(self, name: str) -> Any:
        """
        Return another class of the same side.
        """
        places = (twistedCheckers, twistedCredentials, twistedKeys, twistedPortal)
        if self.isOurs:
            places = (checkers, credentials, sshkeys, portal)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return next(getattr(one, name) for one in places if hasattr(one, name))

    def file(self, name: str, content: bytes) -> str:
        """
        Write a file.
        """
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def userdb(self, secret: str = HASH) -> UserDatabase:
        """
        Make a database of one user, whose home is here.
        """
        users, home = UserDatabase(), str(self.folder)
        users.addUser("alice", secret, os.geteuid(), os.getegid(), "", home, "/bin/sh")
        return users

    def authorized(self) -> UserDatabase:
        """
        Write a user's authorized_keys, and make a database that knows the user.
        """
        self.file(".ssh/authorized_keys", KEY.public().toString("openssh") + b" me\n")
        return self.userdb()

    def signed(self, data: bytes = _DATA) -> Any:
        """
        Make the credentials of somebody who has a key.
        """
        signature, blob = KEY.sign(_DATA), KEY.public().blob()
        make = self.of("SSHPrivateKey")
        return make(b"alice", b"ssh-ed25519", blob, data, signature)

    def memory(self, password: bytes = b"sesame") -> Any:
        """
        Make a checker.
        """
        return self.of(_MEMORY)(alice=password)

    def login(self, checker: Any, presented: Any) -> Any:
        """
        Log in through a portal.

        @return: a L{Deferred} that fires with the avatar ID.
        """
        login = self.of("Portal")(Realm(), [checker]).login(presented, None, IRealm)
        return login.addCallback(lambda answer: answer[1])


class Realm:
    """
    A realm whose avatars are the avatar IDs.
    """

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        """
        Return it.
        """
        return interfaces[0], avatarId, lambda: None


class Login(NamedTuple):
    """
    A login.

    @ivar make: makes an object of the class.
    @ivar run: logs in, with the object in its place, and returns the avatar ID or a
        L{Deferred}, or raises.
    @ivar needsCrypt: whether Twisted lets in nobody where Python has no C{crypt}.
    """

    make: Callable[[Kit], Any]
    run: Callable[[Kit, Any], Any]
    needsCrypt: bool = False


def typed(make: Callable[[Kit], Any], needsCrypt: bool = False) -> list[Login]:
    """
    Type a password that is right, one that is wrong, and a name that nobody has; through
    a portal and without one.
    """

    def logins(name: bytes, password: bytes) -> Iterable[Login]:
        def present(kit: Kit) -> Any:
            return kit.of("UsernamePassword")(name, password)

        def direct(kit: Kit, it: Any) -> Any:
            return maybeDeferred(it.requestAvatarId, present(kit))

        def through(kit: Kit, it: Any) -> Any:
            return kit.login(it, present(kit))

        return [Login(make, run, needsCrypt) for run in (direct, through)]

    people = ((b"alice", b"sesame"), (b"alice", b"wrong"), (b"eve", b"sesame"))
    return [login for one in people for login in logins(*one)]


def keyed(
    make: Callable[[Kit], Any], around: Callable[[Kit, Any], Any] = lambda kit, it: it
) -> list[Login]:
    """
    Present a key with a signature that is right, and with one that isn't.

    @param around: makes the checker of what is under test.
    """
    return [
        Login(make, lambda kit, it: kit.login(around(kit, it), kit.signed())),
        Login(make, lambda kit, it: kit.login(around(kit, it), kit.signed(b"other"))),
    ]


def presented(*makes: Callable[[Kit], Any]) -> list[Login]:
    """
    Present credentials to passwords in memory and in a file.
    """

    def inMemory(kit: Kit, it: Any) -> Any:
        return kit.login(kit.memory(), answered(it))

    def inFile(kit: Kit, it: Any) -> Any:
        path = kit.file("users", b"alice:sesame\n")
        return kit.login(kit.of("FilePasswordDB")(path), answered(it))

    return [Login(make, run) for make in makes for run in (inMemory, inFile)]


def answered(it: Any) -> Any:
    """
    Answer a challenge, if credentials have one.
    """
    if hasattr(it, "getChallenge"):
        digest = hmac.new(b"sesame", it.getChallenge(), "md5").hexdigest()
        it.setResponse(b"alice " + digest.encode("ascii"))
    return it


def inHashedFile(kit: Kit, it: Any) -> Any:
    """
    Present a password to a file with its hash.
    """
    path = kit.file("users", b"alice:%s\n" % HASH.encode("ascii"))
    return kit.login(kit.of("FilePasswordDB")(path), it)


def response(nonce: bytes) -> bytes:
    """
    Compute the answer to a challenge of HTTP Digest.
    """
    ha1 = calcHA1(b"md5", b"alice", b"r", b"sesame", nonce, b"c")
    ha2 = calcHA2(b"md5", b"GET", b"/", b"auth", None)
    answer: bytes = calcResponse(ha1, ha2, b"md5", nonce, b"00000001", b"c", b"auth")
    return answer


def digested(kit: Kit, it: Any) -> Any:
    """
    Answer a challenge of HTTP Digest.
    """
    challenge = it.getChallenge(b"192.0.2.1")
    nonce, opaque = challenge["nonce"], challenge["opaque"]
    answer = (
        b'username="alice", realm="r", nonce="%s", uri="/", response="%s", opaque="%s", '
        b'qop=auth, nc=00000001, cnonce="c", algorithm="md5"'
    ) % (nonce, response(nonce), opaque)
    return kit.login(kit.memory(), it.decode(answer, b"GET", b"192.0.2.1"))


def digestedCredentials(kit: Kit) -> Any:
    """
    Make credentials as HTTP Digest has them.
    """
    fields = {"uri": b"/", "nonce": b"n", "cnonce": b"c", "nc": b"00000001"}
    fields.update(qop=b"auth", algorithm=b"md5", response=response(b"n"))
    return kit.cls(b"alice", b"GET", b"r", fields)


def atPortal(kit: Kit, it: Any) -> Any:
    """
    Log in at a portal that is under test, as a protocol does.
    """
    presented = kit.of("UsernamePassword")(b"alice", b"sesame")
    if not it.listCredentialsInterfaces():
        return None
    login = it.login(presented, None, IRealm)
    return login.addCallback(lambda answer: answer[1])


def onCommandLine(kit: Kit, it: Any) -> Any:
    """
    Log in at what a deployer has chosen.
    """
    it.parseOptions(["--auth", "memory:alice:sesame"])
    presented = kit.of("UsernamePassword")("alice", "sesame")
    return kit.login(it["credCheckers"][0], presented)


def options(kit: Kit) -> Any:
    """
    Make the options of a program.
    """
    made: Any = type("Options", (usage.Options, kit.cls), {})
    made.supportedInterfaces = (credentials.IUsernamePassword,)
    return made()


def keyDatabase(kit: Kit) -> Any:
    """
    Make a database of keys.
    """
    it = kit.cls()
    it._userdb = kit.authorized()
    return it


def twoKinds(kit: Kit) -> Any:
    """
    Make a checker that asks another.
    """
    it = kit.cls()
    it.registerChecker(kit.memory())
    return it


def overKeys(kit: Kit, db: Any) -> Any:
    """
    Make a checker of the keys in a database.
    """
    return kit.of("SSHPublicKeyChecker")(db)


#: The logins in which each class has a part.
LOGINS: dict[str, list[Login]] = {
    "AllowAnonymousAccess": [
        Login(lambda kit: kit.cls(), lambda kit, it: kit.login(it, kit.of("Anonymous")()))
    ],
    "Anonymous": [
        Login(
            lambda kit: kit.cls(),
            lambda kit, it: kit.login(kit.of("AllowAnonymousAccess")(), it),
        )
    ],
    "CramMD5Credentials": presented(lambda kit: kit.cls(b"host")),
    "DigestCredentialFactory": [Login(lambda kit: kit.cls(b"md5", b"r"), digested)],
    "DigestedCredentials": presented(digestedCredentials),
    "FilePasswordDB": [
        *typed(lambda kit: kit.cls(kit.file("users", b"alice:sesame\n"))),
        *typed(lambda kit: kit.cls(kit.file("users", b"alice:sesame\n"), cache=True)),
        *typed(
            lambda kit: kit.cls(
                kit.file("users", b"alice:emases\n"),
                hash=lambda user, sent, stored: sent[::-1],
            )
        ),
    ],
    "InMemorySSHKeyDB": keyed(lambda kit: kit.cls({b"alice": [KEY.public()]}), overKeys),
    _MEMORY: typed(lambda kit: kit.cls(alice=b"sesame")),
    "Portal": [
        Login(lambda kit: kit.cls(Realm(), [kit.memory()]), atPortal),
        Login(lambda kit: kit.cls(Realm(), [kit.memory(b"other")]), atPortal),
    ],
    "SSHPrivateKey": [
        Login(
            lambda kit: kit.signed(),
            lambda kit, it: kit.login(
                overKeys(kit, kit.of("InMemorySSHKeyDB")({b"alice": [KEY.public()]})), it
            ),
        )
    ],
    "SSHProtocolChecker": typed(twoKinds),
    "SSHPublicKeyChecker": [
        *keyed(lambda kit: kit.cls(kit.of("UNIXAuthorizedKeysFiles")(kit.authorized()))),
        *keyed(
            lambda kit: kit.cls(kit.of("InMemorySSHKeyDB")({b"alice": [KEY.public()]}))
        ),
        *keyed(lambda kit: kit.cls(kit.of("InMemorySSHKeyDB")({}))),
    ],
    "SSHPublicKeyDatabase": keyed(keyDatabase),
    "UNIXAuthorizedKeysFiles": keyed(lambda kit: kit.cls(kit.authorized()), overKeys),
    "UNIXChecker": typed(lambda kit: kit.cls(), needsCrypt=True),
    "UNIXPasswordDatabase": typed(lambda kit: kit.cls([kit.userdb().getpwnam]), True),
    "UsernameHashedPassword": presented(
        lambda kit: kit.cls(b"alice", b"sesame"), lambda kit: kit.cls(b"alice", b"wrong")
    ),
    "UsernamePassword": [
        *presented(
            lambda kit: kit.cls(b"alice", b"sesame"),
            lambda kit: kit.cls(b"alice", b"wrong"),
        ),
        Login(lambda kit: kit.cls(b"alice", b"wrong"), inHashedFile),
    ],
    "AuthOptionMixin": [Login(options, onCommandLine)],
}


__all__ = ["HASH", "KEY", "LOGINS", "Kit", "Login", "Realm"]
