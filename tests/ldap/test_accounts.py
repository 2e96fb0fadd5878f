"""
Tests for L{mycred._ldap} with three directories: OpenLDAP, 389 Directory Server, and
Samba as a domain controller of Active Directory, with the same accounts.
"""

from __future__ import annotations

import subprocess
import sys
import time
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import mycred
from mycred._ldap import Directory, ScramUsers, ldapSettings
from mycred._verdict import Kind, Verdict
from mycred.checkers.ldap import LDAPChecker
from mycred.credentials import UsernamePassword
from mycred.error import DenialReason, UnauthorizedLogin

from ..kit import samba
from ..kit.authpassword import authPassword, keysOf
from ..kit.dirsrv import DirectoryServer
from ..kit.processes import shared
from ..kit.slapd import GROUPS, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, person

ROOT = Path(mycred.__file__).parents[1]
_EXAMPLE = ROOT / "doc" / "examples" / "ldap-389.ini"

EXPIRED = DenialReason.PASSWORD_EXPIRED

# The SCRAM keys of those who have any, and the users of Samba who have.
KEYS = keysOf(b"sesame", iterations=4096)
PROVING: dict[str, object] = {
    "Alice": Kind.ACCEPTED,
    "gone": DenialReason.EXPIRED,
    "off": DenialReason.DISABLED,
}

# The users, beside those of a test.
NAMES = ("Alice", "lock", "must", "old", "off", "J\u00f6rg", "o'neil, jr.")


def posixGroup(name: str, number: int, *members: str) -> str:
    """
    Return the entry of a UNIX group, in LDIF.
    """
    lines = [
        f"dn: cn={name},{GROUPS}",
        "objectClass: posixGroup",
        f"cn: {name}",
        f"gidNumber: {number}",
        *(f"memberUid: {member}" for member in members),
    ]
    return "\n".join(lines) + "\n"


def posixPerson(name: str, number: int, mail: str) -> str:
    """
    Return the entry of a user with a UNIX account, in LDIF.
    """
    return person(
        name,
        "sesame",
        "objectClass: posixAccount",
        f"mail: {mail}",
        f"uidNumber: {number}",
        f"gidNumber: {number}",
        "homeDirectory: /",
    )


PEOPLE_OF_UNIX = (
    posixPerson("carol", 7001, "carol@example.org"),
    posixPerson("dave", 7002, "dave@example.org"),
    posixPerson("erin", 7003, "carol"),
    posixGroup("listed", 7100, "carol"),
    posixGroup("primary", 7001),
    f"dn: cn=staff,{GROUPS}\nobjectClass: groupOfNames\ncn: staff\n"
    f"member: uid=alice,{PEOPLE}\n",
)


