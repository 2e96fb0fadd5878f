"""
Read one's mail on the example server, over Perspective Broker.

    python demo_pb.py FILE [PORT]

The first line of the file is the name and the password, with a colon between
them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import react
from twisted.python.failure import Failure
from twisted.spread import pb

from mycred.credentials import UsernamePassword


class Mind(pb.Referenceable):
    """
    What the server tells of new messages.
    """

    def remote_newMessage(self, uid: int) -> None:
        """
        Print it.
        """
        print(f"new message {uid}")


@inlineCallbacks
def main(reactor, path, port="8787"):
    """
    Log in, and print all messages.
    """
    name, _, password = Path(path).read_bytes().splitlines()[0].partition(b":")
    factory = pb.PBClientFactory()
    endpoint = HostnameEndpoint(reactor, "127.0.0.1", int(port))
    yield endpoint.connect(factory)
    try:
        avatar = yield factory.login(UsernamePassword(name, password), Mind())
    except Exception:
        sys.exit(f"The server refused the login: {Failure().type}")
    for uid in (yield avatar.callRemote("list")):
        content = yield avatar.callRemote("read", uid)
        print(f"--- message {uid}")
        print(content.decode("utf-8", "replace"))


if __name__ == "__main__":
    react(main, sys.argv[1:])
