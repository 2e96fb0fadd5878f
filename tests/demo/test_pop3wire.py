"""
Tests for L{mycred.demo._pop3dialogue} and L{mycred.demo._commandlines} with what clients
may send, and shouldn't.
"""

from __future__ import annotations

import hmac
import poplib
from base64 import b64decode, b64encode
from hashlib import md5

from hypothesis import HealthCheck, given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from ..kit.server import PATIENCE, ServerTests
from ..kit.wire import JUNK, NUMBERS, Wire, WireTests, coded

_BEFORE = [b"USER", b"PASS", b"APOP", b"AUTH"]
_AFTER = [b"DELE", b"LAST", b"LIST", b"NOOP", b"RETR", b"RSET", b"STAT", b"TOP", b"UIDL"]
_OTHERS = [b"CAPA", b"RPOP", b"STLS", b"XTND", b"__init__", b"\xff"]

# What may follow a command.
ARGUMENTS = [
    b"",
    b" ",
    b" al ice",
    b" 1 2",
    b" 1 2 3",
    b" 1 x",
    b" x y z",
    b" PLAIN xxx",
    b" PLAIN = =",
    b" PLAIN",
    b" FOO",
    b" CRAM-MD5",
    b" CRAM-MD5 xxx",
    b" LOGIN",
    *(b" " + junk for junk in JUNK),
    *(b" " + number for number in NUMBERS),
    *(b" 1 " + number for number in NUMBERS),
]


def answered(wire: Wire, line: bytes) -> bytes:
    """
    Say a line, and whatever ends what it has begun.

    @return: the answer.
    """
    answer = wire.ask(line)
    while answer.startswith(b"+ "):
        answer = wire.ask(b"*")
    command = line.partition(b" ")[0].upper()
    several = [b"CAPA", b"RETR", b"TOP"]
    if len(line.split()) == 1:
        several += [b"AUTH", b"LIST", b"UIDL"]
    if answer.startswith(b"+OK") and command in several:
        while wire.line() != b".":
            pass
    return answer


