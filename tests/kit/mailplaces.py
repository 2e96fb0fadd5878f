"""
Places where tests reach the same mailboxes, over one database.
"""

from __future__ import annotations

import poplib
import smtplib
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from .databases import PASSWORD, USER, DatabaseServer
from .imapview import View
from .server import PATIENCE, ServerTests
from .sharedmail import MailServer

#: The protocols that are offered.
OFFERED = "imap pop3 smtp"

_numbers = count(1)


class Place(NamedTuple):
    """
    A process that serves the mailboxes.

    @ivar server: the program.
    @ivar pid: its process; 0 for whichever answers.
    """

    server: MailServer
    pid: int = 0

    def view(self, user: str) -> View:
        """
        Open a user's inbox over IMAP4.
        """
        return self._client(lambda: View(self.server.ports["imap"])).logIn(user)

    def smtp(self, user: str) -> smtplib.SMTP:
        """
        Log a user in over SMTP.
        """
        port = self.server.ports["smtp"]
        client: smtplib.SMTP = self._client(
            lambda: smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE)
        )
        client.login(user, "sesame")
        return client

    def pop3(self, user: str) -> poplib.POP3:
        """
        Log a user in over POP3.
        """
        port = self.server.ports["pop3"]
        client: poplib.POP3 = self._client(
            lambda: poplib.POP3("127.0.0.1", port, timeout=PATIENCE)
        )
        client.user(user)
        client.pass_("sesame")
        return client

    def _client(self, make: Callable[[], Any]) -> Any:
        """
        Connect a client.
        """
        return self.server.clientOf(make, self.pid) if self.pid else make()


class PlaceTests(ServerTests):
    """
    What the tests of several processes have in common.
    """

    def serve(
        self: Any, store: list[str], *more: str, offered: str = OFFERED
    ) -> MailServer:
        """
        Start a server.

        @param store: the options that say where the mail is.
        """
        path = self.folder / "htpasswd"
        hashed = self.hashed("sesame")
        path.write_text("".join(f"user{n}:{hashed}\n" for n in range(1, 200)))
        names = offered.split()
        options = self.options([f"--auth=htpasswd:{path}"], names, "")
        return MailServer([*options, *store, *more], names, str(self.folder))

    def newUser(self) -> str:
        """
        Return the name of a user who has no mail yet.
        """
        return f"user{next(_numbers)}"


def submit(client: smtplib.SMTP, users: list[str], content: bytes) -> None:
    """
    Send a message to all of some users, or to none.

    @raise smtplib.SMTPResponseException: if the server refuses it, or one of them.
    """
    client.mail("")
    for user in users:
        code, said = client.rcpt(user)
        if code != 250:
            client.rset()
            raise smtplib.SMTPResponseException(code, said)
    code, said = client.data(content)
    if code != 250:
        raise smtplib.SMTPResponseException(code, said)


def storeOptions(database: DatabaseServer | None, folder: Path) -> list[str]:
    """
    Return the options for a new store.

    @param database: the database server; L{None} for a file.
    """
    if database is None:
        return [f"--store={folder / 'shared.sqlite'}"]
    path = folder / "password"
    path.touch(0o600)
    path.write_text(PASSWORD)
    name = database.makeDatabase()
    url = f"{database.dialect}://{USER}@127.0.0.1:{database.port}/{name}"
    return [f"--store={url}", f"--store-passwordfile={path}"]


def workersOf(server: MailServer, wanted: int) -> list[int]:
    """
    Return the workers of a server, by whom they serve.
    """
    found: list[int] = []
    clients = []
    try:
        while len(found) < wanted:
            client = server.clientOf(
                lambda: View(server.ports["imap"]), *found, isOther=True
            )
            clients.append(client)
            found.append(server.servedBy(client))
    finally:
        for client in clients:
            client.close()
    return found


__all__ = ["OFFERED", "Place", "PlaceTests", "storeOptions", "submit", "workersOf"]
