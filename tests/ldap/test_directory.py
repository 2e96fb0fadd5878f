"""
Tests for L{mycred._ldap._directory}, L{mycred._ldap._session} and
L{mycred._ldap._entries}, against slapd.
"""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given, settings as limits, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred import _timing
from mycred._ldap import Directory, _entries
from mycred._ldap.client._connection import Connection
from mycred._ldap.client._dn import NameTemplate
from mycred._ldap.client._errors import Unsure
from mycred._ldap.client._messages import SearchEntry
from mycred._verdict import Kind
from mycred.error import DenialReason

from ..kit.directory import DirectoryTestCase
from ..kit.slapd import ONLY_SERVICE, PEOPLE, SERVICE, SUFFIX, person

# Names with which a client may try to be taken for another user.
HOSTILE = [
    "*",
    "a*",
    ")(uid=*",
    "alice)(uid=*",
    "admin)(|(uid=*",
    "*)(objectClass=*",
    "alice,ou=people",
    "alice+cn=alice",
    f"alice,{PEOPLE}",
    "#0405616c696365",
    r"\2a",
    r"\61lice",
    r"alice\20",
    "alice=",
    '"alice"',
    "<alice>",
    "{username}",
    "uid=alice",
]


class SearchTests(DirectoryTestCase):
    """
    Tests for finding a user, and binding as them.
    """

    entries = (
        person("Alice", "sesame", "mail: alice@example.org"),
        person("bob", "sesame", "mail: shared@example.org"),
        person("carol", "sesame", "mail: shared@example.org"),
        person("nopassword", ""),
        person("dave", "sesame", "uid: Davy", "uid: David"),
        person("x", "sesame", "uid: y", "mail: x@example.org", dn=f"cn=x,{PEOPLE}"),
        person("one", "sesame", "uid: both", dn=f"uid=ONE,{PEOPLE}"),
        person("comma,plus+", "sesame", dn=rf"uid=comma\,plus\+,{PEOPLE}"),
        person("é", "sesame", dn=f"uid=é,{PEOPLE}"),
        person("outside", "sesame", dn=f"uid=outside,{SUFFIX}"),
        f"dn: cn=unnamed,{PEOPLE}\nobjectClass: inetOrgPerson\ncn: unnamed\nsn: x\n"
        "userPassword: sesame\nmail: unnamed@example.org\n",
        f"dn: uid=alias,{PEOPLE}\nobjectClass: alias\nobjectClass: extensibleObject\n"
        f"uid: alias\naliasedObjectName: uid=outside,{SUFFIX}\n",
        f"dn: ou=elsewhere,{PEOPLE}\nobjectClass: referral\n"
        "objectClass: extensibleObject\nou: elsewhere\n"
        "ref: ldap://127.0.0.1:1/dc=example,dc=org\n",
    )

    def test_right(self) -> None:
        """
        A user who can bind is accepted, under the name that the directory has for them.
        """
        directory = self.directory()
        for typed in ("Alice", "alice", "ALICE", " alice  "):
            self.assertAccepted(self.look(directory, typed), "Alice")
        self.assertAccepted(self.look(directory, "É"), "é")
        self.assertAccepted(self.look(directory, "comma,plus+"), "comma,plus+")

    def test_wrong(self) -> None:
        """
        A wrong password, a name that isn't known, and an entry without a password are
        wrong credentials.
        """
        directory = self.directory()
        self.assertRefused(self.look(directory, "alice", "x"), "wrong password")
        self.assertRefused(self.look(directory, "Sesame"), "no entry")
        self.assertRefused(self.look(directory, "nopassword", "x"))
        self.assertRefused(self.look(directory, "outside"), "no entry")

    def test_hostile(self) -> None:
        """
        No name means another user.
        """
        for more in ({}, {"filter": "(&(objectClass=person)(uid={username}))"}):
            directory = self.directory(**more)
            for name in HOSTILE:
                self.assertRefused(self.look(directory, name), "no entry")

    @limits(deadline=None, max_examples=200)
    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
    def test_anybody(self, name: str) -> None:
        """
        Nor does any other.
        """
        seen = self.look(self.directory(), name)
        if seen.kind is Kind.ACCEPTED:
            own = seen.name.decode().casefold()
            self.assertEqual(own, " ".join(name.casefold().split()))

    def test_several(self) -> None:
        """
        If more than one entry matches the login is refused, and the log names them.
        """
        directory = self.directory(filter="(mail={username})")
        self.assertRefused(
            self.look(directory, "shared@example.org"), "more than one", "bob", "carol"
        )
        directory = self.directory(filter="(|(uid={username})(objectClass=person))")
        self.assertRefused(self.look(directory, "alice"), "more than one")

    def test_byMail(self) -> None:
        """
        A user who is found by another attribute is named as ever.
        """
        directory = self.directory(filter="(|(uid={username})(mail={username}))")
        self.assertAccepted(self.look(directory, "alice@example.org"), "Alice")

    def test_severalNames(self) -> None:
        """
        Of several values the one in the entry's own name counts, and otherwise the one
        that was typed.
        """
        directory = self.directory()
        for typed in ("dave", "davy", "DAVID"):
            self.assertAccepted(self.look(directory, typed), "dave")
        for typed in ("BOTH", "one "):
            self.assertAccepted(self.look(directory, typed), "one")
        self.assertAccepted(self.look(directory, " Y"), "y")
        self.assertAccepted(self.look(directory, "Y"), "y")
        directory = self.directory(filter="(mail={username})")
        self.assertUnsure(self.look(directory, "x@example.org"), "more than one uid")
        # A client that doesn't know the password isn't told.
        self.assertRefused(self.look(directory, "x@example.org", "y"))

    def test_attributeNames(self) -> None:
        """
        An attribute may be named as any directory would.
        """
        for attribute in ("UserID", "0.9.2342.19200300.100.1.1"):
            directory = self.directory(attribute=attribute)
            self.assertAccepted(self.look(directory, "alice"), "Alice")
            self.assertRefused(self.look(directory, "nobody"))
        self.assertRefused(self.look(self.directory(attribute="uidNumber"), "1"))

    def test_noName(self) -> None:
        """
        Who has no name can't be named; that is no wrong password.
        """
        directory = self.directory(filter="(mail={username})")
        self.assertUnsure(self.look(directory, "unnamed@example.org"), "no uid")
        self.assertRefused(self.look(directory, "unnamed@example.org", "x"))

    def test_scope(self) -> None:
        """
        Entries are found at, just below, or anywhere below the base.
        """
        for scope, found in (("base", False), ("one", True), ("sub", True)):
            seen = self.look(self.directory(scope=scope), "alice")
            self.assertIs(seen.kind, Kind.ACCEPTED if found else Kind.REFUSED)
        seen = self.look(self.directory(base=SUFFIX, scope="one"), "alice")
        self.assertRefused(seen)
        seen = self.look(
            self.directory(base=f"uid=alice,{PEOPLE}", scope="base"), "alice"
        )
        self.assertAccepted(seen, "Alice")

    def test_alias(self) -> None:
        """
        No alias is followed out of the base.
        """
        self.assertRefused(self.look(self.directory(), "alias"))

    def test_referrals(self) -> None:
        """
        References are never followed; a base that is elsewhere is a temporary failure.
        """
        self.assertAccepted(self.look(self.directory(), "alice"), "Alice")
        directory = self.directory(base=f"ou=elsewhere,{PEOPLE}")
        self.assertUnsure(self.look(directory, "alice"), "referral")

    def test_noBase(self) -> None:
        """
        A base that doesn't exist is a temporary failure, no wrong password.
        """
        directory = self.directory(base=f"ou=persons,{SUFFIX}")
        self.assertUnsure(self.look(directory, "alice"), "noSuchObject", "ou=persons")

    def test_require(self) -> None:
        """
        The entry must match; a client that doesn't know the password isn't told.
        """
        directory = self.directory(require="(mail=alice@*)")
        self.assertAccepted(self.look(directory, "alice"), "Alice")
        self.assertDenied(self.look(directory, "bob"), DenialReason.POLICY)
        self.assertRefused(self.look(directory, "bob", "x"))

    def test_steps(self) -> None:
        """
        The steps say what was done, and never show a password.
        """
        seen = self.look(self.directory(require="(uid=*)"), "a*(", "the password")
        told = "\n".join(seen.steps)
        for step in (self.server.socket, r"(uid=a\2a\28)", "nothing", "refused"):
            self.assertIn(step, told)
        seen = self.look(self.directory(require="(uid=*)"), "alice")
        told += "\n".join(seen.steps)
        for step in (f"uid=Alice,{PEOPLE}", "right", "require=: met", "accepted"):
            self.assertIn(step, told)
        seen = self.look(self.directory(group=f"cn=x,{PEOPLE}"), "alice")
        self.assertIn("not a member of group=cn=x", "\n".join(seen.steps))
        self.assertNotIn("the password", told)

    def test_unwatched(self) -> None:
        """
        No steps are recorded unless they are asked for.
        """
        directory, until = self.directory(), time.monotonic() + 20
        self.assertEqual(directory.lookUp(b"alice", b"x", until).steps, ())

    def test_sameWork(self) -> None:
        """
        For a name that isn't known the directory does what it does for others.
        """
        directory = self.directory()
        asked: list[str] = []
        binds = Connection.bind

        def remember(
            connection: Connection, dn: str, password: bytes, until: float
        ) -> object:
            if password == b"sesame":
                asked.append(dn)
            return binds(connection, dn, password, until)

        self.patch(Connection, "bind", remember)
        self.look(directory, "nobody")
        self.assertEqual(len(asked), 1)
        self.assertNotIn("nobody", asked[0])

    def test_sameTime(self) -> None:
        """
        Any refusal waits as long as it takes to verify a password.
        """
        for more in ({}, {"dn": f"uid={{username}},{PEOPLE}"}):
            directory = self.directory(**more)
            self.look(directory, "alice")
            [who] = directory._timing._accepted
            directory._timing.accept(who, 0.7)
            for name, password in (("nobody", "x"), ("alice", "x"), ("nopassword", "x")):
                seen = self.look(directory, name, password)
                # No more than a quarter longer.
                self.assertTrue(0.4 < seen.delay <= 0.875, seen)

    def test_firstTime(self) -> None:
        """
        So it is before any login was accepted: a wrong password takes as long.
        """
        directory = self.directory()
        self.assertEqual(directory._timing.least(), 0)
        self.look(directory, "alice", "x")
        self.assertGreater(directory._timing.least(), 0)
        directory._timing.refuse(0.7)
        self.assertTrue(0.4 < self.look(directory, "nobody").delay <= 0.875)

    def test_flushed(self) -> None:
        """
        However many logins are refused quickly, for an account that is locked for
        instance: the slow ones count.
        """
        directory = self.directory()
        directory._timing.accept("cn=slow", 0.7)
        for _ in range(70):
            self.look(directory, "nopassword", "x")
        self.assertTrue(0.4 < self.look(directory, "nobody").delay <= 0.875)

    def test_busy(self) -> None:
        """
        If refusals have taken longer than accepted logins, since the directory is busy,
        all refusals wait as long.
        """
        for more in ({}, {"dn": f"uid={{username}},{PEOPLE}"}):
            directory = self.directory(**more)
            self.look(directory, "alice")
            directory._timing.refuse(0.7)
            for name in ("nobody", "alice", "nopassword"):
                delay = self.look(directory, name, "x").delay
                self.assertTrue(0.4 < delay <= 0.875, name)

    def test_found(self) -> None:
        """
        What the search takes counts, too: an entry that is found comes later than none.
        """
        took: list[float] = []
        ahead = 0.0
        search, bind = Connection.search, Connection.bind

        def searching(*args: Any) -> Any:
            nonlocal ahead
            ahead += 0.25
            return search(*args)

        def binding(*args: Any, **more: Any) -> Any:
            nonlocal ahead
            ahead += 0.5
            return bind(*args, **more)

        directory = self.directory()
        self.look(directory, "nobody")
        self.patch(Connection, "search", searching)
        self.patch(Connection, "bind", binding)
        monotonic = time.monotonic
        self.patch(time, "monotonic", lambda: monotonic() + ahead)
        self.patch(directory._timing, "refuse", took.append)
        for name in ("nobody", "alice"):
            self.look(directory, name, "x")
        self.assertEqual(len(took), 2)
        self.assertTrue(min(took) >= 0.75, took)

    def test_pauses(self) -> None:
        """
        A refusal goes on waiting while others take longer than was known; no longer
        than a second, and than there is time.
        """
        directory = self.directory()
        for left, expected in ((20, [0.25, 0.25]), (0.8, [0.25, 0.05])):
            directory._timing = _timing.Timing()
            directory._timing.accept("cn=slow", 0.4)
            pauses = directory._pauses(0.5, left - 0.5)
            directory._timing.refuse(0.6)
            self.assertAlmostEqual(next(pauses), expected[0])
            directory._timing.refuse(500)
            self.assertAlmostEqual(next(pauses), expected[1])
            self.assertEqual(list(pauses), [])
        for name, password in (("nobody", "x"), ("alice", "x")):
            seen = self.look(directory, name, password)
            self.assertEqual(list(seen.pauses), [])

    def test_underWay(self) -> None:
        """
        While a login is under way, refusals wait as long as it has taken so far.
        """
        seen: list[float] = []
        bind = Connection.bind

        def binding(*args: Any, **more: Any) -> Any:
            self.patch(time, "monotonic", lambda: monotonic() + 0.6)
            seen.append(directory._timing.least())
            return bind(*args, **more)

        directory, monotonic = self.directory(), time.monotonic
        self.look(directory, "alice")
        directory._timing = _timing.Timing(lambda: time.monotonic())
        self.patch(Connection, "bind", binding)
        self.look(directory, "nobody")
        self.assertTrue(0.75 <= seen[0] <= 1, seen)
        self.assertEqual(directory._timing._begun, {})

    def test_shortest(self) -> None:
        """
        However quick a directory is, a refusal takes so long that a reactor's
        millisecond makes no difference.
        """
        directory = self.directory()
        self.patch(Directory, "shortestRefusal", 5.0)
        for name in ("nobody", "alice"):
            delay = self.look(directory, name, "x").delay
            self.assertTrue(3 < delay <= 5, delay)

    def test_timeLeft(self) -> None:
        """
        That is no longer than there is time.
        """
        directory = self.directory()
        directory._timing.accept("cn=slow", 500.0)
        self.patch(_timing.Timing, "longestDelay", 500.0)
        self.assertTrue(3 < self.look(directory, "nobody").delay <= 20)

    def test_longest(self) -> None:
        """
        Nor longer than a moment, whatever the directory was like before.
        """
        directory = self.directory()
        directory._timing.accept("cn=slow", 500.0)
        self.assertTrue(0.5 < self.look(directory, "nobody").delay <= 1)


