"""
A first login over Perspective Broker: a realm, a checker and a portal.

The protocol is Twisted's own.  Run the file, and log in from another program
with L{twisted.spread.pb.PBClientFactory} at port 9986, as C{guest} with the
password C{password}.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react
from twisted.logger import Logger
from twisted.spread import pb

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.portal import IRealm, Portal


class SimplePerspective(pb.Avatar):
    """
    What a user can do over the network.
    """

    _log = Logger()

    def perspective_echo(self, text: str) -> str:
        """
        Return the text.
        """
        self._log.info("echoing {text}", text=text)
        return text

    def logout(self) -> None:
        """
        Log that the user has left.
        """
        self._log.info("{avatar} logged out", avatar=self)


@implementer(IRealm)
class SimpleRealm:
    """
    A realm in which all users can do the same.
    """

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer with a perspective, which is what PB asks for.
        """
        if pb.IPerspective not in interfaces:
            raise NotImplementedError("this realm has perspectives only")
        avatar = SimplePerspective()
        return pb.IPerspective, avatar, avatar.logout


def main(reactor: Any) -> Deferred[None]:
    """
    Serve one user.
    """
    checker = InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(b"guest", b"password")
    portal = Portal(SimpleRealm())
    portal.registerChecker(checker)
    endpoint = serverFromString(reactor, "tcp:9986:interface=127.0.0.1")
    listening = endpoint.listen(pb.PBServerFactory(portal))
    return listening.addCallback(lambda _: Deferred())


if __name__ == "__main__":
    react(main)
