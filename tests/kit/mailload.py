"""
Clients that deliver, copy and remove mail at once, each in a thread, and keep a ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import Random
from typing import TypeVar

from .imapview import View
from .mailledger import Ledger, letter, tokenOf
from .mailplaces import Place, submit

_T = TypeVar("_T")


class Correspondent:
    """
    A client of several protocols.

    @ivar user: the user who has logged in.
    @ivar view: its view of their inbox.
    """

    def __init__(self, place: Place, users: list[str], ledger: Ledger, seed: int) -> None:
        """
        @param place: where it connects.
        @param users: those to whom it writes; the first is its own.
        @param seed: what decides what it does.
        """
        self._place, self._users, self._ledger = place, users, ledger
        self._random = Random(seed)
        self.user = users[0]
        self.view = place.view(self.user)
        self._smtp = place.smtp(self.user)
        self._chosen: set[int] = set()

    def close(self) -> None:
        """
        Hang up.
        """
        self.view.close()
        self._smtp.close()

    def work(self, times: int) -> None:
        """
        Deliver as many messages, and remove as many.
        """
        left = {self.deliver: times, self.remove: times}
        while left:
            act = self._random.choice(list(left))
            act()
            left[act] -= 1
            if not left[act]:
                del left[act]

    def deliver(self) -> None:
        """
        Deliver a message by one way or another.
        """
        self._random.choice([self.append, self.send, self.send, self.copy])()

    def append(self) -> None:
        """
        Put a message into the inbox over IMAP4.
        """
        token = self._ledger.newToken()
        self._ledger.begin(self.user, token)
        uid = self.view.append(letter(token))
        self._ledger.finish(self.user, token, uid)

    def send(self) -> None:
        """
        Send a message to one or several users over SMTP.
        """
        to = self._random.sample(self._users, self._random.randint(1, len(self._users)))
        token = self._ledger.newToken()
        for user in to:
            self._ledger.begin(user, token)
        submit(self._smtp, to, letter(token))
        for user in to:
            self._ledger.finish(user, token)

    def copy(self) -> None:
        """
        Copy a message, if there is one.
        """
        known = [uid for uid in self._known() if self._token(uid)]
        if not known:
            return self.append()
        uid = self._random.choice(known)
        token = self._token(uid) or b""
        self._ledger.begin(self.user, token)
        copy = self.view.copy(uid)
        if copy is None:
            self._ledger.cancel(self.user, token)
            return self.deliver()
        return self._ledger.copy(self.user, uid, copy)

    def remove(self) -> None:
        """
        Remove a message by one way or another.
        """
        while not (known := self._known()):
            self.append()
        uid = self._random.choice(known)
        self._chosen.add(uid)
        self._ledger.mark(self.user, uid)
        self._random.choice([self._expunge, self._expungeOne, self._removePOP3])(uid)
        self.view.do(b"NOOP")
        self._ledger.remove(self.user, uid, *self.view.removed)

    def _expunge(self, uid: int) -> None:
        """
        Remove a message, with all that others have marked.
        """
        self._mark(uid)
        self.view.do(b"EXPUNGE")

    def _expungeOne(self, uid: int) -> None:
        """
        Remove nothing but one message.
        """
        self._mark(uid)
        self.view.do(b"UID EXPUNGE %d" % uid)

    def _mark(self, uid: int) -> None:
        """
        Mark a message, and change the flags of another.
        """
        self.view.do(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
        other = self._random.choice(self._known() or [uid])
        sign = self._random.choice([b"+", b"-"])
        self.view.do(b"UID STORE %d %bFLAGS (\\Flagged)" % (other, sign))

    def _removePOP3(self, uid: int) -> None:
        """
        Remove a message over POP3.
        """
        anywhere = self._place._replace(pid=0)
        with closing(anywhere.pop3(self.user)) as client:
            names = {line.split()[1]: int(line.split()[0]) for line in client.uidl()[1]}
            number = names.get(b"%d.%d" % (self.view.uidValidity, uid))
            if number is not None:
                client.dele(number)
            client.quit()

    def _known(self) -> list[int]:
        """
        Return the UIDs of the messages in the view, after looking at the new ones, but
        for those that it has removed.
        """
        contents = self.view.learn()
        self._ledger.see(self.user, {u: tokenOf(c) for u, c in contents.items()})
        return [
            uid for uid in self.view.uids if uid is not None and uid not in self._chosen
        ]

    def _token(self, uid: int) -> bytes | None:
        """
        Return a message's token.
        """
        return self._ledger.tokenOf(self.user, uid)


def atOnce(jobs: Iterable[Callable[[], _T]]) -> list[_T]:
    """
    Call functions at once, each in a thread, and return what they return, or raise what
    one of them raises.
    """
    called = list(jobs)
    with ThreadPoolExecutor(len(called)) as pool:
        return [each.result() for each in [pool.submit(job) for job in called]]


def checkMailbox(place: Place, user: str, ledger: Ledger) -> View:
    """
    Insist that an inbox holds what it must hold.

    @return: a new client's view of it.
    """
    view = place.view(user)
    contents = view.learn()
    _insistOnAll(view, contents)
    ledger.check(user, {uid: tokenOf(content) for uid, content in contents.items()})
    return view


def _insistOnAll(view: View, contents: dict[int, bytes]) -> None:
    """
    Insist that the server has sent each message.
    """
    if list(contents) != view.uids:
        raise AssertionError(f"{list(contents)} aren't {view.uids}")


__all__ = ["Correspondent", "atOnce", "checkMailbox"]