class ServiceTests(DirectoryTestCase):
    """
    Tests for the service account, of a directory that shows entries to no other user.
    """

    entries = (person("Alice"), person("bob", "sesame", "mail: bob@example.org"))
    options = {"access": ONLY_SERVICE}

    def test_account(self) -> None:
        """
        The service account finds users who can't be found otherwise.
        """
        directory = self.directory(**self.account())
        self.assertAccepted(self.look(directory, "alice"), "Alice")
        self.assertRefused(self.look(directory, "alice", "x"))
        # A connection on which a user has bound isn't the one that searches.
        self.assertAccepted(self.look(directory, "alice"), "Alice")

    def test_anonymous(self) -> None:
        """
        A search that isn't allowed is a temporary failure, no unknown user.
        """
        self.assertUnsure(self.look(self.directory(), "alice"), "noSuchObject")

    def test_refused(self) -> None:
        """
        A service account that can't bind is a temporary failure, and its password isn't
        logged.
        """
        account = self.account()
        with open(account["bindpwfile"], "w") as file:
            file.write("another")
        directory = self.directory(**account)
        seen = self.look(directory, "alice")
        self.assertUnsure(seen, SERVICE, "wrong password, or no such entry")
        self.assertNotIn("another", repr((seen, list(directory.takeNotes()))))

    def test_policy(self) -> None:
        """
        What the password policy says of the service account is told: first how many
        logins are left, then why it is refused.
        """
        self.server.add(
            f"dn: cn=grace,{SUFFIX}\nobjectClass: device\nobjectClass: pwdPolicy\n"
            "cn: grace\npwdAttribute: userPassword\npwdMaxAge: 100\n"
            "pwdGraceAuthNLimit: 1\n"
        )
        self.server.modify(
            f"dn: {SERVICE}\nchangetype: modify\nreplace: pwdPolicySubentry\n"
            f"pwdPolicySubentry: cn=grace,{SUFFIX}\n-\n"
            "replace: pwdChangedTime\npwdChangedTime: 20200101000000Z\n-\n"
        )
        account = self.account()
        directory = self.directory(**account)
        self.assertAccepted(self.look(directory, "alice"), "Alice")
        [note] = directory.takeNotes()
        self.assertIn(SERVICE, note)
        self.assertIn("logins left: 0", note)
        seen = self.look(self.directory(**account), "alice")
        self.assertUnsure(seen, SERVICE, "the password has expired")

    def test_unseen(self) -> None:
        """
        An entry that the service account may find and not read is a temporary failure.
        """
        self.serve(
            access=f"""
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{PEOPLE}" attrs=entry by * search
access to * by * read
"""
        )
        given = {"dn": f"uid={{username}},{PEOPLE}", "group": f"cn=x,{SUFFIX}"}
        self.assertUnsure(self.look(self.directory(**given), "bob"), "can't be read")

    def test_direct(self) -> None:
        """
        A user who binds without a search is named without a service account.
        """
        directory = self.directory(dn=f"uid={{username}},{PEOPLE}")
        self.assertAccepted(self.look(directory, "ALICE"), "Alice")

    def test_directRequire(self) -> None:
        """
        What the entry must match is found out by the service account.
        """
        given = {"dn": f"uid={{username}},{PEOPLE}", "require": "(mail=*)"}
        directory = self.directory(**given, **self.account())
        self.assertAccepted(self.look(directory, "bob"), "bob")
        self.assertDenied(self.look(directory, "alice"), DenialReason.POLICY)
        self.assertUnsure(self.look(self.directory(**given), "bob"), "noSuchObject")


