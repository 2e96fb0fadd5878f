"""
Perspective Broker with a portal: a perspective that echoes.
"""

from __future__ import annotations

import sys

from zope.interface import implementer

from twisted.spread import pb

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.portal import IRealm, Portal


class SimplePerspective(pb.Avatar):
    """
    The avatar: what a user may call from afar.
    """

    def __init__(self, name):
        self.name = name

    def perspective_echo(self, text):
        """
        Send back what was sent.
        """
        return text

    def logout(self):
        """
        Leave.
        """
        print(f"{self.name} logged out")


@implementer(IRealm)
class SimpleRealm:
    """
    The realm: everybody gets a perspective.
    """

    def requestAvatar(self, avatarId, mind, *interfaces):
        """
        Answer with a perspective.
        """
        if pb.IPerspective not in interfaces:
            raise NotImplementedError("perspectives are all there is")
        avatar = SimplePerspective(avatarId.decode("utf-8"))
        return pb.IPerspective, avatar, avatar.logout


def makeFactory():
    """
    Tie the protocol, the realm and a checker together.
    """
    checker = InMemoryUsernamePasswordDatabaseDontUse(guest=b"password")
    return pb.PBServerFactory(Portal(SimpleRealm(), [checker]))


def main(reactor):
    """
    Serve on PB's port of this machine.
    """
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import TCP4ServerEndpoint

    endpoint = TCP4ServerEndpoint(reactor, pb.portno, interface="127.0.0.1")
    return endpoint.listen(makeFactory()).addCallback(lambda _: Deferred())


if __name__ == "__main__":
    from twisted.internet.task import react

    react(main, sys.argv[1:])
