"""
The checkers whose refusals are compared, each with names that it knows and names that
it doesn't.
"""

from __future__ import annotations

import os
import pwd
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twisted.conch.ssh.keys import Key
from twisted.python.fakepwd import UserDatabase

from mycred._hashes import MAKERS, _libcrypt
from mycred.checkers import (
    FilePasswordDB,
    HtdigestChecker,
    HtpasswdChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    PasswdChecker,
    UNIXChecker,
)
from mycred.checkers.ldap import LDAPChecker, ldapSettings
from mycred.checkers.sql import SQLChecker, sqlSettings
from mycred.checkers.sshkeys import (
    KeysCommand,
    SSHPublicKeyChecker,
    UNIXAuthorizedKeysFiles,
)
from mycred.credentials import (
    CramMD5Credentials,
    DigestedCredentials,
    SSHPrivateKey,
    UsernamePassword,
)
from mycred.workers import Workers
from tests.kit.authpassword import (
    authPassword,
    keysOf,
    personWithKeys,
    settingsWithKeys,
)
from tests.kit.slapd import KEYS_FOR_SERVICE, PEOPLE, SUFFIX, Slapd, person

from ._conversations import Conversations
from ._databases import KINDS, QUERY, Make, serving

# How many users a store has, and how many names of either kind are asked for.
USERS, NAMES = 1000, 60

REALM = b"benchmark"

# sesame, salted with saltsalt, and as htpasswd -nbs has it.
SSHA = b"{SSHA}1DPJSjMRGeHpU+xSD8JqxR9UWgtzYWx0c2FsdA=="
SHA = b"{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw="

Present = Callable[[bytes], Any]


class Subject(NamedTuple):
    """
    What is measured.

    @ivar title: what to call it.
    @ivar present: make the credentials with which a name is presented.
    @ivar known: names, each with a checker that knows it.
    @ivar unknown: names, each with a checker that doesn't.
    @ivar clients: how many log in at a time.
    @ivar accepted: make credentials with which the known names get in before, one after
        another, where it matters how long that takes.
    """

    title: str
    present: Present
    known: Sequence[tuple[Any, bytes]]
    unknown: Sequence[tuple[Any, bytes]]
    clients: int = 1
    accepted: Present | None = None


class Place(NamedTuple):
    """
    Where something is measured.

    @ivar directory: for files.
    @ivar workers: the threads; if their reactor doesn't run there are none.
    @ivar cleanUp: what ends with it.
    """

    directory: Path
    workers: Workers
    cleanUp: ExitStack


def typed(name: bytes, password: bytes = b"not the password") -> Any:
    """
    Type a password.
    """
    return UsernamePassword(name, password)


def answered(name: bytes) -> Any:
    """
    Answer a challenge of CRAM-MD5 with a wrong password.
    """
    credentials = CramMD5Credentials()
    credentials.getChallenge()
    credentials.setResponse(name + b" " + b"0" * 32)
    return credentials


def digested(name: bytes) -> Any:
    """
    Answer a challenge of HTTP Digest with a wrong password.
    """
    fields = {
        "username": name,
        "nonce": b"1" * 32,
        "uri": b"/",
        "response": b"0" * 32,
        "nc": b"00000001",
        "cnonce": b"2" * 16,
        "qop": b"auth",
        "algorithm": b"md5",
    }
    return DigestedCredentials(name, b"GET", REALM, fields)


#: The ways to prove a password that is stored in plain text.
PROOFS: dict[str, Present] = {"typed": typed, "CRAM-MD5": answered, "Digest": digested}


def names() -> list[bytes]:
    """
    Make names of several lengths, in no order: twice as many as there are users.
    """
    made = [b"user%0*d" % (4 + number % 13, number) for number in range(2 * USERS)]
    random.Random(1).shuffle(made)
    return made