class DirectTests(DirectoryTestCase):
    """
    Tests for binding without a search.
    """

    entries = (
        person("Alice", "sesame", "mail: alice@example.org"),
        person("comma,plus+", "sesame", dn=rf"uid=comma\,plus\+,{PEOPLE}"),
        person("nopassword", ""),
    )

    def test_right(self) -> None:
        """
        A user who can bind is accepted, under the name that the directory has for them.
        """
        directory = self.directory(dn=f"uid={{username}},{PEOPLE}")
        for typed in ("Alice", "alice", "ALICE"):
            self.assertAccepted(self.look(directory, typed), "Alice")
        self.assertAccepted(self.look(directory, "comma,plus+"), "comma,plus+")

    def test_wrong(self) -> None:
        """
        All else is wrong credentials.
        """
        directory = self.directory(dn=f"uid={{username}},{PEOPLE}")
        for name, password in (("alice", "x"), ("nobody", "x"), ("nopassword", "x")):
            # The directory doesn't tell which of the two it is.
            seen = self.look(directory, name, password)
            self.assertRefused(seen, "wrong password, or no such entry")
        for name in HOSTILE:
            self.assertRefused(self.look(directory, name))

    def test_noName(self) -> None:
        """
        A name that a directory takes for an empty one is unknown; a template that it
        can't use is a temporary failure.
        """
        directory = self.directory(dn=f"uid={{username}},{PEOPLE}")
        self.assertRefused(self.look(directory, "\r"), "no entry can have")
        directory = self.directory(dn=f"userNumber={{username}},{PEOPLE}")
        self.assertUnsure(self.look(directory, "alice"), "invalidDNSyntax")

    @limits(deadline=None, max_examples=200)
    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
    def test_anybody(self, name: str) -> None:
        """
        No name means another user.
        """
        seen = self.look(self.directory(dn=f"uid={{username}},{PEOPLE}"), name)
        if seen.kind is Kind.ACCEPTED:
            own = seen.name.decode().casefold()
            self.assertEqual(own, " ".join(name.casefold().split()))
        else:
            self.assertRefused(seen)

    def test_principal(self) -> None:
        """
        Users bind with their principal name; names that could lead elsewhere aren't
        tried, and OpenLDAP knows no such names.
        """
        directory = self.directory(upn="example.org")
        for name in ("alice@other.org", "EXAMPLE\\alice", f"uid=alice,{PEOPLE}", "a/b"):
            self.assertRefused(self.look(directory, name), "no user has such a name")
        self.assertUnsure(self.look(directory, "alice"), "invalidDNSyntax")


