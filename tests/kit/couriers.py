"""
Clients that deliver mail whatever happens to the server, and keep a ledger.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Condition
from typing import Any

from .imapview import No
from .mailledger import Ledger, letter
from .mailload import checkMailbox
from .mailplaces import Place, submit

# What a client may meet while the server, or its database, isn't there.
_TROUBLE = (OSError, EOFError, No, smtplib.SMTPException)

# How long a number of deliveries may take, in seconds.
_PATIENCE = 60.0


class Couriers:
    """
    Clients, each in a thread, that deliver one message after another to the inboxes of
    some users: over IMAP4 or SMTP, after each failure on a new connection.

    @ivar ledger: what they were told.
    @ivar refusals: what the server has said where it refused.
    """

    def __init__(self, places: list[Place], users: list[str]) -> None:
        """
        @param places: where they connect, one at each.
        """
        self.ledger = Ledger()
        self.refusals: set[str] = set()
        self._users = users
        self._isOver = False
        self._done = self._allowed = 0
        self._changed = Condition()
        self._pool = ThreadPoolExecutor(2 * len(places))
        self._working: list[Future[None]] = [
            self._pool.submit(self._work, connect, place)
            for place in places
            for connect in (self._overIMAP4, self._overSMTP)
        ]

    def deliver(self, number: int, after: int, disturb: Callable[[], object]) -> None:
        """
        Have them deliver messages, and do something in the middle.

        @param number: how many messages.
        @param after: how many of them are delivered before it is done.
        @param disturb: what is done.
        """
        with self._changed:
            begun = self._done
            self._allowed = begun + number
            self._changed.notify_all()
        self._waitFor(begun + after)
        disturb()
        self._waitFor(begun + number)

    def _waitFor(self, wanted: int) -> None:
        """
        Wait until so many messages are delivered.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._done >= wanted, _PATIENCE):
                raise AssertionError(f"only {self._done} of {wanted}: {self.refusals}")

    def stop(self) -> None:
        """
        Have them finish the message that they are at, or give it up.
        """
        with self._changed:
            self._isOver = True
            self._changed.notify_all()
        self._pool.shutdown()
        for working in self._working:
            working.result()

    def check(self, place: Place) -> None:
        """
        Insist that each message that was acknowledged is there once, and each other at
        most once, for all of its recipients or for none; and that all are whole.
        """
        self.stop()
        for user in self._users:
            checkMailbox(place, user, self.ledger).close()
        self.ledger.checkTogether(self._users)

    def _work(self, connect: Callable[[Place], Any], place: Place) -> None:
        """
        Deliver messages until it is over.
        """
        while not self._isOver:
            with suppress(EOFError, OSError):
                try:
                    users, deliver, close = connect(place)
                except _TROUBLE as error:
                    self._refused(error)
                    continue
                try:
                    while not self._isOver:
                        self._deliver(users, deliver)
                except _TROUBLE as error:
                    self._refused(error)
                finally:
                    close()

    def _deliver(self, users: list[str], deliver: Callable[[bytes], int | None]) -> None:
        """
        Deliver a message, once there is one to deliver.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._isOver or self._done < self._allowed)
        if self._isOver:
            return
        token = self.ledger.newToken()
        for user in users:
            self.ledger.begin(user, token)
        uid = deliver(token)
        for user in users:
            self.ledger.finish(user, token, uid)
        with self._changed:
            self._done += 1
            self._changed.notify_all()

    def _refused(self, error: Exception) -> None:
        """
        Take note of what the server says.
        """
        if isinstance(error, (No, smtplib.SMTPException)):
            self.refusals.add(str(error))

    def _overIMAP4(self, place: Place) -> Any:
        """
        Connect over IMAP4, by which only one user gets a message.
        """
        user = self._users[0]
        view = place.view(user)
        return [user], lambda token: view.append(letter(token, 200)), view.close

    def _overSMTP(self, place: Place) -> Any:
        """
        Connect over SMTP.
        """
        client = place.smtp(self._users[0])

        def deliver(token: bytes) -> None:
            submit(client, self._users, letter(token, 200))

        return self._users, deliver, client.close


__all__ = ["Couriers"]
