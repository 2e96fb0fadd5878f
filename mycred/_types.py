"""
What mycred asks of objects that programs pass: as little as it uses of each, so that a
stand-in in a test and the real thing both will do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred


class UserRecord(Protocol):
    """
    An entry of passwd(5), as L{pwd.getpwnam} returns it.
    """

    @property
    def pw_name(self) -> str: ...

    @property
    def pw_passwd(self) -> str: ...

    @property
    def pw_uid(self) -> int: ...

    @property
    def pw_gid(self) -> int: ...

    @property
    def pw_dir(self) -> str: ...

    @property
    def pw_shell(self) -> str: ...


class UserDatabase(Protocol):
    """
    Where accounts are looked up; the module L{pwd} is one.
    """

    def getpwnam(self, name: str, /) -> UserRecord:
        """
        Return the entry of a user.

        @raise KeyError: if there is none.
        """


class GroupRecord(Protocol):
    """
    An entry of group(5), as L{grp.getgrnam} returns it.
    """

    @property
    def gr_name(self) -> str: ...

    @property
    def gr_gid(self) -> int: ...


class GroupDatabase(Protocol):
    """
    Where groups are looked up; the module L{grp} is one.
    """

    def getgrgid(self, gid: int, /) -> GroupRecord:
        """
        Return the entry of the group with a gid.

        @raise KeyError: if there is none.
        """

    def getgrnam(self, name: str, /) -> GroupRecord:
        """
        Return the entry of a group.

        @raise KeyError: if there is none.
        """


class KeyDatabase(Protocol):
    """
    Where the SSH keys of users are: a provider of conch's C{IAuthorizedKeysDB}.
    """

    def getAuthorizedKeys(self, username: bytes, /) -> Any:
        """
        Return the keys of a user: an iterable of conch's keys, or a L{Deferred} that
        fires with one.
        """


class Timer(Protocol):
    """
    A call that a reactor is to make later.
    """

    def active(self) -> bool:
        """
        Return whether it is still to be made.
        """

    def cancel(self) -> object:
        """
        Have it not made.
        """


class Clock(Protocol):
    """
    The part of a reactor that knows the time.
    """

    def seconds(self) -> float:
        """
        Return the time, in seconds.
        """

    def callLater(
        self, delay: float, callable: Callable[..., object], /, *args: object
    ) -> Timer:
        """
        Call something after a delay, in seconds.
        """


class Reactor(Clock, Protocol):
    """
    The part of a reactor that threads need.
    """

    @property
    def running(self) -> bool: ...

    def callFromThread(self, callable: Callable[..., object], /, *args: object) -> object:
        """
        Call something in the reactor's thread.
        """

    def addSystemEventTrigger(
        self, phase: str, event: str, callable: Callable[..., object], /
    ) -> object:
        """
        Have something called before, during or after an event such as C{shutdown}.
        """


class Credentials(Protocol):
    """
    Credentials that name a user, as text where the protocol speaks text.
    """

    @property
    def username(self) -> bytes | str: ...


class PasswordCredentials(Credentials, Protocol):
    """
    Credentials that can be asked whether they match a password.  Those that provide
    L{IUsernamePassword<mycred.credentials.IUsernamePassword>} hold the one that was
    typed.
    """

    @property
    def password(self) -> bytes | str: ...

    def checkPassword(self, password: Any, /) -> object:
        """
        Return whether they do, or a L{Deferred}, or a coroutine, that says so.
        """


class LoginPortal(Protocol):
    """
    What protocols use of a portal.
    """

    def login(self, credentials: Any, mind: object, *interfaces: Any) -> Deferred[Any]:
        """
        Log in.

        @return: a L{Deferred} that fires with the interface, the avatar and what logs it
            out.
        """


__all__ = [
    "Clock",
    "Credentials",
    "GroupDatabase",
    "GroupRecord",
    "KeyDatabase",
    "LoginPortal",
    "PasswordCredentials",
    "Reactor",
    "Timer",
    "UserDatabase",
    "UserRecord",
]
