"""
What is told how logins end, and tells it to observers of the logging system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, Logger

from .._audit import LoginEvent
from .._loginline import LINE, levelOf, shownOf
from ._fields import fieldsOf

#: What takes an event of L{twisted.logger}.
Observer = Callable[[LogEvent], object]


class AuditLog:
    """
    An audit log: one event for each login, when its verdict is known.

    It calls observers of L{twisted.logger}: an L{AuditFile}, an L{AuditSyslog}, or any
    callable that takes an event.  The namespace of an event is C{mycred.audit}, and it
    holds plain values, and no password:

        - C{verdict}, and the fields of the log's line by their names, as text;
        - C{fields}, a dictionary of what JSON gets, by the names of the Elastic Common
          Schema.

    Without observers nothing is made.

    @ivar isObserved: whether there are any.
    @ivar writesLater: the paths of the files that are written at a login.
    """

    _log = Logger()

    def __init__(self, *observers: Observer) -> None:
        """
        @param observers: what is called with each event, in the reactor's thread, so that
            it mustn't wait.
        """
        self._observers = observers
        self.isObserved = bool(observers)
        # By identity: a program's observers needn't have a hash.
        self._failing: set[int] = set()
        publish = cast(ILogObserver, self._publish)
        self._events = Logger(namespace="mycred.audit", observer=publish)
        paths = (getattr(observer, "path", None) for observer in observers)
        self.writesLater = tuple(path for path in paths if isinstance(path, str))

    def __call__(self, login: LoginEvent) -> None:
        """
        Tell how a login has ended.
        """
        if not self.isObserved:
            return
        told, known = shownOf(login)
        more: dict[str, Any] = {**known, "fields": fieldsOf(login, known)}
        self._events.emit(levelOf(login), LINE, verdict=login.verdict, told=told, **more)

    def close(self) -> None:
        """
        Close what observers have open, those that have a method C{close}.
        """
        for observer in self._observers:
            close = getattr(observer, "close", None)
            if close is not None:
                close()

    def _publish(self, event: LogEvent) -> None:
        """
        Call the observers.  One that fails costs no login, and the others nothing; it is
        logged once, until it has worked again.
        """
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                if id(observer) not in self._failing:
                    self._failing.add(id(observer))
                    self._log.failure("Telling of a login failed")
            else:
                self._failing.discard(id(observer))


__all__ = ["AuditLog", "Observer"]
