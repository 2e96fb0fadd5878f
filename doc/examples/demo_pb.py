"""
Read the mail in the example server over Perspective Broker::

    python doc/examples/demo_pb.py FILE [PORT]

FILE is a password file as C{--auth=file:FILE} takes it; its first user logs in,
with the password in plain text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import react
from twisted.spread import pb

from mycred.credentials import UsernamePassword


class Mind(pb.Referenceable):
    """
    The client's end, which the server notifies of new messages.
    """

    def __init__(self, tell: Callable[[str], object] = print) -> None:
        """
        @param tell: called with a line about each new message.
        """
        self._tell = tell

    def remote_newMessage(self, uid: int) -> None:
        """
        Take notice of a new message.
        """
        self._tell(f"new message {uid}")


async def logIn(
    reactor: Any, port: int, credentials: UsernamePassword, mind: Mind
) -> tuple[Any, Any]:
    """
    Connect and log in.

    @return: a reference to the user's mailbox, and the connection.
    """
    factory = pb.PBClientFactory()
    endpoint = HostnameEndpoint(reactor, "127.0.0.1", port)
    connection = await endpoint.connect(factory)
    return await factory.login(credentials, mind), connection


async def showMail(mailbox: Any) -> None:
    """
    Print all messages.
    """
    for uid in await mailbox.callRemote("list"):
        content = await mailbox.callRemote("read", uid)
        if content is not None:
            print(f"message {uid}\n")
            print(content.decode("utf-8", "replace"))


def firstUser(file: str) -> UsernamePassword:
    """
    Return the credentials of the first user in a password file.
    """
    for line in Path(file).read_bytes().splitlines():
        name, colon, rest = line.partition(b":")
        if colon and not line.startswith(b"#"):
            return UsernamePassword(name, rest.partition(b":")[0])
    raise ValueError(f"{file} has no line name:password")


def end(reason: str) -> NoReturn:
    """
    Print in one line why there is no mail, and end the program.
    """
    print(reason, file=sys.stderr)
    raise SystemExit(1)


async def main(reactor: Any, file: str = "", port: str = "8787", *surplus: str) -> None:
    """
    Log in, and print the user's mail.
    """
    if not file or not port.isdecimal() or surplus:
        end("Usage: demo_pb.py FILE [PORT]")
    try:
        credentials = firstUser(file)
        mailbox, connection = await logIn(reactor, int(port), credentials, Mind())
        await showMail(mailbox)
    except pb.RemoteError as error:
        # The server names the error; its class is on the server's side.
        kind = error.remoteType
        kind = kind.decode() if isinstance(kind, bytes) else str(kind)
        end(f"The server refused: {kind.rpartition('.')[2]}")
    except Exception as error:
        end(f"No mail: {error}".partition("\n")[0])
    connection.transport.loseConnection()


if __name__ == "__main__":
    react(main, sys.argv[1:])