class POP3WireTests(WireTests, ServerTests, SynchronousTestCase):
    """
    Tests for POP3.
    """

    protocol = "pop3"

    def assertAnswered(self, wire: Wire, line: bytes) -> None:
        """
        Assert that a line is answered by +OK or -ERR.
        """
        self.assertRegex(answered(wire, line), rb"^(\+OK|-ERR)( |$)", repr(line))

    def logIn(self, name: bytes = b"alice", password: bytes = b"sesame") -> Wire:
        """
        Log in.
        """
        wire = self.wire()
        self.assertEqual(wire.ask(b"USER " + name)[:3], b"+OK")
        self.assertEqual(wire.ask(b"PASS " + password)[:3], b"+OK")
        return wire

    def test_sweep(self) -> None:
        """
        Every command with no, too many or wrong arguments, before the login and after
        it, and whatever is no command, is answered by +OK or -ERR; the connection is
        kept, and the log tells of no error of the server.
        """
        for connect in (self.wire, self.logIn):
            for command in (*_BEFORE, *_AFTER, *_OTHERS, *JUNK):
                wire = connect()
                for argument in ARGUMENTS:
                    self.assertAnswered(wire, command + argument)
                    if command in _BEFORE and connect == self.wire:
                        # A few logins without success end a connection.
                        wire.close()
                        wire = self.wire()
                self.assertEqual(wire.ask(b"QUIT")[:3], b"+OK")
                wire.close()
        self.assertQuiet()

    @settings(
        max_examples=200,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")),
                st.tuples(
                    st.sampled_from([*_AFTER, b"AUTH", b"APOP", b"USER"]),
                    st.sampled_from(ARGUMENTS),
                ).map(b"".join),
            ),
            max_size=8,
        ),
        st.booleans(),
    )
    def _anything(self, lines: list[bytes], isLoggedIn: bool) -> None:
        wire = self.logIn() if isLoggedIn else self.wire()
        for line in lines:
            if line.strip().upper() not in (b"QUIT",):
                self.assertAnswered(wire, line)
        self.assertEqual(wire.ask(b"QUIT")[:3], b"+OK")
        wire.close()

    def test_anything(self) -> None:
        """
        Whatever lines come, each is answered, and the log tells of no error.
        """
        self._anything()
        self.assertQuiet()

    def test_spaces(self) -> None:
        """
        There may be spaces in a name and in a password.
        """
        self.logIn(b"al ice", b'pa"ss\\w rd')
        wire = self.wire()
        wire.ask(b"USER alice")
        self.assertEqual(wire.ask(b"PASS sesame ")[:4], b"-ERR")
        self.assertQuiet()

    def test_empty(self) -> None:
        """
        An empty name and an empty password are refused.
        """
        wire = self.wire()
        for line in (b"USER", b"USER "):
            wire.ask(line)
            self.assertEqual(wire.ask(b"PASS sesame")[:4], b"-ERR", line)
        for line in (b"PASS", b"PASS "):
            self.assertEqual(wire.ask(line)[:4], b"-ERR", line)
        wire.ask(b"USER alice")
        for line in (b"PASS", b"PASS "):
            self.assertEqual(wire.ask(line)[:4], b"-ERR", line)
        self.assertQuiet()

    def test_mechanisms(self) -> None:
        """
        The mechanisms are listed, and each lets a user in.
        """
        wire = self.wire()
        wire.say(b"AUTH")
        listed = wire.until(b".")[1:-1]
        scram = [b"SCRAM-SHA-256", b"SCRAM-SHA-1"]
        self.assertEqual(listed, [*scram, b"CRAM-MD5", b"PLAIN", b"LOGIN"])
        self.assertEqual(wire.ask(b"AUTH PLAIN"), b"+ ")
        self.assertEqual(wire.ask(coded(b"", b"alice", b"sesame"))[:3], b"+OK")
        wire = self.wire()
        plain = b"AUTH plain " + coded(b"", b"alice", b"sesame")
        self.assertEqual(wire.ask(plain)[:3], b"+OK")
        wire = self.wire()
        wire.ask(b"AUTH LOGIN")
        self.assertEqual(wire.ask(b64encode(b"al ice"))[:2], b"+ ")
        self.assertEqual(wire.ask(b64encode(b'pa"ss\\w rd'))[:3], b"+OK")
        self.assertQuiet()

    def test_cramMD5(self) -> None:
        """
        There may be a space in the name with CRAM-MD5, too.
        """
        wire = self.wire()
        challenge = b64decode(wire.ask(b"AUTH CRAM-MD5")[2:])
        digest = hmac.new(b'pa"ss\\w rd', challenge, md5).hexdigest().encode()
        self.assertEqual(wire.ask(b64encode(b"al ice " + digest))[:3], b"+OK")
        wire = self.wire()
        for malformed in (b"", b"alice", b"al ice", b" ", b"\xff"):
            wire.ask(b"AUTH CRAM-MD5")
            self.assertEqual(wire.ask(b64encode(malformed))[:4], b"-ERR", malformed)
        self.assertQuiet()

    def test_identity(self) -> None:
        """
        No user acts as another (RFC 4616); to be told one's own name, or none, is
        the same.
        """
        for identity in (b"bob", b"ALICE", b"alice ", b"root", b"Alice"):
            wire = self.wire()
            answer = wire.ask(b"AUTH PLAIN " + coded(identity, b"alice", b"sesame"))
            self.assertEqual(answer[:11], b"-ERR [AUTH]", identity)
            self.assertEqual(wire.ask(b"STAT")[:4], b"-ERR")
        for identity in (b"", b"alice"):
            answer = self.wire().ask(
                b"AUTH PLAIN " + coded(identity, b"alice", b"sesame")
            )
            self.assertEqual(answer[:3], b"+OK", identity)
        self.assertQuiet("sesame")

    def test_pipelined(self) -> None:
        """
        What is sent ahead is carried out in its turn.
        """
        wire = self.wire()
        wire.say(b"USER alice", b"PASS sesame", b"STAT", b"RETR 1", b"NOOP", b"QUIT")
        self.assertEqual(wire.line()[:3], b"+OK")
        self.assertIn(b"succeeded", wire.line())
        self.assertRegex(wire.line(), rb"^\+OK 1 \d+$")
        self.assertIn(b"Subject: Welcome", wire.until(b"."))
        self.assertEqual([wire.line()[:3] for _ in range(2)], [b"+OK", b"+OK"])

    def test_again(self) -> None:
        """
        Who is logged in can't log in again.
        """
        wire = self.logIn()
        for line in (b"USER bob", b"PASS tulip", b"AUTH PLAIN", b"APOP bob x"):
            self.assertEqual(wire.ask(line)[:4], b"-ERR", line)
        self.assertEqual(wire.ask(b"STAT")[:3], b"+OK")

    def test_deleted(self) -> None:
        """
        A message that is marked isn't there any more.
        """
        wire = self.logIn()
        self.assertEqual(wire.ask(b"DELE 1")[:3], b"+OK")
        for line in (b"DELE 1", b"LIST 1", b"UIDL 1", b"RETR 1", b"TOP 1 0"):
            self.assertEqual(wire.ask(line)[:4], b"-ERR", line)
        self.assertQuiet()


class POP3ContentTests(ServerTests, SynchronousTestCase):
    """
    Tests for messages as POP3 hands them over.
    """

    def test_dots(self) -> None:
        """
        Lines that begin with a dot arrive as they are, wherever they stand in a large
        message, and so do the first lines of one.
        """
        server = self.start(self.passwords(alice="sesame"), offered="pop3 imap")
        body = (
            b".\r\n..\r\n" + b".x\r\n" * 20000 + (b"x" * 70 + b"\r\n") * 40000 + b"no end"
        )
        letter = b"Subject: dots\r\n\r\n" + body
        imap = server.inbox()
        self.assertEqual(imap.append("INBOX", "", "", letter)[0], "OK")
        imap.logout()
        hasty = Wire(server.ports["pop3"])
        hasty.say(b"USER alice", b"PASS sesame", b"RETR 2", b"RETR 2", b"RETR 2")
        hasty.line()
        hasty.close()
        client = poplib.POP3("127.0.0.1", server.ports["pop3"], PATIENCE)
        client.user("alice")
        client.pass_("sesame")
        self.assertEqual(b"\r\n".join(client.retr(2)[1]), letter)
        for count in (0, 1, 2, 3, 20003):
            lines = [b"Subject: dots", b"", *body.split(b"\r\n")[:count]]
            self.assertEqual(client.top(2, count)[1], lines)
        client.quit()
        server.stop()
        self.assertNotIn("Traceback", server.log)