class AccountsTestCase(SynchronousTestCase):
    """
    Base of the tests of accounts.

    @cvar password: the password of all users.
    @cvar ways: how users are found, in the ways of this directory.
    @cvar expected: for each name the expected verdict with the right password, or the
        name under which the user is accepted.
    @ivar socket: where the server is.
    """

    password: ClassVar[str]
    ways: ClassVar[tuple[dict[str, str], ...]]
    expected: ClassVar[dict[str, object]]
    socket: str

    def directory(self, **given: str) -> Directory:
        """
        Return a directory of the server.
        """
        directory = Directory(ldapSettings(host=self.socket, **given))
        self.addCleanup(directory.close)
        return directory

    def account(self, name: str, password: str) -> dict[str, str]:
        """
        Return the options that name a service account.
        """
        path = Path(self.mktemp())
        path.touch(0o600)
        path.write_text(password)
        return {"binddn": name, "bindpwfile": str(path)}

    def look(self, directory: Directory, name: str, password: str = "") -> Verdict:
        """
        Log in, by the right password if no other is given.
        """
        typed = (password or self.password).encode()
        return directory.lookUp(name.encode(), typed, time.monotonic() + 20, True)

    def assertVerdicts(self, directory: Directory, hint: object) -> None:
        """
        Assert the expected verdict of each name.
        """
        for name, expected in self.expected.items():
            verdict = self.look(directory, name)
            found: Any = verdict.denial or verdict.kind
            if verdict.kind is Kind.ACCEPTED:
                found = verdict.name.decode()
            self.assertEqual(found, expected, (hint, name, verdict))
            # A wrong password is told nothing.
            seen = self.look(directory, name, "wrong password")
            self.assertIs(seen.kind, Kind.REFUSED, (hint, name, seen))
        for name in ("nobody", "*", "a,b", ' "\\+<>;#=', "a)(uid=*", "\u738b" * 20):
            verdict = self.look(directory, name)
            self.assertIs(verdict.kind, Kind.REFUSED, (hint, name, verdict))
        [server] = directory.failover.servers
        server._probe(10)
        self.assertFalse(server.health.isDown)

    def assertLocks(self, directory: Directory) -> None:
        """
        Assert that wrong passwords lock an account, which the client isn't told.
        """
        for _ in range(4):
            self.look(directory, "lock", "wrong password")
        seen = self.look(directory, "lock")
        self.assertIs(seen.kind, Kind.REFUSED)
        self.assertRegex(seen.why, "locked|retry limit")

    def assertProved(self, expected: dict[str, object], **given: str) -> None:
        """
        Assert what users are answered who have proved that they know the password behind
        the keys in their description.

        @param expected: the verdict of each.
        """
        directory = self.directory(**given)
        search = ldapSettings(host=self.socket, **given).search
        assert search is not None
        users = ScramUsers(directory, search, "description")
        for name, reason in expected.items():
            found = users.lookUp(name.encode(), "sha256", time.monotonic() + 20)
            self.assertEqual(found.keys, KEYS, (name, found))
            until = time.monotonic() + 20
            verdict = users.admit(name.encode(), found.secret, until)
            self.assertEqual(verdict.denial or verdict.kind, reason, (name, verdict))

    def assertNoEmpty(self, **given: str) -> None:
        """
        Assert that an empty password is refused, and isn't sent.
        """
        checker = LDAPChecker(ldapSettings(host=self.socket, **given))
        self.addCleanup(checker.close)
        login = checker.requestAvatarId(UsernamePassword(b"alice", b""))
        self.failureResultOf(login, UnauthorizedLogin)

    def check(self) -> None:
        """
        Assert all of that, however users are found.
        """
        for given in self.ways:
            directory = self.directory(**given)
            self.assertVerdicts(directory, given)
            self.assertNoEmpty(**given)
        self.assertLocks(directory)

    def assertGroups(self, *, attribute: str = "uid", **expected: str) -> None:
        """
        Assert which users are in UNIX groups.

        @param expected: the names of the groups of each user.
        """
        given = {"base": PEOPLE, "attribute": attribute}
        for group in ("listed", "primary", "staff"):
            for nested in ({}, {"nested": "yes"}):
                directory = self.directory(
                    **{**given, **nested, "group": f"cn={group},{GROUPS}"}
                )
                for name, groups in expected.items():
                    verdict = self.look(directory, name)
                    isIn = group in groups.split()
                    kind = Kind.ACCEPTED if isIn else Kind.DENIED
                    self.assertIs(verdict.kind, kind, (name, group, nested, verdict))

    def checkGroups(self) -> None:
        """
        Assert which users are in UNIX groups: those that list a uid, and primary ones.
        """
        self.assertGroups(carol="listed primary", dave="", alice="staff")
        self.assertGroups(
            attribute="mail",
            **{
                "carol@example.org": "listed primary",
                "dave@example.org": "",
                # Their address is the name of another user.
                "carol": "",
            },
        )
        wide = {"dn": f"uid={{username}},{PEOPLE}", "groupbase": GROUPS}
        for group in ("listed", "primary"):
            directory = self.directory(**wide, group=f"(cn={group})")
            self.assertIs(self.look(directory, "carol").kind, Kind.ACCEPTED)
            self.assertIs(self.look(directory, "dave").kind, Kind.DENIED)


