"""
Tests for L{mycred._ldap._session} and L{mycred._ldap.client._opener} with what the
servers of other projects answer, which is replayed here as it was seen, or as it stands
in their source.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mycred._ldap import Directory, ldapSettings
from mycred._ldap.client._messages import PASSWORD_POLICY, WHO_AM_I, element
from mycred._verdict import Kind, Verdict

from ..kit.fakeldap import (
    ANSWERED,
    BIND,
    BOUND,
    DONE,
    EXTENDED,
    SEARCH,
    UNBIND,
    Conversation,
    FakeTestCase,
    entry,
    result,
)

BASE = "dc=example,dc=org"
DN = f"uid={{username}},{BASE}"
ALICE = f"uid=Alice,{BASE}".encode()

# All that a server may answer.
CODES = range(256)

# timeLimitExceeded, adminLimitExceeded, busy, unavailable: another time they tell more.
LATER = {3, 11, 51, 52}


@dataclass
class Program:
    """
    What a server does.

    @ivar unknown: the code with which it answers the bind of a name that it doesn't know;
        L{None} if it hangs up.
    @ivar refused: the code with which it answers a wrong password.
    @ivar right: the code with which it answers the right one.
    @ivar anonymous: the code with which it answers an anonymous bind; L{None} if it
        hangs up.
    @ivar own: whether users may see their own entries.
    @ivar ownCode: the code with which they are told so if not.
    @ivar rootCode: the code with which a server tells that it doesn't say what it knows.
    @ivar whoAmI: the code with which it answers "Who am I?"; L{None} if it hangs up.
    @ivar identity: what it answers to that.
    @ivar tlsCode: the code with which it refuses StartTLS.
    @ivar policyKills: whether it hangs up when it gets the password policy control.
    @ivar says: what it says before it hangs up.
    """

    unknown: int | None = 49
    refused: int = 49
    right: int = 0
    anonymous: int | None = 0
    own: bool = True
    ownCode: int = 0
    rootCode: int = 0
    whoAmI: int | None = 2
    identity: bytes = b""
    tlsCode: int = 2
    policyKills: bool = False
    says: bytes = b""

    def __call__(self, conversation: Conversation) -> None:
        """
        Serve a connection.
        """
        bound = b""
        for identity, kind, body in conversation.requests():
            if kind == UNBIND:
                return
            if kind == BIND:
                killed = self.policyKills and conversation.asksPolicy()
                code = None if killed else self.bind(body)
                if code is None:
                    conversation.say(self.says)
                    conversation.close()
                    return
                bound = body if code == 0 else b""
                conversation.answer(identity, BOUND, code)
            elif kind == SEARCH:
                isOwn = b"sesame" in bound
                isKnown = b"uid=alice," in body.lower() or b"alice" in body[-60:].lower()
                if isKnown and (self.own or not isOwn):
                    conversation.say(entry(identity, ALICE, b"Alice"))
                    conversation.answer(identity, DONE)
                elif b"supportedControl" in body:
                    conversation.answer(identity, DONE, self.rootCode)
                else:
                    conversation.answer(identity, DONE, self.ownCode if isOwn else 0)
            elif kind == EXTENDED and WHO_AM_I in body:
                if self.whoAmI is None:
                    conversation.close()
                    return
                value = [element(0x8B, self.identity)] if self.identity else []
                conversation.answer(identity, ANSWERED, self.whoAmI, *value)
            elif kind == EXTENDED:
                conversation.answer(identity, ANSWERED, self.tlsCode)

    def bind(self, body: bytes) -> int | None:
        """
        Answer a bind.
        """
        if body.endswith(b"\x04\x00\x80\x00"):
            return self.anonymous
        if b"uid=alice," not in body.lower() and b"uid=" + b"\xef\xbc\xa1" not in body:
            return self.unknown
        return self.right if body.endswith(b"sesame") else self.refused


# Kanidm: operationerr_to_ldapresultcode makes other (80) of NoMatchingEntries.
KANIDM = Program(unknown=80, whoAmI=0, identity=b"u: alice@example.org")
# lldap: a name that isn't uid=..., below its base is a namingViolation (64); there is
# no anonymous bind.
LLDAP = Program(unknown=64, anonymous=48, whoAmI=53, tlsCode=53)
# ldapjs 3: a request with a control that it doesn't know ends the program, an extended
# operation is a protocolError.
LDAPJS = Program(unknown=32, whoAmI=2, policyKills=True)
# glauth before 2.3: so does it; it has no anonymous search.
GLAUTH = Program(unknown=49, whoAmI=53, tlsCode=53, policyKills=True)
# Samba 4.17.
SAMBA = Program(whoAmI=2)
# authentik: a name for which it has no provider is refused by 50, and so is a user who
# may not use the application.
AUTHENTIK = Program(unknown=50, whoAmI=53, own=False, ownCode=50)

PROGRAMS = {
    "Kanidm": KANIDM,
    "lldap": LLDAP,
    "ldapjs": LDAPJS,
    "glauth": GLAUTH,
    "Samba": SAMBA,
    "authentik": AUTHENTIK,
}


class OthersTestCase(FakeTestCase):
    """
    Base of the tests with other servers.
    """

    def program(self, program: Callable[[Conversation], None], **given: str) -> Directory:
        """
        Return a directory of one server.
        """
        self.server = self.serve(program)
        self.server.controls = ()
        return self.directory(self.server, **given)

    def account(self) -> dict[str, str]:
        """
        Return the options that name a service account.
        """
        path = Path(self.mktemp())
        path.touch(0o600)
        path.write_text("x")
        return {"binddn": f"cn=service,{BASE}", "bindpwfile": str(path)}

    def login(self, directory: Directory, name: str, password: str = "sesame") -> Verdict:
        """
        Log in.
        """
        return directory.lookUp(name.encode(), password.encode(), time.monotonic() + 20)

    def assertAccepted(self, seen: Verdict, name: str) -> None:
        """
        Assert that the user is accepted, under this name.
        """
        verdict = seen
        self.assertEqual((verdict.kind, verdict.name), (Kind.ACCEPTED, name.encode()))

    def assertRefused(self, seen: Verdict, hint: object = None) -> None:
        """
        Assert that the login is refused.
        """
        self.assertIs(seen.kind, Kind.REFUSED, (hint, seen))


class ProgramTests(OthersTestCase):
    """
    Tests for other projects' servers.
    """

    def test_accounts(self) -> None:
        """
        With each of them the right password lets in, a wrong one and a name that isn't
        known are wrong credentials, and none takes the server down.
        """
        for name, program in PROGRAMS.items():
            for given in ({}, {"dn": DN}):
                directory = self.program(program, **given)
                known = "alice" if given and not program.own else "Alice"
                for typed in ("alice", "ALICE"):
                    self.assertAccepted(self.login(directory, typed), known)
                self.assertRefused(self.login(directory, "alice", "x"), name)
                if "dn" not in given:
                    self.assertRefused(self.login(directory, "nobody"), name)
                    self.assertRefused(self.login(directory, "a,b=c*("), name)
                [server] = directory.failover.servers
                server._probe(5)
                self.assertFalse(server.health.isDown, name)
                self.assertNotIn("fails", " ".join(directory.takeNotes()))

    def test_denied(self) -> None:
        """
        A bind that is answered by insufficientAccessRights is refused: authentik
        answers so to users who may not use the application.
        """
        for given in ({}, {"dn": DN}):
            directory = self.program(Program(right=50), **given)
            seen = self.login(directory, "alice")
            self.assertRefused(seen)
            self.assertIn("insufficientAccessRights", seen.why)

    def test_badName(self) -> None:
        """
        A name that the server can't parse is refused, if it can parse others; otherwise
        that is the deployer's fault.
        """
        for code in (34, 64):
            directory = self.program(Program(unknown=code), dn=DN)
            seen = self.login(directory, "bob")
            # The one that was made up isn't known, either.
            self.assertUnsure(seen)

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                conversation.reply(identity, kind, 64 if b"+" in body else 80)

        self.assertRefused(self.login(self.program(talk, dn=DN), "a+b"))


class UnknownTests(OthersTestCase):
    """
    Tests for what a server says to names that it doesn't know.
    """

    def test_codes(self) -> None:
        """
        Whatever it is, a user who wasn't found is refused, and the server works; also
        after an outage.
        """
        program = Program()
        directory = self.program(program)
        [server] = directory.failover.servers
        for code in CODES:
            program.unknown = code
            self.assertRefused(self.login(directory, "nobody"), code)
            self.assertFalse(server.health.isProbed)
            server._fail(time.monotonic(), "gone")
            server._probe(5)
            self.assertFalse(server.health.isDown, code)
            server.health._retryAt = server.health._upSince = 0.0
        self.assertAccepted(self.login(directory, "alice"), "Alice")

    def test_nobody(self) -> None:
        """
        Nor does the answer to an anonymous bind count, if anonymous searches are allowed.
        """
        program = Program()
        directory = self.program(program)
        for code in CODES:
            program.anonymous = code
            directory.failover.servers[0]._drop()
            self.assertAccepted(self.login(directory, "alice"), "Alice")

    def test_hangsUp(self) -> None:
        """
        So it is where the server hangs up on such names, with or without a word.
        """
        name = element(0x8A, b"1.3.6.1.4.1.1466.20036")
        notice = result(0, ANSWERED, 52, name)
        for says in (b"", notice, b"\x30\x03\x02\x01"):
            directory = self.program(Program(unknown=None, says=says))
            [server] = directory.failover.servers
            for _ in range(3):
                self.assertRefused(self.login(directory, "nobody"), says)
                self.assertAccepted(self.login(directory, "alice"), "Alice")
            self.assertFalse(server.health.isDown or server.health.isProbed)
            server._fail(time.monotonic(), "gone")
            server._probe(5)
            self.assertFalse(server.health.isDown, says)
            self.assertAccepted(self.login(directory, "alice"), "Alice")

    def test_closed(self) -> None:
        """
        A connection that a server has ended is closed, when it is found out how it is
        doing.
        """
        directory = self.program(Program(unknown=None))
        [server] = directory.failover.servers
        opener, opened = server._opener, []
        openOne = opener.open

        def noted(*args: Any) -> Any:
            opened.append(openOne(*args))
            return opened[-1]

        self.patch(opener, "open", noted)
        server._probe(5)
        directory.close()
        self.assertEqual([each._socket.fileno() for each in opened], [-1] * 3)

    def test_nobodyHangsUp(self) -> None:
        """
        If the server hangs up on anonymous binds, searches go without.
        """
        for given in ({}, {"dn": DN}):
            directory = self.program(Program(anonymous=None), **given)
            [server] = directory.failover.servers
            for _ in range(3):
                self.assertRefused(self.login(directory, "nobody"))
                self.assertAccepted(self.login(directory, "alice"), "Alice")
            server._fail(time.monotonic(), "gone")
            server._probe(5)
            self.assertFalse(server.health.isDown)

    def test_once(self) -> None:
        """
        One server is asked for a name that is made up, as for any other, with the same
        request.
        """
        first, second = self.serve(Program(unknown=80)), self.serve(Program())
        directory = self.directory(first, second)
        self.assertRefused(self.login(directory, "nobody"))
        self.assertRefused(self.login(directory, "alice", "x"))
        # The anonymous one, the one with a made-up name, and that of Alice.
        self.assertEqual(first.policies, [True] * 3)
        self.assertEqual(second.asked, [])

    def test_gone(self) -> None:
        """
        A server that is gone by then doesn't make a temporary failure of it, either.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, _ in conversation.requests():
                conversation.reply(identity, kind)
                if kind == SEARCH:
                    self.server.stop()

        self.assertRefused(self.login(self.program(talk), "nobody"))


