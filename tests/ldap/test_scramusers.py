"""
Tests for logins by SCRAM against a directory, L{mycred._ldap._scramusers}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from mycred._ldap import Directory, ScramUsers, Usual, _scramusers, ldapSettings
from mycred._timing import Timing
from mycred._verdict import Kind, Verdict
from mycred.error import DenialReason

from ..kit.authpassword import authPassword, keysOf, personWithKeys
from ..kit.directory import DirectoryTestCase
from ..kit.fakeldap import ALICE, DONE, SEARCH, Conversation, FakeTestCase, entry
from ..kit.slapd import GROUPS, KEYS_FOR_SERVICE, ONLY_SERVICE, PEOPLE, person

STAFF = f"cn=staff,{GROUPS}"
KEYS = keysOf()
VALUE = authPassword(KEYS)

NO_KEYS = "no keys for SCRAM-SHA-256 in authPassword"

# What is expected of a user who is unknown.
USUAL = Usual(KEYS.iterations, len(KEYS.salt), b"eve")

_ATTRIBUTE = b"authPassword"


def usersOf(directory: Directory, base: str = PEOPLE, **given: str) -> ScramUsers:
    """
    Return the users of a directory.
    """
    search = ldapSettings(host="localhost", base=base, **given).search
    assert search is not None
    return ScramUsers(directory, search, "authPassword")


class UsersTests(DirectoryTestCase):
    """
    Tests for L{ScramUsers}, against slapd.
    """

    entries = (
        personWithKeys("Alice", VALUE),
        personWithKeys("bob", VALUE),
        personWithKeys("carol", authPassword(keysOf(hash="sha1"))),
        person("dave"),
        f"dn: {STAFF}\nobjectClass: groupOfNames\ncn: staff\n"
        f"member: uid=alice,{PEOPLE}\n",
    )
    options: ClassVar[dict[str, Any]] = {"access": KEYS_FOR_SERVICE}

    def users(self, **given: str) -> ScramUsers:
        """
        Return the users of the server.
        """
        return usersOf(self.directory(**self.account(), **given), **given)

    def find(self, users: ScramUsers, name: str, hash: str = "sha256") -> Verdict:
        """
        Look a user up.
        """
        return users.lookUp(name.encode(), hash, time.monotonic() + 20, True)

    def found(self, users: ScramUsers, name: str) -> Verdict:
        """
        Look up a user who has keys.
        """
        verdict = self.find(users, name)
        self.assertIsNotNone(verdict.keys, verdict)
        # Nothing is proved yet.
        self.assertIs(verdict.kind, Kind.REFUSED, verdict)
        return verdict

    def admit(self, users: ScramUsers, name: str) -> Verdict:
        """
        Look a user up, and return whether they may log in.
        """
        entry = self.found(users, name).secret
        return users.admit(name.encode(), entry, time.monotonic() + 20, True)

    def test_found(self) -> None:
        """
        A user is found with their keys, and named as the directory spells it.
        """
        users = self.users()
        self.assertEqual(self.found(users, "ALICE").keys, KEYS)
        self.assertAccepted(self.admit(users, "ALICE"), "Alice")

    def test_unknown(self) -> None:
        """
        Who is unknown, or has no keys for the hash, is refused, each after one search;
        the log tells them apart.
        """
        users = self.users()
        self.found(users, "alice")
        for name, why in (
            ("eve", "no entry matches"),
            ("*", "no entry matches"),
            ("carol", f"{NO_KEYS} of uid=carol,{PEOPLE}"),
            ("dave", f"{NO_KEYS} of uid=dave,{PEOPLE}"),
        ):
            verdict = self.find(users, name)
            self.assertRefused(verdict, why)
            self.assertIsInstance(verdict.secret, Usual)
            self.assertIsNone(verdict.denial)
            searches = [step for step in verdict.steps if " search at " in step]
            self.assertEqual(len(searches), 1, verdict.steps)

    def test_noSecret(self) -> None:
        """
        Keys are shown nowhere.
        """
        verdict = self.find(self.users(), "alice")
        for part in VALUE.replace(":", "$").split("$")[2:]:
            self.assertNotIn(part, repr(verdict))
            self.assertNotIn(part, " ".join(verdict.steps))

    def test_usual(self) -> None:
        """
        Even the first who is unknown looks like those who have keys.
        """
        users = self.users()
        self.assertEqual(self.find(users, "eve").secret, USUAL)
        self.assertEqual(users.hashes(), {"sha1", "sha256"})

    def test_spellings(self) -> None:
        """
        All spellings of a name that the directory would take for one are expected to have
        the same salt.
        """
        users = self.users()
        for name in ("eve", "EVE", " eVe ", "e\u00adve", "\uff25ve"):
            verdict = self.find(users, name)
            self.assertRefused(verdict)
            self.assertEqual(verdict.secret, USUAL)
        self.assertEqual(self.find(users, "\u738b").secret.name, "\u738b".encode())

    def test_delay(self) -> None:
        """
        A look-up takes as long for a name that is known as for another.
        """
        users = self.users()
        users._timing.accept("cn=slow", 400.0)
        for longest, least in ((1000.0, 450.0), (100.0, 50.0)):
            self.patch(Timing, "longestDelay", longest)
            for name in ("alice", "eve", "dave"):
                verdict = users.lookUp(name.encode(), "sha256", time.monotonic() + 1000)
                self.assertTrue(least < verdict.delay < 2 * least + 50, verdict)

    def test_groups(self) -> None:
        """
        Groups and C{require=} are looked at when the user has proved who they are, and
        the denial is told only then.
        """
        for given in ({"group": STAFF}, {"require": "(cn=alice)"}):
            users = self.users(**given)
            self.assertAccepted(self.admit(users, "alice"), "Alice")
            verdict = self.find(users, "bob")
            self.assertEqual(
                [s for s in verdict.steps if "group=" in s or "require=" in s], []
            )
            self.assertDenied(self.admit(users, "bob"), DenialReason.POLICY)

    def test_locked(self) -> None:
        """
        An account that an administrator has locked, or whose password must be changed, is
        denied when the user has proved who they are.
        """
        users = self.users()
        for name, attribute, value, reason in (
            ("alice", "pwdAccountLockedTime", "000001010000Z", DenialReason.LOCKED),
            ("bob", "pwdReset", "TRUE", DenialReason.PASSWORD_EXPIRED),
        ):
            self.server.modify(
                f"dn: uid={name},{PEOPLE}\nchangetype: modify\n"
                f"replace: {attribute}\n{attribute}: {value}\n"
            )
            self.assertDenied(self.admit(users, name), reason)

    def test_unnamed(self) -> None:
        """
        That an entry doesn't say what its user is called shows only when the user has
        proved who they are.
        """
        erin = personWithKeys("erin", VALUE).replace("uid: erin", "uid: a\nuid: b")
        self.server.add(erin.replace("dn: uid=erin", "dn: cn=erin"))
        users = self.users(filter="(cn={username})")
        self.assertUnsure(self.admit(users, "erin"), "more than one uid")

    def test_down(self) -> None:
        """
        While no server works nothing is found out, before the proof and after it.
        """
        users = self.users(require="(uid=bob)")
        entry = self.found(users, "bob").secret
        self.server.kill()
        self.assertUnsure(self.find(users, "bob"), "can't be reached")
        verdict = users.admit(b"bob", entry, time.monotonic() + 20)
        self.assertUnsure(verdict, "can't be reached")


class InvisibleTests(DirectoryTestCase):
    """
    Tests for a service account that may not read keys.
    """

    entries = (personWithKeys("alice", VALUE),)
    options: ClassVar[dict[str, Any]] = {
        "access": f"access to attrs=authPassword by * none\n{ONLY_SERVICE}"
    }

    def test_told(self) -> None:
        """
        The log says once what to do, and users are refused.
        """
        directory = self.directory(**self.account())
        users = usersOf(directory)
        for _ in range(2):
            verdict = users.lookUp(b"alice", "sha256", time.monotonic() + 20)
            self.assertRefused(verdict, "no keys")
        [note] = directory.takeNotes()
        self.assertIn("the service account sees no entry", note)
        self.assertEqual(users.hashes(), {"sha1", "sha256"})


class OddServerTests(FakeTestCase):
    """
    Tests for servers that don't answer as they should.
    """

    def users(self, sampled: Callable[[Conversation, int], None]) -> ScramUsers:
        """
        Return the users of a server.

        @param sampled: how it answers the search for keys of any user, on a message ID.
        """

        def talk(conversation: Conversation) -> None:
            for number, kind, body in conversation.requests():
                if kind == SEARCH and b"alice" in body:
                    keys = VALUE.encode()
                    conversation.say(entry(number, ALICE, keys, attribute=_ATTRIBUTE))
                    conversation.answer(number, DONE)
                elif kind == SEARCH:
                    self.samples += 1
                    sampled(conversation, number)
                else:
                    conversation.behave(number, kind, body)

        self.samples = 0
        return usersOf(self.directory(self.serve(talk)), "dc=example,dc=org")

    def assertFound(self, users: ScramUsers) -> None:
        """
        Assert that a user is found, and that what keys are like is learnt from them.
        """
        for _ in range(2):
            verdict = users.lookUp(b"alice", "sha256", time.monotonic() + 20)
            self.assertIsNotNone(verdict.keys, verdict)
        self.assertEqual(self.samples, 1)
        self.assertEqual(users._known.usual("sha256"), USUAL[:2])

    def test_unwilling(self) -> None:
        """
        A server may refuse to search for the keys of any user, or give up: it is asked
        once.
        """
        for code in (3, 11, 50, 53):
            self.assertFound(self.users(lambda c, n, code=code: c.answer(n, DONE, code)))

    def test_hanging(self) -> None:
        """
        A server that doesn't answer such a search keeps nobody from logging in.
        """
        self.patch(_scramusers, "_PATIENCE", 0.1)
        self.assertFound(self.users(lambda conversation, _: None))

    def test_hostile(self) -> None:
        """
        What such a search brings may be anything.
        """

        def sampled(conversation: Conversation, number: int) -> None:
            for value in (b"SCRAM-SHA-256$", b"\xff" * 10_000, b""):
                values = [value] * 100
                conversation.say(entry(number, ALICE, *values, attribute=_ATTRIBUTE))
            conversation.answer(number, DONE)

        self.assertFound(self.users(sampled))