class SlapdTests(AccountsTestCase):
    """
    Tests for OpenLDAP.
    """

    password = "sesame"
    expected: ClassVar[dict[str, object]] = {
        "alice": "Alice",
        "ALICE": "Alice",
        "J\u00d6RG": "J\u00f6rg",
        "O'Neil, Jr.": "o'neil, jr.",
        "must": EXPIRED,
        "old": EXPIRED,
        "off": Kind.REFUSED,
    }
    ways = (
        {"base": PEOPLE},
        {"dn": f"uid={{username}},{PEOPLE}"},
        {"base": PEOPLE, "policy": "yes"},
    )

    def setUp(self) -> None:
        [server] = shared.get(type(self), self.makeServers)
        self.addCleanup(shared.restore)
        self.socket = server.socket

    def makeServers(self) -> list[Slapd]:
        """
        Start the server.
        """
        server = Slapd(*PEOPLE_OF_UNIX, *map(escaped, NAMES))
        server.add(
            f"dn: cn=short,{PEOPLE}\nobjectClass: device\nobjectClass: pwdPolicy\n"
            "cn: short\npwdAttribute: userPassword\npwdMaxAge: 1\n"
        )
        for name, attribute, value in (
            ("must", "pwdReset", "TRUE"),
            ("old", "pwdPolicySubentry", f"cn=short,{PEOPLE}"),
            ("old", "pwdChangedTime", "20200101000000Z"),
            ("off", "pwdAccountLockedTime", "000001010000Z"),
        ):
            server.modify(
                f"dn: uid={name},{PEOPLE}\nchangetype: modify\n"
                f"replace: {attribute}\n{attribute}: {value}\n"
            )
        server.settle()
        return [server]

    def test_accounts(self) -> None:
        """
        Each account gets the verdict that it should, and a wrong password isn't told it.
        """
        self.check()

    def test_groups(self) -> None:
        """
        So do groups.
        """
        self.checkGroups()


class HiddenTests(AccountsTestCase):
    """
    Tests for OpenLDAP where it tells little.
    """

    password = "sesame"

    def serve(self, globals: str) -> None:
        """
        Start a server.

        @param globals: what it is told besides.
        """
        server = Slapd(person("alice"), person("bob"), person("must"), globals=globals)
        self.addCleanup(server.stop)
        self.socket = server.socket
        server.modify(
            f"dn: uid=must,{PEOPLE}\nchangetype: modify\n"
            "replace: pwdReset\npwdReset: TRUE\n"
        )

    def test_rootDSE(self) -> None:
        """
        If only the service account can see that there is a password policy, it counts for
        all users; if it can't be seen at all, it takes C{policy=yes}.
        """
        for who, more, expected in (
            (f'dn.exact="{SERVICE}" read by * none', {}, EXPIRED),
            ("* none", {}, None),
            ("* none", {"policy": "yes"}, EXPIRED),
        ):
            self.serve(f'access to dn.base="" by {who}')
            account = self.account(SERVICE, SERVICE_PASSWORD.decode())
            directory = self.directory(base=PEOPLE, **account, **more)
            self.assertIs(self.look(directory, "must").denial, expected)
            self.assertEqual(self.look(directory, "alice").name, b"alice")
            notes = " ".join(directory.takeNotes())
            self.assertEqual("policy=yes" in notes, expected is None)

    def test_noAnonymousBind(self) -> None:
        """
        If it refuses anonymous binds users log in with and without a service account, and
        probes find that it works.
        """
        self.serve("disallow bind_anon")
        for more in (self.account(SERVICE, SERVICE_PASSWORD.decode()), {}):
            directory = self.directory(base=PEOPLE, **more)
            self.assertEqual(self.look(directory, "alice").name, b"alice")
            [server] = directory.failover.servers
            server._probe(10)
            self.assertFalse(server.health.isDown)

    def test_limit(self) -> None:
        """
        If it returns one entry at most, a filter that matches more than one is refused.
        """
        self.serve("sizelimit 1")
        directory = self.directory(base=PEOPLE, filter="(|(uid={username})(uid=bob))")
        self.assertIs(self.look(directory, "bob").kind, Kind.ACCEPTED)
        seen = self.look(directory, "alice")
        self.assertIs(seen.kind, Kind.REFUSED)
        self.assertIn("more than one entry", seen.why)