def spread(users: Sequence[bytes]) -> list[bytes]:
    """
    Choose users from everywhere in a file, the first and the last among them.
    """
    most = NAMES // 2 - 1
    return [users[count * (len(users) - 1) // most] for count in range(most + 1)]


def crossed(
    title: str,
    make: Callable[[Sequence[bytes]], Any],
    present: Present,
    isMeant: Callable[[bytes], bool] = lambda name: True,
) -> Subject:
    """
    Have two checkers each know half of the names: each name is then known to the one and
    unknown to the other, so that it doesn't matter what it is like.

    @param make: make a checker that knows these names.
    @param isMeant: whether a name is one to present.
    """
    users = names()
    halves = users[:USERS], users[USERS:]
    checkers = [make(half) for half in halves]
    known, unknown = [], []
    for own, other, half in zip(checkers, reversed(checkers), halves):
        for name in spread([*filter(isMeant, half)]):
            known.append((own, name))
            unknown.append((other, name))
    return Subject(title, present, known, unknown)


def isUnusable(name: bytes) -> bool:
    """
    Return the users whose lines match nothing, where there are such lines.
    """
    return int(name[4:]) % 7 == 0


def both(
    place: Place, title: str, make: Callable[[Sequence[bytes]], Any], present: Present
) -> list[Subject]:
    """
    Have those who have a password, and those whose line can match nothing, beside names
    that aren't there.  The latter differ by microseconds, and are measured with all that
    stands around a checker.
    """
    subjects = [crossed(title, make, present, lambda name: not isUnusable(name))]
    if place.workers.isRunning:
        subjects.append(crossed(f"{title}, unusable", make, present, isUnusable))
    return subjects


def write(directory: Path, line: Callable[[bytes], bytes], users: Sequence[bytes]) -> str:
    """
    Write a file with a line for each user.
    """
    handle, path = tempfile.mkstemp(dir=directory)
    with open(handle, "wb") as file:
        file.write(b"".join(line(name) + b"\n" for name in users))
    return path


def memory(place: Place) -> list[Subject]:
    """
    Measure plain text in memory.
    """

    def make(users: Sequence[bytes]) -> Any:
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.users = {name: b"sesame of " + name for name in users}
        return checker

    return [crossed(f"memory, {how}", make, present) for how, present in PROOFS.items()]


def file(place: Place) -> list[Subject]:
    """
    Measure plain text in a file.
    """

    def line(name: bytes) -> bytes:
        return name + b":" + (b"!" if isUnusable(name) else b"sesame of " + name)

    def make(cache: bool, users: Sequence[bytes]) -> Any:
        path = write(place.directory, line, users)
        return FilePasswordDB(path, cache=cache, workers=place.workers)

    subjects = []
    for what, cache in (("yes", True), ("no", False)):
        for how, present in PROOFS.items():
            title = f"file, cache={what}, {how}"
            subjects += both(place, title, partial(make, cache), present)
    return subjects


def htpasswd(place: Place) -> list[Subject]:
    """
    Measure hashes in a file: all of a kind, and of several.
    """
    slow = MAKERS["bcrypt"].make(b"sesame", 5)

    def make(hashes: dict[int, bytes], users: Sequence[bytes]) -> Any:
        def line(name: bytes) -> bytes:
            return name + b":" + hashes.get(int(name[4:]) % 7, slow)

        path = write(place.directory, line, users)
        return HtpasswdChecker(path, workers=place.workers)

    fast = dict.fromkeys(range(7), SHA)
    mixed = partial(make, {0: b"!", 1: SHA})
    return [
        crossed("htpasswd, SHA-1", partial(make, fast), typed),
        crossed("htpasswd, bcrypt", partial(make, {}), typed),
        crossed("htpasswd, mixed", mixed, typed, lambda name: int(name[4:]) % 7 > 1),
        crossed("htpasswd, mixed, unusable", mixed, typed, isUnusable),
    ]


def scram(place: Place) -> list[Subject]:
    """
    Measure conversations of SCRAM: with stored keys, of one checker and of the second of
    three, and with plain text.
    """
    keys = MAKERS["scram-sha-256"].make(b"sesame", 4096)

    def stored(users: Sequence[bytes]) -> Any:
        path = write(place.directory, lambda name: name + b":" + keys, users)
        return HtpasswdChecker(path, workers=place.workers)

    def plain(users: Sequence[bytes]) -> Any:
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.users = dict.fromkeys(users, b"sesame")
        checker.workers = place.workers
        return checker

    def one(users: Sequence[bytes]) -> list[Any]:
        return [stored(users)]

    def three(users: Sequence[bytes]) -> list[Any]:
        return [stored([b"first"]), stored(users), stored([b"last"])]

    def inPlain(users: Sequence[bytes]) -> list[Any]:
        return [plain(users)]

    stores = {"keys": one, "keys, second of three": three, "plain text": inPlain}
    return [
        crossed(
            f"SCRAM, {what}, {until}",
            lambda users, make=make, isWhole=isWhole: Conversations(
                *make(users), isWhole=isWhole
            ),
            lambda name: name,
        )
        for what, make in stores.items()
        for until, isWhole in (("until asked", False), ("whole", True))
    ]


def htdigest(place: Place) -> list[Subject]:
    """
    Measure the hashes that serve HTTP Digest.
    """

    def line(name: bytes) -> bytes:
        digest = md5(b":".join([name, REALM, b"sesame"])).hexdigest().encode("ascii")
        return b":".join([name, REALM, digest[: -1 if isUnusable(name) else None]])

    def make(users: Sequence[bytes]) -> Any:
        path = write(place.directory, line, users)
        return HtdigestChecker(path, REALM, workers=place.workers)

    return both(place, "htdigest", make, digested)


def crypted() -> dict[str, bytes]:
    """
    Hash a password as crypt(3) does, so that it takes a millisecond or a tenth of it.
    """
    settings = {"SHA-512-crypt": b"$6$saltsaltsalt$", "MD5-crypt": b"$1$saltsalt$"}
    return {
        what: _libcrypt.crypt(b"sesame", setting) or b""
        for what, setting in settings.items()
    }


def shadowLine(hashed: bytes, name: bytes) -> bytes:
    """
    Write a line of shadow(5).
    """
    return b"%s:%s:19000:0:99999:7:::" % (name, hashed)


def passwd(place: Place) -> list[Subject]:
    """
    Measure accounts in files.
    """

    def make(hashed: bytes, users: Sequence[bytes]) -> Any:
        path = write(place.directory, lambda name: name + b":x:1000:1:::/bin/sh", users)
        shadow = write(place.directory, partial(shadowLine, hashed), users)
        return PasswdChecker(path, shadow, workers=place.workers)

    return [
        crossed(f"passwd, {what}", partial(make, hashed), typed)
        for what, hashed in crypted().items()
    ]


def unix(place: Place) -> list[Subject]:
    """
    Measure the accounts of this system, as if they had passwords.  The name service has
    its own times for names that it knows and for others.
    """
    users = [record.pw_name.encode() for record in pwd.getpwall()]
    hashed = crypted()["SHA-512-crypt"]
    shadow = write(place.directory, partial(shadowLine, hashed), users)
    checker = UNIXChecker(shadow=shadow, workers=place.workers)
    known = [(checker, name) for name in users]
    unknown = [(checker, name[:-1] + b"~") for name in users]
    return [Subject("unix, SHA-512-crypt", typed, known, unknown)]


def ldap(place: Place) -> list[Subject]:
    """
    Measure a directory, with hashes that take next to nothing and some milliseconds.
    """
    if not place.workers.isRunning:
        # What waits takes a reactor.
        return []
    slow = _libcrypt.crypt(b"sesame", b"$6$rounds=60000$saltsaltsalt$") or b""
    some = names()
    subjects = []
    for what, hashed in (("SSHA", SSHA), ("SHA-512-crypt", b"{CRYPT}" + slow)):
        entries = [person(n.decode(), hashed.decode()) for n in some[:NAMES]]
        server = Slapd(*entries)
        place.cleanUp.callback(server.stop)
        # Each failure is recorded, and no account is locked.
        policy = f"dn: cn=policy,{SUFFIX}\nchangetype: modify\nreplace: pwdMaxFailure"
        server.modify(f"{policy}\npwdMaxFailure: 1000000\n")
        for clients in (1, 6, 12):
            where = f"127.0.0.1:{server.port}"
            checker = LDAPChecker(ldapSettings(host=where, base=PEOPLE, tls="none"))
            place.cleanUp.callback(checker.close)
            subjects.append(
                Subject(
                    f"ldap, {what}, {clients} at a time",
                    typed,
                    [(checker, name) for name in some[:NAMES]],
                    [(checker, name) for name in some[NAMES : 2 * NAMES]],
                    clients,
                    partial(typed, password=b"sesame"),
                )
            )
    return subjects


def ldapscram(place: Place) -> list[Subject]:
    """
    Measure conversations of SCRAM with keys that are in a directory.
    """
    if not place.workers.isRunning:
        return []
    some, value = names(), authPassword(keysOf())
    entries = [personWithKeys(name.decode(), value) for name in some[:NAMES]]
    server = Slapd(*entries, access=KEYS_FOR_SERVICE)
    place.cleanUp.callback(server.stop)
    checker = LDAPChecker(settingsWithKeys(server, place.directory))
    place.cleanUp.callback(checker.close)
    return [
        Subject(
            f"SCRAM, ldap, {until} ({clients})",
            lambda name: name,
            [(conversations, name) for name in some[:NAMES]],
            [(conversations, name) for name in some[NAMES : 2 * NAMES]],
            clients,
        )
        for clients in (1, 4)
        for until, isWhole in (("until asked", False), ("whole", True))
        for conversations in [Conversations(checker, isWhole=isWhole)]
    ]


def sql(place: Place) -> list[Subject]:
    """
    Measure databases, with hashes that take next to nothing and some milliseconds, of
    several users at a time.
    """
    if not place.workers.isRunning:
        # What waits takes a reactor.
        return []
    hashes = {"SSHA": SSHA, "bcrypt": MAKERS["bcrypt"].make(b"sesame", 5)}

    def make(making: Make, stored: bytes, users: Sequence[bytes]) -> Any:
        url = making(stored, map(bytes.decode, users)).url
        checker = SQLChecker(sqlSettings(url=url, query=QUERY))
        place.cleanUp.callback(checker.close)
        return checker

    subjects = []
    for kind in KINDS:
        making = place.cleanUp.enter_context(serving(kind))
        for what, stored in hashes.items():
            title = f"sql, {kind}, {what}"
            one = crossed(f"{title}, 1", partial(make, making, stored), typed)
            subjects += [one, one._replace(title=f"{title}, 6", clients=6)]
    return subjects


def offered(name: bytes) -> Any:
    """
    Offer a key that isn't authorized.
    """
    blob = Key(Ed25519PrivateKey.from_private_bytes(b"2" * 32)).public().blob()
    return SSHPrivateKey(name, b"ssh-ed25519", blob, None, None)


def sshkey(place: Place) -> list[Subject]:
    """
    Measure keys in files, and those that a program is asked for.
    """
    if not place.workers.isRunning:
        # What waits takes a reactor.
        return []
    own = Key(Ed25519PrivateKey.from_private_bytes(b"1" * 32)).public()
    some, users = names(), UserDatabase()
    for number, name in enumerate(some[:NAMES], 1000):
        home = place.directory / name.decode()
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "authorized_keys").write_bytes(own.toString("openssh") * 3)
        users.addUser(name.decode(), "x", number, number, "", str(home), "/bin/sh")
    runner = None if os.geteuid() else "nobody"
    commands = {"": None, ", command=": KeysCommand("/bin/true", runner)}
    return [
        Subject(
            f"sshkey{what}, {clients} at a time",
            offered,
            [(checker, name) for name in some[:NAMES]],
            [(checker, name) for name in some[NAMES : 2 * NAMES]],
            clients,
        )
        for what, command in commands.items()
        for clients in (1, 6)
        for checker in [
            SSHPublicKeyChecker(
                UNIXAuthorizedKeysFiles(
                    users, strict=False, command=command, workers=place.workers
                ),
                workers=place.workers,
            )
        ]
    ]


#: By the name of the auth type.
SUBJECTS: dict[str, Callable[[Place], list[Subject]]] = {
    "memory": memory,
    "file": file,
    "htpasswd": htpasswd,
    "scram": scram,
    "htdigest": htdigest,
    "passwd": passwd,
    "unix": unix,
    "ldap": ldap,
    "ldapscram": ldapscram,
    "sql": sql,
    "sshkey": sshkey,
}
