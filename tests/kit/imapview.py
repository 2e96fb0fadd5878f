"""
A client of IMAP4 that keeps its view of the inbox as RFC 3501 has it, and holds the
server to that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .wire import Wire

# Commands during whose answer no message may be removed (section 7.4.1), since the client
# has sent numbers.
_NUMBERED = {b"FETCH", b"STORE", b"SEARCH"}

_literal = re.compile(rb"\{([0-9]+)\}\Z")
_told = re.compile(rb"\* ([0-9]+) (EXISTS|EXPUNGE|FETCH)(?: |\Z)")
_code = re.compile(rb"\* OK \[(UIDVALIDITY|UIDNEXT) ([0-9]+)\]")
_uid = re.compile(rb"[( ]UID ([0-9]+)[) ]")
_flags = re.compile(rb"[( ]FLAGS \(([^)]*)\)")


class No(Exception):
    """
    A command was refused.  The text is what the server has said.
    """


class Fetched(NamedTuple):
    """
    What an answer tells of a message.
    """

    number: int
    uid: int | None
    flags: frozenset[bytes] | None
    content: bytes | None


class View(Wire):
    """
    A client, and how it sees the inbox.

    Whatever the server says that contradicts what it has said before is an
    L{AssertionError}.

    @ivar uids: the UID of each message, the first message first; L{None} where it wasn't
        told yet.
    @ivar flags: the flags of messages by UID, as they were told last.
    @ivar removed: the UIDs of the messages that were told to be gone.
    @ivar uidValidity: the number of the mailbox.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.uids: list[int | None] = []
        self.flags: dict[int, frozenset[bytes]] = {}
        self.removed: list[int | None] = []
        self.uidValidity = self._uidNext = self._old = 0
        self._command = b""
        self._number = 0

    def logIn(self, user: str, password: str = "sesame") -> View:
        """
        Log in, and select the inbox.

        @return: this client.
        """
        self.do(b"LOGIN %b %b" % (user.encode(), password.encode()))
        self.select()
        return self

    def select(self) -> None:
        """
        Select the inbox.
        """
        self.uids, self.flags, self.removed = [], {}, []
        self.do(b"SELECT INBOX")
        # Those after them have UIDs from the one that was said.
        self._old = len(self.uids)

    def do(self, command: bytes) -> tuple[bytes, list[Fetched]]:
        """
        Send a command, and take the answers to it.

        @return: what the server says at the end, and what it has told of messages.

        @raise No: if it is refused.
        """
        self._number += 1
        tag = b"t%d " % self._number
        self._command = command.split()[0]
        self.send(tag + command + b"\r\n")
        fetched: list[Fetched] = []
        try:
            while not (answer := self.answer()).startswith(tag):
                fetched += self.take(answer)
        finally:
            self._command = b""
        status, _, text = answer[len(tag) :].partition(b" ")
        if status != b"OK":
            raise No((status + b" " + text).decode("ascii", "replace"))
        return text, fetched

    def answer(self) -> bytes:
        """
        Read an answer, with its literals, each after its line.
        """
        answer = self.line()
        while found := _literal.search(answer):
            answer += b"\r\n" + self.octets(int(found[1])) + self.line()
        return answer

    def take(self, answer: bytes) -> list[Fetched]:
        """
        Update the view by an untagged answer.

        @return: what it tells of a message, if it does.
        """
        if code := _code.match(answer):
            if code[1] == b"UIDNEXT":
                self._uidNext = int(code[2])
            else:
                self.uidValidity = int(code[2])
        told = _told.match(answer)
        if told is None:
            _insist(not answer.startswith(b"* BYE"), answer, EOFError)
            return []
        number = int(told[1])
        if told[2] == b"EXISTS":
            _insist(number >= len(self.uids), answer)
            self.uids += [None] * (number - len(self.uids))
            return []
        _insist(1 <= number <= len(self.uids), answer)
        if told[2] == b"EXPUNGE":
            _insist(bool(self._command) and self._command not in _NUMBERED, answer)
            self.removed.append(self.uids.pop(number - 1))
            self._old -= number <= self._old
            return []
        return [self._takeFetched(number, answer)]

    def _takeFetched(self, number: int, answer: bytes) -> Fetched:
        """
        Update the view by what an answer tells of a message.
        """
        head, _, rest = answer.partition(b"}\r\n")
        content = None
        if size := re.search(rb"\{([0-9]+)\Z", head):
            content, tail = rest[: int(size[1])], rest[int(size[1]) :]
            head += tail
        uid, flags = _uid.search(head), _flags.search(head)
        if uid is not None:
            self._learn(number, int(uid[1]), answer)
        known = self.uids[number - 1]
        given = None if flags is None else frozenset(flags[1].split())
        if known is not None and given is not None:
            self.flags[known] = given
        return Fetched(number, known, given, content)

    def _learn(self, number: int, uid: int, answer: bytes) -> None:
        """
        Take note of a message's UID, which never changes, and is higher than those of
        the messages before it (section 2.3.1.1).
        """
        known = self.uids[number - 1]
        _insist(known in (None, uid), answer)
        _insist(uid not in self.removed, answer)
        _insist((uid < self._uidNext) == (number <= self._old), answer)
        self.uids[number - 1] = uid
        told = [each for each in self.uids if each is not None]
        _insist(told == sorted(set(told)), answer)

    def learn(self) -> dict[int, bytes]:
        """
        Fetch the UIDs and the contents of the messages of which the UID wasn't told yet.

        @return: the contents by UID.  Those that are gone meanwhile aren't among them.
        """
        if None not in self.uids:
            return {}
        known, last = self.uids.index(None), len(self.uids)
        self.do(b"FETCH %d:%d (UID)" % (known + 1, last))
        new = self.uids[known:last]
        _insist(None not in new, b"a message without a UID")
        return self.contents(new)

    def contents(self, uids: Iterable[int | None]) -> dict[int, bytes]:
        """
        Fetch messages.
        """
        wanted = b",".join(b"%d" % uid for uid in uids if uid is not None)
        if not wanted:
            return {}
        _, fetched = self.do(b"UID FETCH %b (UID BODY.PEEK[])" % wanted)
        return {
            one.uid: one.content
            for one in fetched
            if one.uid is not None and one.content is not None
        }

    def append(self, content: bytes) -> int:
        """
        Put a message into the inbox.

        @return: its UID.
        """
        text, _ = self.do(b"APPEND INBOX {%d+}\r\n%b" % (len(content), content))
        return int(_matched(rb"\[APPENDUID %d ([0-9]+)\]" % self.uidValidity, text)[1])

    def copy(self, uid: int) -> int | None:
        """
        Copy a message within the inbox.

        @return: the UID of the copy; L{None} if the message is gone.
        """
        text, _ = self.do(b"UID COPY %d INBOX" % uid)
        if b"COPYUID" not in text:
            return None
        return int(_matched(rb"\[COPYUID [0-9]+ %d ([0-9]+)\]" % uid, text)[1])

    def idle(self, isOver: Callable[[View], bool]) -> None:
        """
        Wait (RFC 2177) until the view is one that a test waits for.

        @param isOver: whether it is.
        """
        self._number += 1
        self._command = b"IDLE"
        self.say(b"t%d IDLE" % self._number)
        while not (answer := self.answer()).startswith(b"+ "):
            self.take(answer)
        while not isOver(self):
            self.take(self.answer())
        self.say(b"DONE")
        while not (answer := self.answer()).startswith(b"t"):
            self.take(answer)
        _insist(answer.startswith(b"t%d OK" % self._number), answer)
        self._command = b""


def _insist(
    isRight: bool, answer: bytes, error: type[Exception] = AssertionError
) -> None:
    """
    Insist that an answer of the server's makes sense.
    """
    if not isRight:
        raise error(answer[:200].decode("ascii", "replace"))


def _matched(pattern: bytes, text: bytes) -> re.Match[bytes]:
    """
    Return the match of a pattern, which must be in a text.
    """
    found = re.search(pattern, text)
    if found is None:
        raise AssertionError(f"{pattern!r} isn't in {text!r}")
    return found


__all__ = ["Fetched", "No", "View"]