class IdentityTests(SynchronousTestCase):
    """
    Tests for authorization identities.
    """

    def named(self, identity: str, dn: str | None = None) -> str:
        """
        Return the name of the user with an identity.

        @param dn: the template of DNs; L{None} for Active Directory.
        """
        template = None if dn is None else NameTemplate(dn)
        return _entries.userFromIdentity(identity, template).name

    def test_dn(self) -> None:
        """
        The name is where the template has it, and nowhere else.
        """
        dn = "uid={username},ou=people"
        self.assertEqual(self.named("dn:UID=Alice,ou=people", dn=dn), "Alice")
        # 389 Directory Server has a space there.
        self.assertEqual(self.named("dn: uid=alice,ou=people", dn=dn), "alice")
        for identity in (
            "dn:cn=dev,uid=boss,ou=people",
            "dn:",
            "dn:nonsense",
            "dn:uid=#0401,ou=people",
            "u:alice",
            "uid=alice,ou=people",
            "",
        ):
            self.assertRaises(Unsure, self.named, identity, dn=dn)
        self.assertEqual(self.named("dn:cn=x,uid=boss", dn="cn=x,uid={username}"), "boss")

    def test_principal(self) -> None:
        """
        Active Directory names a domain and a user.
        """
        self.assertEqual(self.named("u:EXAMPLE\\Alice"), "Alice")
        for identity in (
            "dn:uid=alice",
            "u:",
            "u:EXAMPLE\\",
            "",
            "u:alice",
            "u:\\alice",
            "u:A\\B\\alice",
            "u:EXAMPLE\\alice@example.org",
        ):
            self.assertRaises(Unsure, self.named, identity)