class DirectoryServerTests(AccountsTestCase):
    """
    Tests for 389 Directory Server.
    """

    password = "sesame"
    # Its names are in ASCII, as it comes.
    expected: ClassVar[dict[str, object]] = {
        name: found for name, found in SlapdTests.expected.items() if name.isascii()
    }
    ways = (
        *SlapdTests.ways,
        # The older control tells it, too.
        {"base": PEOPLE, "policy": "no"},
    )

    def setUp(self) -> None:
        # No test locks an account that another one uses.
        [server] = shared.get(type(self), self.makeServers)
        self.socket, self.port = server.socket, server.port

    def makeServers(self) -> list[DirectoryServer]:
        """
        Start the server.
        """
        server = DirectoryServer(
            *PEOPLE_OF_UNIX,
            *map(escaped, filter(str.isascii, NAMES)),
            changes=tuple(
                f"dn: uid={name},{PEOPLE}\nchangetype: modify\n"
                f"replace: {attribute}\n{attribute}: {value}\n"
                for name, attribute, value in (
                    ("must", "userPassword", "sesame"),
                    ("old", "passwordExpirationTime", "20200101000000Z"),
                    ("off", "nsAccountLock", "true"),
                    ("off", "description", authPassword(KEYS)),
                    ("carol", "description", authPassword(KEYS)),
                )
            ),
        )
        return [server]

    def test_accounts(self) -> None:
        """
        Each account gets the verdict that it should, and a wrong password isn't told it.
        """
        self.check()

    def test_groups(self) -> None:
        """
        So do groups.
        """
        self.checkGroups()

    def test_service(self) -> None:
        """
        A service account searches; a server on this machine that has no TLS is used
        without.
        """
        account = self.account(SERVICE, SERVICE_PASSWORD.decode())
        self.socket = f"127.0.0.1:{self.port}"
        directory = self.directory(base=PEOPLE, **account)
        self.assertEqual(self.look(directory, "alice").name, b"Alice")
        # As the example in the documentation has it.
        example = ConfigParser(interpolation=None, delimiters=("=",))
        example.read(_EXAMPLE)
        said = {
            key: value
            for key, value in example["ldap"].items()
            if key not in ("host", "cafile", "bindpwfile")
        }
        directory = self.directory(**{**account, **said})
        for name, kind in (
            ("carol", Kind.ACCEPTED),
            ("dave", Kind.DENIED),
            ("off", Kind.REFUSED),
        ):
            self.assertIs(self.look(directory, name).kind, kind)
        until = time.monotonic() + 20
        seen = directory.lookFor(b"off", "mail", until)
        self.assertIs(seen.kind, Kind.DENIED)
        expected = {"off": DenialReason.DISABLED, "CAROL": Kind.ACCEPTED}
        self.assertProved(expected, base=PEOPLE, **account)


