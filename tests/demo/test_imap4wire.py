"""
Tests for L{mycred.demo._imap4} with what clients may send, and shouldn't.

They cover L{mycred.demo._imap4._account}, L{mycred.demo._imap4._connection},
L{mycred.demo._imap4._factory}, L{mycred.demo._imap4._folder},
L{mycred.demo._imap4._folders} and L{mycred.demo._imap4._basics}, too.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import md5

from hypothesis import HealthCheck, given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._imap4._commands import COMMANDS

from ..kit.server import ServerTests
from ..kit.wire import JUNK, NUMBERS, Wire, WireTests, coded

_NAMES = list(COMMANDS)
_OTHERS = [b"UID", b"UID NOOP", b"STARTTLS", b"X", b"__init__", b"\xff", b"ID NIL"]

# What may follow a command.
ARGUMENTS = [
    b"",
    b" ",
    b"  INBOX",
    b" inbox",
    b" nowhere",
    b" &x INBOX",
    b" &- &",
    b" alice sesame",
    b' "alice" "sesa\\me"',
    b' "alice" "sesame',
    b" alice sesame too much",
    b" 1 2 3",
    b" 1:* (FLAGS",
    b" 1 FLAGS)",
    b" 1 (FLAGS)",
    b" 1 ()",
    b" 1 BODY[",
    b" 1 BODY[]<",
    b" 1 BODY[]<0.0>",
    b" 1 BODY[]<99999.5>",
    b" 1 BODY[1.2.3.4.5.6]",
    b" 1 BODY[9.HEADER]",
    b" 1 BODY[MIME]",
    b" 1 BODY[HEADER.FIELDS]",
    b" 1 BODY[HEADER.FIELDS ()]",
    b' 1 BODY[HEADER.FIELDS ("a b")]',
    b" 1 (BODY[]) FLAGS",
    b" 1 +FLAGS (\\Seen",
    b" 1 +FLAGS \\Seen \\Flagged keyword",
    b" 1 FLAGS.LOUD ()",
    b" INBOX (MESSAGES",
    b" INBOX ()",
    b" INBOX (NONSENSE)",
    b' "" *',
    b' "" %%%%%%%%%%%%%%%%%%%%*',
    b" CHARSET KOI8-R ALL",
    b" CHARSET",
    b" OR ALL",
    b" NOT",
    b" " + b"NOT " * 500 + b"ALL",
    b" " + b"(" * 500 + b"ALL" + b")" * 500,
    b" HEADER",
    b" BEFORE 99-Foo-1",
    b" SINCE 1-Feb-99999",
    b" ON 31-Feb-1994",
    b" SUBJECT",
    b" LARGER -1",
    b" INBOX (\\Seen) {99999999999}",
    b" INBOX {x}",
    b" INBOX {-1}",
    b' INBOX "1-Feb-1994 99:99:99 +0000" {3}',
    b' INBOX " 1-Foo-1994 00:00:00 +0000" {3}',
    b" PLAIN xxx",
    b" PLAIN =",
    b" PLAIN = =",
    b" FOO",
    b" CRAM-MD5 xxx",
    *(b" " + junk for junk in JUNK),
    *(b" " + number for number in NUMBERS),
    *(b" %b FLAGS" % number for number in NUMBERS),
    *(b" 1 %b" % junk for junk in JUNK),
]

# Commands that end the connection, or go on.
_LAST = [b"LOGOUT", b"LOGIN", b"IDLE"]

_LOGINS = [b"LOGIN", b"AUTHENTICATE"]


def answered(wire: Wire, line: bytes) -> bytes:
    """
    Say a line, whatever it makes the server ask for, and read up to the answer.
    """
    tag = line.partition(b" ")[0]
    wire.say(line)
    while True:
        answer = wire.line()
        if answer.startswith(b"+ "):
            wire.say(b"*", b"")
        elif answer.startswith((b"* BAD", tag + b" ")):
            return answer


class IMAP4WireTests(WireTests, ServerTests, SynchronousTestCase):
    """
    Tests for IMAP4.
    """

    protocol = "imap"

    def logIn(self, select: bytes = b"") -> Wire:
        """
        Log in.

        @param select: what to say then.
        """
        wire = self.wire()
        self.assertEqual(wire.ask(b"0 LOGIN alice sesame")[:4], b"0 OK")
        if select:
            self.assertEqual(answered(wire, b"0 " + select)[:4], b"0 OK")
        return wire

    def connects(self) -> list[Wire]:
        """
        Connect in each state of a session.
        """
        return [
            self.wire(),
            self.logIn(),
            self.logIn(b"SELECT INBOX"),
            self.logIn(b"EXAMINE INBOX"),
        ]

    def assertAnswered(self, wire: Wire, line: bytes) -> None:
        """
        Assert that a command is answered.
        """
        self.assertRegex(answered(wire, b"9 " + line), rb"^(9|\*) (OK|NO|BAD)", line)

    def test_sweep(self) -> None:
        """
        Every command with no, too many or wrong arguments, in every state, and whatever
        is no command, is answered; the connection is kept, and the log tells of no
        error of the server.
        """
        for command in (*_NAMES, *_OTHERS, *JUNK):
            for number, wire in enumerate(self.connects()):
                for argument in ARGUMENTS:
                    isLast = command in _LAST and not argument.strip()
                    if not isLast and b"{" not in command + argument:
                        self.assertAnswered(wire, command + argument)
                    if command in _LOGINS and not number:
                        # A few logins without success end a connection.
                        wire.close()
                        wire = self.wire()
                wire.close()
        self.assertQuiet("sesame")

    def test_literals(self) -> None:
        """
        Literals that are no numbers, or too large, are refused, and not waited for.
        """
        for argument in ARGUMENTS:
            if b"{" in argument:
                for wire in self.connects():
                    wire.say(b"1 APPEND" + argument)
                    answer = wire.line()
                    if answer.startswith(b"+ "):
                        wire.send(b"abc\r\n")
                        answer = wire.line()
                    self.assertRegex(answer, b"^1 (BAD|NO)", argument)
                    self.assertEqual(wire.ask(b"2 NOOP")[:4], b"2 OK", argument)
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
                    st.sampled_from([n for n in _NAMES if n not in _LAST]),
                    st.sampled_from(ARGUMENTS),
                ).map(b"".join),
                st.tuples(
                    st.sampled_from(
                        [b"FETCH 1 ", b"UID SEARCH ", b"STORE 1 ", b"STATUS "]
                    ),
                    st.text('()[]{}"\\ *%.<>:,1aBODYHEADERFLAGS', max_size=30).map(
                        str.encode
                    ),
                ).map(b"".join),
            ).filter(lambda line: b"{" not in line and b"LOGOUT" not in line.upper()),
            max_size=8,
        ),
        st.booleans(),
    )
    def _anything(self, lines: list[bytes], isLoggedIn: bool) -> None:
        wire = self.logIn(b"SELECT INBOX") if isLoggedIn else self.wire()
        for line in lines:
            self.assertAnswered(wire, line)
        self.assertEqual(answered(wire, b"2 NOOP")[:4], b"2 OK")
        wire.close()

    def test_anything(self) -> None:
        """
        Whatever lines come, each is answered, and the log tells of no error.
        """
        self._anything()
        self.assertQuiet()

    def test_tags(self) -> None:
        """
        A line that has no tag is answered, and nothing of it comes back.
        """
        wire = self.wire()
        for line in (
            b"",
            b" ",
            b"+ NOOP",
            b"* OK",
            b"{ x",
            b"\xff x",
            b'"1" NOOP',
            b"\x00",
        ):
            self.assertEqual(wire.ask(line)[:6], b"* BAD ", line)
        self.assertEqual(wire.ask(b"1")[:6], b"1 BAD ")
        self.assertQuiet()

    def test_quoted(self) -> None:
        """
        The escapes of quoted strings are undone in names and passwords, which may also be
        literals, or bare.
        """
        name, password = b'"al ice"', b'"pa\\"ss\\\\w rd"'
        for line in (
            b"1 LOGIN %b %b" % (name, password),
            b"1 login   %b   %b" % (name, password),
            b"1   LOGIN   %b   %b  " % (name, password),
            b'1 LOGIN "alice" sesame',
        ):
            wire = self.wire()
            self.assertEqual(wire.ask(line)[:4], b"1 OK", line)
            wire.close()
        wire = self.wire()
        self.assertEqual(wire.ask(b"1 LOGIN {6}")[:2], b"+ ")
        self.assertEqual(wire.ask(b"al ice {10}")[:2], b"+ ")
        self.assertEqual(wire.ask(b'pa"ss\\w rd')[:4], b"1 OK")
        self.assertEqual(answered(wire, b'2 SELECT "IN\\BOX"')[:5], b"2 BAD")
        self.assertEqual(answered(wire, b"3 SELECT {5+}\r\nINBOX")[:4], b"3 OK")
        self.assertQuiet("ss\\w")

    def test_secret(self) -> None:
        """
        A password never comes back, nor is it logged, however a login is misspelled.
        """
        wire = self.wire()
        for line in (
            b"1 LOGIN alice geheim too",
            b'1 LOGIN alice "geheim',
            b'1 LOGIN alice "geheim" x',
            b'1 LOGIN alice "gehe\\im"',
            b"1 LOGIN alice geheim)(",
            b"1 LOGIN alice\tgeheim",
            b"1 LOGIN alice geheim{3}",
            b"1 LOGIN geheim",
            b"1 LOGON alice geheim",
            b"LOGIN alice geheim",
            b"1 geheim",
            b"1 SELECT geheim",
            b"1 AUTHENTICATE geheim",
            b"1 AUTHENTICATE PLAIN geheim",
            b"1 AUTHENTICATE PLAIN " + b64encode(b"geheim"),
            b"1 LOGIN alice {6+}\r\ngeheim x",
            b"geheim",
        ):
            answer = answered(wire, line)
            self.assertRegex(answer, rb"^(\*|1|LOGIN|geheim) (BAD|NO)", line)
            self.assertNotIn(b"geheim", answer.partition(b" ")[2])
            self.assertNotIn(b64encode(b"geheim"), answer)
        self.assertQuiet("geheim", b64encode(b"geheim").decode())

    def test_mechanisms(self) -> None:
        """
        Each mechanism lets a user in, with an initial response and without.
        """
        plain = coded(b"", b"alice", b"sesame")
        wire = self.wire()
        self.assertIn(b"SASL-IR", wire.greeting)
        self.assertEqual(wire.ask(b"1 AUTHENTICATE PLAIN"), b"+ ")
        self.assertEqual(wire.ask(plain)[:4], b"1 OK")
        self.assertEqual(self.wire().ask(b"1 authenticate plain " + plain)[:4], b"1 OK")
        wire = self.wire()
        wire.ask(b"1 AUTHENTICATE LOGIN")
        self.assertEqual(wire.ask(b64encode(b"al ice"))[:2], b"+ ")
        self.assertEqual(wire.ask(b64encode(b'pa"ss\\w rd'))[:4], b"1 OK")
        wire = self.wire()
        challenge = b64decode(wire.ask(b"1 AUTHENTICATE CRAM-MD5")[2:])
        digest = hmac.new(b'pa"ss\\w rd', challenge, md5).hexdigest().encode()
        self.assertEqual(wire.ask(b64encode(b"al ice " + digest))[:4], b"1 OK")
        wire = self.wire()
        for bad in (b"", b"*", b"xxx", b"====", b"\xff", b64encode(b"alice")):
            wire.ask(b"1 AUTHENTICATE PLAIN")
            self.assertEqual(wire.ask(bad)[:5], b"1 BAD", bad)
        wire = self.wire()
        for no in (coded(b"", b"a", b"b"), coded(b"", b"alice", b"tulip")):
            wire.ask(b"1 AUTHENTICATE PLAIN")
            self.assertEqual(wire.ask(no)[:4], b"1 NO", no)
        self.assertQuiet("sesame")

    def test_identity(self) -> None:
        """
        No user acts as another (RFC 4616); to be told one's own name, or none, is
        the same.
        """
        for identity in (b"bob", b"ALICE", b"alice ", b"root", b"Alice"):
            wire = self.wire()
            plain = coded(identity, b"alice", b"sesame")
            answer = wire.ask(b"1 AUTHENTICATE PLAIN " + plain)
            self.assertEqual(answer[:27], b"1 NO [AUTHENTICATIONFAILED]", identity)
            self.assertEqual(wire.ask(b"2 SELECT INBOX")[:5], b"2 BAD")
        for identity in (b"", b"alice"):
            plain = coded(identity, b"alice", b"sesame")
            answer = self.wire().ask(b"1 AUTHENTICATE PLAIN " + plain)
            self.assertEqual(answer[:4], b"1 OK", identity)
        self.assertQuiet("sesame")

    def test_pipelined(self) -> None:
        """
        What is sent ahead is carried out in its turn.
        """
        wire = self.wire()
        wire.say(
            b"1 LOGIN alice sesame",
            b"2 SELECT INBOX",
            b"3 APPEND INBOX {3+}",
            b"abc",
            b"4 FETCH 1:* BODY.PEEK[]",
            b"5 FETCH 1:* (FLAGS BODY[TEXT])",
            b"6 UID SEARCH ALL",
            b"7 STORE 1 +FLAGS (\\Deleted)",
            b"8 EXPUNGE",
            b"9 CLOSE",
            b"10 SELECT INBOX",
            b"11 LOGOUT",
            b"12 NOOP",
        )
        for tag in range(1, 12):
            self.assertEqual(wire.until(b"%d " % tag)[-1].split()[1], b"OK", tag)
        self.assertRaises(EOFError, wire.line)
        self.assertQuiet()

    def test_tooLarge(self) -> None:
        """
        A literal that is too large isn't waited for.  Who sends it without waiting for
        leave is disconnected.
        """
        wire = self.wire()
        self.assertEqual(wire.ask(b"1 LOGIN alice {9000}")[:5], b"1 BAD")
        self.assertEqual(wire.ask(b"2 NOOP")[:4], b"2 OK")
        wire = self.logIn()
        wire.say(b"1 APPEND INBOX {9999999+}")
        self.assertEqual(wire.line()[:14], b"* BYE [TOOBIG]")
        self.assertRaises(EOFError, wire.line)
        wire = self.logIn()
        self.assertEqual(wire.ask(b"1 APPEND INBOX {99999999}")[:13], b"1 NO [TOOBIG]")
        self.assertEqual(wire.ask(b"2 NOOP")[:4], b"2 OK")

    def test_idle(self) -> None:
        """
        Who is idle is told of a new message at once, and anything but DONE ends it with
        BAD.
        """
        wire = self.logIn(b"SELECT INBOX")
        self.assertEqual(wire.ask(b"1 IDLE")[:2], b"+ ")
        other = self.logIn()
        self.assertEqual(other.ask(b"1 APPEND INBOX {3+}\r\nabc")[:4], b"1 OK")
        self.assertEqual(wire.line(), b"* 2 EXISTS")
        self.assertEqual(wire.ask(b"done")[:4], b"1 OK")
        wire.ask(b"2 IDLE")
        self.assertEqual(wire.ask(b"nonsense")[:5], b"2 BAD")
        self.assertQuiet()

    def test_others(self) -> None:
        """
        What another session has changed is told with NOOP: what is gone, whose flags
        differ, and what is new.
        """
        wire, other = self.logIn(b"SELECT INBOX"), self.logIn(b"SELECT INBOX")
        for tag in (b"1", b"2"):
            answered(other, tag + b" APPEND INBOX {3+}\r\nabc")
        answered(other, b"3 STORE 1 +FLAGS (\\Deleted)")
        answered(other, b"4 STORE 3 +FLAGS (\\Flagged)")
        answered(other, b"5 EXPUNGE")
        wire.say(b"1 NOOP")
        told = wire.until(b"1 OK")
        self.assertIn(b"* 1 EXPUNGE", told)
        self.assertIn(b"* 2 FETCH (FLAGS (\\Flagged))", told)
        wire.say(b"2 NOOP")
        self.assertEqual(len(wire.until(b"2 OK")), 1)
        self.assertQuiet()

    def test_flags(self) -> None:
        """
        Flags that one session sets don't take away those that another has set since it
        looked; and EXPUNGE removes what is marked by then.
        """
        wire, other = self.logIn(b"SELECT INBOX"), self.logIn(b"SELECT INBOX")
        answered(wire, b"1 STORE 1 +FLAGS (\\Deleted)")
        answered(other, b"1 STORE 1 +FLAGS (\\Flagged)")
        other.say(b"2 FETCH 1 FLAGS")
        self.assertIn(b"* 1 FETCH (FLAGS (\\Deleted \\Flagged))", other.until(b"2 "))
        answered(wire, b"2 FETCH 1 BODY[]")
        answered(other, b"3 STORE 1 -FLAGS (\\Deleted)")
        wire.say(b"3 EXPUNGE", b"4 NOOP")
        self.assertIn(b"* 1 FETCH (FLAGS (\\Flagged \\Seen))", wire.until(b"4 "))
        self.assertQuiet()

    def test_copy(self) -> None:
        """
        Messages that don't all fit in are not copied, and those that do are told of.
        """
        wire = self.logIn(b"SELECT INBOX")
        large = b"abc\r\n" * 1000000
        wire.say(b"1 APPEND INBOX {%d+}" % len(large), large)
        wire.until(b"1 OK")
        for tag in (b"2", b"3"):
            wire.say(tag + b" COPY 1:* INBOX")
            self.assertRegex(wire.until(tag)[-1], tag + rb" OK \[COPYUID \d+ [0-9,]+ ")
        self.assertEqual(answered(wire, b"4 COPY 1:2 INBOX")[:4], b"4 NO")
        wire.say(b"5 STATUS INBOX (MESSAGES)")
        self.assertEqual(wire.line(), b"* STATUS INBOX (MESSAGES 8)")
        self.assertQuiet()

    def test_manyLiterals(self) -> None:
        """
        Who sends literals without end, though they are empty, is disconnected.
        """
        wire = self.logIn()
        wire.say(b"1 SEARCH TEXT {0+}", *[b" TEXT {0+}"] * 60)
        self.assertEqual(wire.line()[:14], b"* BYE [TOOBIG]")
        self.assertRaises((EOFError, ConnectionError), wire.line)

    def test_notRead(self) -> None:
        """
        However much a client asks for that it doesn't read, the server keeps little of
        it.
        """
        wire = self.logIn(b"SELECT INBOX")
        large = b"abc\r\n" * 800000
        wire.say(b"1 APPEND INBOX {%d+}" % len(large), large)
        wire.until(b"1 OK")
        before = self.server.memory()
        wire.say(b"2 FETCH 2 (%b)" % b" ".join([b"BODY.PEEK[]"] * 100))
        other = self.logIn()
        for _ in range(1000):
            other.ask(b"1 NOOP")
        self.assertLess(self.server.memory() - before, 100)
        answer = wire.line()
        for _ in range(10):
            self.assertTrue(answer.endswith(b"BODY[] {%d}" % len(large)))
            self.assertEqual(wire.octets(len(large)), large)
            answer = wire.line()
        self.assertQuiet()

    def test_hangUp(self) -> None:
        """
        Who hangs up in the middle of anything is no error of the server's.
        """
        large = b"abc\r\n" * 1000000
        wire = self.logIn()
        wire.say(b"1 APPEND INBOX {%d+}" % len(large), large)
        self.assertEqual(wire.line()[:4], b"1 OK")
        for said in (
            b"1 FETCH 2 BODY[]",
            b"1 IDLE",
            b"1 APPEND INBOX {10}\r\nabc",
            b"1 AUTHENTICATE PLAIN",
            b"1 UID SEARCH TEXT nothing\r\n2 FETCH 1:* BODY[]",
        ):
            early = self.wire()
            early.say(said)
            early.close()
            later = self.logIn(b"SELECT INBOX")
            later.say(said)
            later.line()
            later.close()
        wire.say(b"2 SELECT INBOX")
        wire.until(b"2 OK")
        self.assertQuiet()