class NameTests(SynchronousTestCase):
    """
    Tests for the name of users who have several.
    """

    def named(self, dn: str, typed: str, *values: bytes) -> str:
        """
        Return the name of an entry's user.
        """
        entry = SearchEntry(dn, {"uid": list(values)})
        return _entries.nameOf(entry, "uid", typed)

    def test_exact(self) -> None:
        """
        One that is the same counts before those that are alike.
        """
        self.assertEqual(self.named("uid=a", "A", b"A", b"a"), "a")
        self.assertEqual(self.named("cn=x", "A", b"A", b"a"), "A")
        self.assertRaises(Unsure, self.named, "cn=x", "a ", b"A", b"a")


class PolicyTests(DirectoryTestCase):
    """
    Tests for the password policy of OpenLDAP.
    """

    entries = (
        *(person(name) for name in ("alice", "bob", "carol", "dave")),
        f"dn: cn=short,{SUFFIX}\nobjectClass: device\nobjectClass: pwdPolicy\n"
        "cn: short\npwdAttribute: userPassword\npwdMaxAge: 100\n",
    )

    def change(self, name: str, *lines: str) -> None:
        """
        Change an entry.
        """
        self.server.modify(
            "\n".join([f"dn: uid={name},{PEOPLE}", "changetype: modify", *lines, ""])
        )

    def test_locked(self) -> None:
        """
        After too many attempts the account is locked, which the client isn't told, also
        not with the right password.
        """
        directory = self.directory()
        for _ in range(3):
            self.assertRefused(self.look(directory, "alice", "x"), "wrong password")
        for password in ("x", "sesame"):
            self.assertRefused(self.look(directory, "alice", password), "locked")

    def test_expired(self) -> None:
        """
        That a password has expired is told to a client that knows it, and to no other.
        """
        self.change(
            "bob",
            f"replace: pwdPolicySubentry\npwdPolicySubentry: cn=short,{SUFFIX}\n-",
            "replace: pwdChangedTime\npwdChangedTime: 20200101000000Z\n-",
        )
        directory = self.directory()
        self.assertDenied(self.look(directory, "bob"), DenialReason.PASSWORD_EXPIRED)
        self.assertRefused(self.look(directory, "bob", "x"))
        direct = self.directory(dn=f"uid={{username}},{PEOPLE}")
        self.assertDenied(self.look(direct, "bob"), DenialReason.PASSWORD_EXPIRED)

    def test_reset(self) -> None:
        """
        A user who may do nothing but change their password is denied.
        """
        self.change("carol", "replace: pwdReset\npwdReset: TRUE\n-")
        directory = self.directory()
        self.assertDenied(self.look(directory, "carol"), DenialReason.PASSWORD_EXPIRED)
        self.assertRefused(self.look(directory, "carol", "x"))
        direct = self.directory(dn=f"uid={{username}},{PEOPLE}")
        self.assertDenied(self.look(direct, "carol"), DenialReason.PASSWORD_EXPIRED)

    def test_grace(self) -> None:
        """
        A user who has logins left is accepted, and the log says how many, until there are
        none.
        """
        self.server.add(
            f"dn: cn=grace,{SUFFIX}\nobjectClass: device\nobjectClass: pwdPolicy\n"
            "cn: grace\npwdAttribute: userPassword\npwdMaxAge: 100\n"
            "pwdGraceAuthNLimit: 2\n"
        )
        self.change(
            "dave",
            f"replace: pwdPolicySubentry\npwdPolicySubentry: cn=grace,{SUFFIX}\n-",
            "replace: pwdChangedTime\npwdChangedTime: 20200101000000Z\n-",
        )
        directory = self.directory()
        for left in (1, 0):
            self.assertAccepted(self.look(directory, "dave"), "dave")
            [note] = directory.takeNotes()
            self.assertIn(f"logins left: {left}", note)
        self.assertDenied(self.look(directory, "dave"), DenialReason.PASSWORD_EXPIRED)