class PolicyTests(OthersTestCase):
    """
    Tests for the password policy control.
    """

    def asked(self, controls: tuple[bytes, ...] | None, **given: str) -> set[bool]:
        """
        Log in, and tell whether binds have asked what the policy says.
        """
        for more in ({}, {"dn": DN}):
            directory = self.program(Program(), **{**more, **given})
            self.server.controls = controls
            self.assertAccepted(self.login(directory, "alice"), "Alice")
        return set(self.server.policies)

    def test_listed(self) -> None:
        """
        It is sent to servers that list it, and to no others.
        """
        self.assertEqual(self.asked((b"1.2.3", PASSWORD_POLICY)), {True})
        self.assertEqual(self.asked((b"1.2.3",)), {False})
        self.assertEqual(self.asked(()), {False})

    def test_said(self) -> None:
        """
        It is sent if the deployer says so, and isn't if they say the opposite.
        """
        for controls in ((PASSWORD_POLICY,), (), None):
            self.assertEqual(self.asked(controls, policy="yes"), {True})
            self.assertEqual(self.asked(controls, policy="no"), {False})

    def test_unreadable(self) -> None:
        """
        A server that doesn't say what it knows, in whatever words, works; the log says
        once what would be right.
        """
        program = Program()
        directory = self.program(program)
        self.server.controls = None
        for code in set(CODES) - LATER:
            program.rootCode = code
            directory.failover.servers[0]._drop()
            self.assertAccepted(self.login(directory, "alice"), "Alice")
        self.assertEqual(set(self.server.policies), {False})
        notes = [note for note in directory.takeNotes() if "policy=yes" in note]
        self.assertEqual(len(notes), 1)

    def test_later(self) -> None:
        """
        A server that can't tell now is asked again, rather than taken for one that
        doesn't know the control: that would count until the connection is lost.
        """
        program = Program()
        for code in LATER:
            program.rootCode = code
            directory = self.program(program)
            [server] = directory.failover.servers
            self.server.controls = None
            for _ in range(3):
                self.assertUnsure(self.login(directory, "alice"), "doesn't say yet")
            notes = [n for n in directory.takeNotes() if "without TLS" not in n]
            self.assertEqual(len(notes), 1, notes)
            self.server.controls = (PASSWORD_POLICY,)
            server._probe(5)
            self.assertAccepted(self.login(directory, "alice"), "Alice")
            self.assertEqual(set(self.server.policies), {True})
            self.assertNotIn("policy=yes", " ".join(directory.takeNotes()))

    def test_answers(self) -> None:
        """
        Whatever it answers there, it works, also if it hangs up on unknown names and on
        anonymous binds.
        """
        program = Program(unknown=None, anonymous=None)
        for code in {0, 80, *LATER}:
            program.rootCode = code
            directory = self.program(program, policy="no")
            self.server.controls = None
            directory.failover.servers[0]._probe(5)
            self.assertAccepted(self.login(directory, "alice"), "Alice")
            self.assertEqual(
                [n for n in directory.takeNotes() if "without TLS" not in n], []
            )

    def test_laterForAccount(self) -> None:
        """
        So is one that can't tell now whether the service account may see it.
        """
        directory = self.program(Program(unknown=52), **self.account())
        self.server.controls = None
        self.assertUnsure(self.login(directory, "alice"), "doesn't say yet", "52")

    def test_lost(self) -> None:
        """
        A connection that is lost just then doesn't tell what the server knows, and
        the one that is opened in its place isn't kept.
        """
        lost = []

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == SEARCH and b"supportedControl" in body:
                    if not lost:
                        lost.append(conversation)
                        conversation.close()
                        return
                    known = entry(
                        identity, b"", PASSWORD_POLICY, attribute=b"supportedControl"
                    )
                    conversation.say(known)
                    conversation.answer(identity, DONE)
                else:
                    conversation.behave(identity, kind, body)

        directory = self.program(talk, dn=DN)
        self.server.controls = None
        for _ in range(3):
            self.assertIs(self.login(directory, "alice").kind, Kind.ACCEPTED)
        self.assertEqual(self.server.policies, [False, True, True])
        self.assertEqual(self.server.accepted, 3)

    def test_hangsUp(self) -> None:
        """
        So does one that hangs up on that search.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == SEARCH and b"supportedControl" in body:
                    conversation.close()
                    return
                conversation.behave(identity, kind, body)

        directory = self.program(talk)
        self.server.controls = None
        self.assertIs(self.login(directory, "alice").kind, Kind.ACCEPTED)
        self.assertEqual(set(self.server.policies), {False})

    def test_account(self) -> None:
        """
        Where only users are told what a server knows, the service account asks.
        """

        def talk(conversation: Conversation) -> None:
            isSomebody = False
            for identity, kind, body in conversation.requests():
                if kind == BIND:
                    isSomebody = b"cn=service" in body
                if kind == SEARCH and b"supportedControl" in body:
                    if isSomebody:
                        known = entry(
                            identity, b"", PASSWORD_POLICY, attribute=b"supportedControl"
                        )
                        conversation.say(known)
                    conversation.answer(identity, DONE, 0 if isSomebody else 50)
                else:
                    conversation.behave(identity, kind, body)

        directory = self.program(talk, **self.account())
        self.server.controls = None
        self.assertIs(self.login(directory, "alice").kind, Kind.ACCEPTED)
        # The first is the one with which it asks.
        self.assertEqual(self.server.policies, [False, True, True])

    def test_replaced(self) -> None:
        """
        A server that comes back is asked again: it may be another one.
        """
        directory = self.program(Program())
        self.assertAccepted(self.login(directory, "alice"), "Alice")
        self.assertEqual(set(self.server.policies), {False})
        self.server.controls = (PASSWORD_POLICY,)
        for conversation in self.server._conversations:
            conversation.close()
        del self.server.policies[:]
        self.assertAccepted(self.login(directory, "alice"), "Alice")
        self.assertEqual(set(self.server.policies), {True})


class IdentityTests(OthersTestCase):
    """
    Tests for who has bound, where users bind without a search.
    """

    def test_own(self) -> None:
        """
        Users are called as their own entry has it, also where the directory answers "Who
        am I?" in lower case, as 389 Directory Server does.
        """
        lower = b"dn: " + ALICE.lower()
        for program in (Program(whoAmI=0, identity=lower), Program()):
            directory = self.program(program, dn=DN)
            for typed in ("alice", "ALICE", "Alice"):
                self.assertAccepted(self.login(directory, typed), "Alice")

    def test_spelled(self) -> None:
        """
        What users have written into their own entry spells their name, and changes
        nothing else.
        """
        for values, expected in (
            ((b"ALICE",), "ALICE"),
            ((b"bob", b"ALICE"), "ALICE"),
            ((b"ALICE", b"alice"), "Alice"),
            ((b"bob",), "Alice"),
            ((), "Alice"),
        ):

            def talk(conversation: Conversation, v: tuple[bytes, ...] = values) -> None:
                for identity, kind, _ in conversation.requests():
                    if kind == SEARCH:
                        conversation.say(entry(identity, ALICE, *v))
                    conversation.reply(identity, kind)

            directory = self.program(talk, dn=DN)
            self.assertAccepted(self.login(directory, "alice"), expected)

    def test_place(self) -> None:
        """
        So they are where their name stands elsewhere in that of the entry.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, _ in conversation.requests():
                if kind == SEARCH:
                    conversation.say(entry(identity, b"cn=mail," + ALICE, b"ALICE"))
                conversation.reply(identity, kind)

        directory = self.program(talk, dn=f"cn=mail,{DN}")
        self.assertAccepted(self.login(directory, "alice"), "Alice")

    def test_codes(self) -> None:
        """
        Where they may not see it, and the server doesn't know the question who they are,
        whatever it says to that, they are called as they have typed it in lower case;
        unless it says that it can't tell now.
        """
        program = Program(own=False)
        directory = self.program(program, dn=DN)
        for code in CODES:
            program.whoAmI = code
            seen = self.login(directory, "ALICE")
            if code in LATER or code == 0:
                # With success, and no name, it says that no user has bound.
                self.assertUnsure(seen)
            else:
                self.assertAccepted(seen, "alice")

    def test_unreadable(self) -> None:
        """
        So it is whatever it says to those who may not see their entry, unless that is
        that it can't tell now.
        """
        program = Program(own=False)
        directory = self.program(program, dn=DN)
        for code in CODES:
            program.ownCode = code
            seen = self.login(directory, "ALICE")
            if code in {1, 80, *LATER}:
                self.assertUnsure(seen)
            else:
                self.assertAccepted(seen, "alice")

    def test_hangsUp(self) -> None:
        """
        So it is where the server hangs up on that question.
        """
        directory = self.program(Program(own=False, whoAmI=None), dn=DN)
        for _ in range(3):
            self.assertAccepted(self.login(directory, "Alice"), "alice")

    def test_answered(self) -> None:
        """
        Where it does know it, they are called as it says.
        """
        program = Program(own=False, whoAmI=0, identity=b"dn:" + ALICE)
        directory = self.program(program, dn=DN)
        self.assertAccepted(self.login(directory, "alice"), "Alice")

    def test_ambiguous(self) -> None:
        """
        A name that directories may take for another one is no user's name.
        """
        program = Program(own=False)
        directory = self.program(program, dn=DN)
        program.bind = lambda body: 0  # type: ignore[method-assign]
        for typed in (
            "\uff21lice",
            "al\u00adice",
            "stra\u00dfe",
            " alice",
            "alice ",
            "al  ice",
            "\ufb01n",
            "al\tice",
            "al\u200bice",
            "al\u00a0ice",
        ):
            self.assertUnsure(self.login(directory, typed), "spelled")
        for typed in ("J\u00f6rg", "\u03a9mega", "o'neil", "a.b-c", "\u738b"):
            self.assertAccepted(self.login(directory, typed), typed.lower())


