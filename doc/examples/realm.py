"""
Diaries, and their realm: C{diary/realm.py} of a small application.
"""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface, implementer

from twisted.web.resource import IResource, Resource

from mycred.checkers import ANONYMOUS
from mycred.error import UnauthorizedLogin
from mycred.portal import IRealm


class IDiary(Interface):
    """
    A diary, for protocols that know diaries.
    """

    entries = Attribute("The entries, a list of text.")

    def write(entry: str) -> None:
        """
        Add an entry.
        """


@implementer(IDiary)
class Diary:
    """
    The entries of one user, in memory.

    @ivar readers: how many connections have the diary open.
    """

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.readers = 0

    def write(self, entry: str) -> None:
        """
        Add an entry.
        """
        self.entries.append(entry)

    def close(self) -> None:
        """
        Note that a connection has closed the diary.
        """
        self.readers -= 1


class DiaryPage(Resource):
    """
    A diary, for web browsers: GET reads it, POST adds what is sent.
    """

    isLeaf = True

    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self._diary = diary

    def render_GET(self, request: Any) -> bytes:
        """
        Show the entries.
        """
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return "".join(f"{entry}\n" for entry in self._diary.entries).encode()

    def render_POST(self, request: Any) -> bytes:
        """
        Add an entry.
        """
        self._diary.write(request.content.read().decode("utf-8", "replace"))
        return self.render_GET(request)


@implementer(IRealm)
class DiaryRealm:
    """
    The connection between users and their diaries.
    """

    # For each interface that a protocol may ask for, how to make such an avatar.
    _views = {IDiary: lambda diary: diary, IResource: DiaryPage}

    def __init__(self) -> None:
        self._diaries: dict[object, Diary] = {}

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer with a view of a user's diary.

        @param avatarId: the user's name, as the checker answered.
        @param mind: unused here.
        @param interfaces: the interfaces that the protocol can use, the best first.
        """
        interface = next((i for i in interfaces if i in self._views), None)
        if interface is None:
            raise NotImplementedError("none of these interfaces is served")
        if avatarId == ANONYMOUS:
            raise UnauthorizedLogin("diaries are private")
        diary = self._diaries.setdefault(avatarId, Diary())
        diary.readers += 1
        return interface, self._views[interface](diary), diary.close