class LdaptorTests(AccountsTestCase):
    """
    Tests for ldaptor, which knows neither "Who am I?" nor StartTLS.
    """

    password = "sesame"
    expected: ClassVar[dict[str, object]] = {"alice": "Alice", "ALICE": "Alice"}
    ways = SlapdTests.ways

    def test_accounts(self) -> None:
        """
        Each account gets the verdict that it should, and a wrong password isn't told it.
        """
        if find_spec("ldaptor") is None:
            raise SkipTest("pip install ldaptor")
        command = [sys.executable, str(ROOT / "tests" / "kit" / "ldaptorserver.py")]
        process: Any = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        process.stdin.write(
            b"dn: dc=org\nobjectClass: dcObject\ndc: org\n\n"
            b"dn: dc=example,dc=org\nobjectClass: dcObject\ndc: example\n\n"
            b"dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\n"
            b"ou: people\n\n" + person("Alice").encode() + b"\n"
        )
        process.stdin.close()
        self.socket = f"127.0.0.1:{int(process.stdout.readline())}"
        for given in self.ways:
            self.assertVerdicts(self.directory(**given), given)
            self.assertNoEmpty(**given)


class SambaTests(AccountsTestCase):
    """
    Tests for Samba.
    """

    password = samba.PASSWORD
    expected: ClassVar[dict[str, object]] = {
        "alice": "Alice",
        "ALICE": "Alice",
        "J\u00d6RG": "J\u00f6rg",
        "must": EXPIRED,
        "gone": DenialReason.EXPIRED,
        "off": DenialReason.DISABLED,
    }

    def test_accounts(self) -> None:
        """
        Each account gets the verdict that it should, and a wrong password isn't told it,
        whichever of its names the service account has; so do groups.
        """
        users, suffix = samba.USERS, samba.SUFFIX
        changes = [
            f"dn: cn={name},{users}\nchangetype: modify\n"
            f"replace: {attribute}\n{attribute}: {value}\n"
            for name, attribute, value in (
                ("must", "pwdLastSet", "0"),
                ("gone", "accountExpires", "120000000000000000"),
                ("off", "userAccountControl", "514"),
                *((name, "description", authPassword(KEYS)) for name in PROVING),
            )
        ]
        changes += [
            f"dn: {suffix}\nchangetype: modify\n"
            "replace: lockoutThreshold\nlockoutThreshold: 3\n",
            f"dn: cn=inner,{users}\nchangetype: add\nobjectClass: group\n"
            f"sAMAccountName: inner\nmember: cn=Alice,{users}\n",
            f"dn: cn=outer,{users}\nchangetype: add\nobjectClass: group\n"
            f"sAMAccountName: outer\nmember: cn=inner,{users}\n",
        ]
        names = ("Alice", "J\u00f6rg", "must", "gone", "off", "lock", "svc")
        server = samba.Samba(*names, changes="\n".join(changes))
        self.addCleanup(server.stop)
        self.socket = server.socket
        search = {"base": users, "attribute": "sAMAccountName"}
        accounts = [
            {**search, **self.account(name, self.password)}
            for name in (f"svc@{samba.REALM}", r"AD\svc", f"cn=svc,{users}")
        ]
        for given in accounts:
            directory = self.directory(**given)
            self.assertEqual(self.look(directory, "alice").name, b"Alice")
        for given in (accounts[0], {"dn": f"cn={{username}},{users}"}):
            self.assertVerdicts(self.directory(**given), given)
            self.assertNoEmpty(**given)
        for group, nested, kind in (
            ("inner", "no", Kind.ACCEPTED),
            ("outer", "no", Kind.DENIED),
            ("outer", "yes", Kind.ACCEPTED),
        ):
            directory = self.directory(
                **accounts[0], group=f"cn={group},{users}", nested=nested
            )
            self.assertIs(self.look(directory, "alice").kind, kind)
            verdict = self.look(directory, "j\u00f6rg")
            self.assertIs(verdict.kind, Kind.DENIED)
        self.assertProved(PROVING, **accounts[0])
        self.assertLocks(self.directory(**accounts[0]))


def escaped(name: str) -> str:
    """
    Return the entry of a user whose name may have a comma, in LDIF.
    """
    return person(name, "sesame", dn=f"uid={name.replace(',', chr(92) + ',')},{PEOPLE}")