class TLSTests(OthersTestCase):
    """
    Tests for servers that have no StartTLS.
    """

    def test_codes(self) -> None:
        """
        Whatever they say to it, those on this machine are used without; if a deployer
        wants it they get nothing else.
        """
        program = Program()
        server = self.serve(program)
        usual = self.opportune(host=f"127.0.0.1:{server.port}", base=BASE)
        strict = self.directory(server, tls="starttls")
        for code in CODES[1:]:
            program.tlsCode = code
            usual.failover.servers[0]._drop()
            self.assertAccepted(self.login(usual, "alice"), "Alice")
            count = len(server.policies)
            [each] = strict.failover.servers
            each.health.isDown = False
            self.assertUnsure(self.login(strict, "alice"), "TLS")
            self.assertEqual(len(server.policies), count)

    def opportune(self, **given: str) -> Directory:
        """
        Return a directory without an option about TLS.
        """
        directory = Directory(ldapSettings(**given))
        self.addCleanup(directory.close)
        return directory


class LimitTests(OthersTestCase):
    """
    Tests for servers that tell of fewer entries than match.
    """

    def test_two(self) -> None:
        """
        More matches than a server tells of are two matches at least.
        """
        for count in range(3):

            def talk(conversation: Conversation, count: int = count) -> None:
                for identity, kind, _ in conversation.requests():
                    if kind == SEARCH:
                        conversation.say(entry(identity, ALICE, b"alice") * count)
                        conversation.answer(identity, DONE, 4)
                    else:
                        conversation.reply(identity, kind)

            seen = self.login(self.program(talk), "alice")
            self.assertRefused(seen, count)
            self.assertIn("more than one entry", seen.why)
