"""
A realm that gives each protocol its own view of one thing, and tells the mind.
"""

from __future__ import annotations

from zope.interface import Attribute, Interface, implementer

from mycred.checkers import ANONYMOUS
from mycred.error import UnauthorizedLogin
from mycred.portal import IRealm


class IReader(Interface):
    """
    Who may read the board.
    """

    lines = Attribute("The lines on the board.")


class IWriter(IReader):
    """
    Who may write on it.
    """

    def write(line):
        """
        Add a line.
        """


@implementer(IWriter)
class Board:
    """
    The avatar.
    """

    def __init__(self, realm, name):
        self.realm = realm
        self.name = name
        self.lines = realm.lines

    def write(self, line):
        """
        Add a line, and tell whoever is logged in.
        """
        self.lines.append(line)
        for mind in self.realm.minds:
            mind(f"{self.name} wrote")


@implementer(IRealm)
class BoardRealm:
    """
    The realm: one board for all.
    """

    def __init__(self):
        self.lines = []
        self.minds = []

    def requestAvatar(self, avatarId, mind, *interfaces):
        """
        Answer with the first interface that suits both the protocol and the user.
        """
        for interface in interfaces:
            if interface is IReader or (
                interface is IWriter and avatarId is not ANONYMOUS
            ):
                break
        else:
            raise UnauthorizedLogin
        name = "somebody" if avatarId is ANONYMOUS else avatarId.decode("utf-8")

        def logout():
            if mind is not None:
                self.minds.remove(mind)

        if mind is not None:
            self.minds.append(mind)
        return interface, Board(self, name), logout
