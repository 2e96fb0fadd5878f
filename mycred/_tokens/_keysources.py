"""
Where the keys come from by which tokens are signed.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from .._files import KeptFile
from .._paths import AnyPath, asPath
from ..workers import Workers, workersOf
from ._endpoint import Answer, Endpoint
from ._errors import CannotTell
from ._keyset import BadKeySet, KeySet, parseKeySet
from ._outage import ServerOutage
from ._sharing import SharedRequests
from ._url import serverURL

# How large a key set may be, in bytes.
_LARGEST = 2**18


class KeySource(Protocol):
    """
    What has the keys.

    @ivar opensLater: the paths of the files that are opened for a login.
    """

    opensLater: tuple[str, ...]

    def current(self) -> Deferred[Callable[[], KeySet]]:
        """
        Return a L{Deferred} that fires with what returns the keys, in a thread.
        """

    def newer(self, known: KeySet) -> Deferred[Callable[[], KeySet]]:
        """
        Return keys that are newer than some in which one is missing; the same if there
        are none.
        """

    def close(self) -> Deferred[None]:
        """
        Close connections.
        """


class KeyFile:
    """
    Keys in a file, which is read again when it differs.

    @ivar path: the path of the file.
    """

    def __init__(self, path: AnyPath) -> None:
        """
        @param path: the path of the file, a JSON Web Key Set.

        @raise ValueError: if it holds no key that could be used, or everybody could
            write one into it.
        @raise OSError: if it can't be read.
        @raise ImportError: if joserfc isn't installed.
        """
        self.path = asPath(path)
        if os.stat(self.path).st_mode & stat.S_IWOTH:
            raise ValueError(f"everybody can write {self.path}; change that (chmod o-w)")
        self.opensLater: tuple[str, ...] = (self.path,)
        self._kept = KeptFile(self.path, lambda text, _: _parseSmall(text))
        try:
            self._kept.read()
        except BadKeySet as error:
            raise ValueError(f"{self.path}: {error}") from None

    def current(self) -> Deferred[Callable[[], KeySet]]:
        """
        Return what reads the keys, in a thread.
        """
        return succeed(self._kept.read)

    def newer(self, known: KeySet) -> Deferred[Callable[[], KeySet]]:
        """
        Return the same keys: the file was looked at just now.
        """
        return succeed(lambda: known)

    def close(self) -> Deferred[None]:
        """
        Do nothing.
        """
        return succeed(None)


class KeyURL:
    """
    Keys at a URL, such as the C{jwks_uri} of an OpenID provider.

    @cvar FRESH: for how long they are used without a look whether they have changed, in
        seconds.
    @cvar KEPT: for how long they are used while that can't be found out, in seconds.
    @cvar PAUSE: how long to wait at least from one look to the next, in seconds; clients
        send tokens with keys that don't exist.
    @cvar DEADLINE: how long a look may take, in seconds.
    """

    FRESH = 3600.0
    KEPT = 86400.0
    PAUSE = 10.0
    DEADLINE = 10.0

    opensLater: tuple[str, ...] = ()

    def __init__(
        self,
        url: str,
        *,
        ca: AnyPath | None = None,
        workers: Workers | None = None,
        reactor: Any = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param url: the URL; C{https}, or on this machine.
        @param ca: the path of the certificates of the authorities that vouch for its
            server, in PEM; those of the system if L{None}.
        @param workers: where the keys are parsed; the reactor's own if L{None}.
        @param reactor: the reactor; the one that is installed if L{None}.
        @param seconds: returns the seconds of a clock that nobody sets.

        @raise ValueError: if the URL or the certificates can't be used.
        @raise OSError: if the certificates can't be read.
        @raise ImportError: if what TLS takes isn't installed.
        """
        self._endpoint = Endpoint(
            serverURL(url),
            ca=ca,
            largest=_LARGEST,
            deadline=self.DEADLINE,
            reactor=reactor,
        )
        self._workers = workers
        self._seconds = seconds
        self._outage = ServerOutage(self._endpoint.url, seconds)
        self._looks: SharedRequests[KeySet] = SharedRequests(
            2 * self.DEADLINE, reactor, goesOn=True
        )
        # The keys, and when the look began that found them.
        self._keys: KeySet | None = None
        self._found = 0.0
        # When the last look began, and with what it failed, if it did.
        self._looked: float | None = None
        self._trouble: CannotTell | None = None

    def current(self) -> Deferred[Callable[[], KeySet]]:
        """
        Return the keys; those that were found last while the server is down.
        """
        age = self._seconds() - self._found
        if self._keys is None or age > self.KEPT:
            return self._look()
        if age <= self.FRESH:
            return succeed(partial(_same, self._keys))
        # While it is down, logins needn't wait for it each.
        looking = self._look()
        if self._trouble is not None:
            looking.addErrback(lambda _: None)
            return succeed(partial(_same, self._keys))
        known = self._keys
        return looking.addErrback(lambda _: partial(_same, known))

    def newer(self, known: KeySet) -> Deferred[Callable[[], KeySet]]:
        """
        Look for keys that are newer than those in which one is missing.
        """
        if self._keys is not None and self._keys is not known:
            return succeed(partial(_same, self._keys))
        return self._look()

    def close(self) -> Deferred[None]:
        """
        Close the connection.

        @return: a L{Deferred} that fires when it is closed.
        """
        self._outage.close()
        return self._endpoint.close()

    def _look(self) -> Deferred[Callable[[], KeySet]]:
        """
        Fetch the keys, unless that was done a moment ago.
        """
        now, looked = self._seconds(), self._looked
        if looked is not None and now < looked + self.PAUSE and not self._looks:
            if self._keys is None or self._trouble is not None:
                return fail(CannotTell(str(self._trouble)))
            return succeed(partial(_same, self._keys))
        looking = self._looks.ask(None, self._fetch)
        return looking.addCallback(lambda keys: partial(_same, keys))

    def _fetch(self) -> Deferred[KeySet]:
        """
        Fetch the keys.
        """
        began = self._looked = self._seconds()

        def cbAnswer(answer: Answer) -> Deferred[KeySet]:
            if answer.status != 200:
                raise CannotTell(f"{self._endpoint.url} answers {answer.status}, not 200")
            workers = self._workers or workersOf()
            return workers.run(parseKeySet, answer.body)

        def cbParsed(keys: KeySet) -> KeySet:
            self._keys, self._found, self._trouble = keys, began, None
            self._outage.end()
            return keys

        def ebFailed(failure: Failure) -> Failure:
            why = str(failure.value)
            if failure.check(BadKeySet):
                why = f"{self._endpoint.url} has no key set that can be used: {why}"
            self._trouble = self._outage.note(why)
            return Failure(CannotTell(why))

        fetching = self._endpoint.ask().addCallback(cbAnswer)
        return fetching.addCallbacks(cbParsed, ebFailed)


def _parseSmall(text: bytes) -> KeySet:
    """
    Parse a key set, unless it is too large.
    """
    if len(text) > _LARGEST:
        raise BadKeySet(f"it is over {_LARGEST} bytes")
    return parseKeySet(text)


def _same(keys: KeySet) -> KeySet:
    """
    Return the keys.
    """
    return keys


__all__ = ["KeyFile", "KeySource", "KeyURL"]
