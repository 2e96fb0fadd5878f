"""
The files that say which certificates count, as they are now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cryptography import x509

from .._files import KeptFile, Signature, State
from ._errors import Undecided
from ._mapping import parseMapping, withFingerprints
from ._pem import isText, parseAuthorities, parseRevocations
from ._trust import Revocations

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Content(Generic[_T]):
    """
    What a file holds, which counts as a whole or not at all.

    @ivar state: the state in which it was read.
    @ivar known: what it means; L{None} if it means nothing.
    @ivar flaw: why it doesn't.
    """

    state: State
    known: _T | None
    flaw: str = ""

    @property
    def value(self) -> _T:
        """
        What it means.

        @raise Undecided: if it means nothing.
        """
        if self.known is None:
            raise Undecided(self.flaw)
        return self.known


@dataclass(frozen=True)
class Contents:
    """
    What all the files hold.

    @ivar ca: the certificates of authorities.
    @ivar crl: the lists of revoked certificates; L{None} without a file of them.
    @ivar map: the accounts by the names that certificates have; L{None} without a file
        of them.
    """

    ca: Content[tuple[x509.Certificate, ...]]
    crl: Content[Revocations] | None
    map: Content[dict[str, str]] | None

    @property
    def doubt(self) -> tuple[Signature, ...] | None:
        """
        The states of the files that may be half-written: also a certificate that is
        accepted is in doubt then, since what revokes it may be missing.
        """
        known = (self.ca, self.crl, self.map)
        states = [content.state for content in known if content is not None]
        return tuple(s.signature for s in states if s.isYoung) or None


class Files:
    """
    The files, each of which is read again when it differs.

    @ivar paths: their paths.
    """

    def __init__(
        self, ca: str, crl: str | None, map: str | None, isOfFingerprints: bool
    ) -> None:
        """
        @param ca: the path of the certificates of authorities.
        @param crl: the path of lists of revoked certificates, if there are any.
        @param map: the path of a file of names and accounts, if there is one.
        @param isOfFingerprints: whether its names are fingerprints.
        """
        self._ca = _keep("ca", ca, lambda text, _: parseAuthorities(text))
        self._crl = self._map = None
        if crl is not None:
            self._crl = _keep("crl", crl, _revocationsIn(crl))
        if map is not None:
            parse: Callable[[bytes], dict[str, str]]
            parse = withFingerprints if isOfFingerprints else parseMapping
            self._map = _keep("map", map, lambda text, _: parse(text))
        self.paths = tuple(path for path in (ca, crl, map) if path is not None)

    def read(self) -> Contents:
        """
        Return what they hold now.

        @raise OSError: if one can't be read.
        """
        crl = None if self._crl is None else self._crl.read()
        map = None if self._map is None else self._map.read()
        return Contents(self._ca.read(), crl, map)


def _keep(
    key: str, path: str, parse: Callable[[bytes, State], _T]
) -> KeptFile[Content[_T]]:
    """
    Return what keeps what a file holds.

    @param key: the option that has its path.
    @param path: its path.
    @param parse: returns what it means; raises L{ValueError} if it means nothing.
    """

    def content(text: bytes, state: State) -> Content[_T]:
        try:
            return Content(state, parse(text, state))
        except ValueError as error:
            return Content(state, None, f"{key}: {path} can't be used: {error}")

    return KeptFile(path, content)


def _revocationsIn(path: str) -> Callable[[bytes, State], Revocations]:
    """
    Return what parses a file of lists of revoked certificates.
    """

    def parse(text: bytes, state: State) -> Revocations:
        file = (path, state.signature) if isText(text) else None
        return Revocations(parseRevocations(text), file)

    return parse


__all__ = ["Content", "Contents", "Files"]
