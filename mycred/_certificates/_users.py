"""
The users whom certificates name: what the files hold now, and what follows for one
certificate.  All of it may block, and is for threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock
from typing import Generic, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from .._files import KeptFile, Signature, State
from .._passwordfile import Notes
from .._secrets import asBytes
from .._verdict import Kind, Note, Verdict
from ._errors import Undecided, Untrusted, refusingFlaws
from ._mapping import parseMapping, withFingerprints
from ._naming import Naming
from ._pem import isText, parseAuthorities, parseRevocations
from ._trust import Revocations, Trust

_T = TypeVar("_T")

_Authorities = tuple[x509.Certificate, ...]
_Mapping = dict[str, str]


@dataclass(frozen=True, eq=False)
class _Content(Generic[_T]):
    """
    What a file holds.

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


def _keep(
    key: str, path: str, parse: Callable[[bytes, State], _T]
) -> KeptFile[_Content[_T]]:
    """
    Keep what a file holds, which counts as a whole or not at all.

    @param key: the option that has its path.
    @param path: its path.
    @param parse: returns what it means; raises L{ValueError} if it means nothing.
    """

    def content(text: bytes, state: State) -> _Content[_T]:
        try:
            return _Content(state, parse(text, state))
        except ValueError as error:
            return _Content(state, None, f"{key}: {path} can't be used: {error}")

    return KeptFile(path, content)


@dataclass(frozen=True)
class _Contents:
    """
    What all the files hold.
    """

    ca: _Content[_Authorities]
    crl: _Content[Revocations] | None
    map: _Content[_Mapping] | None

    @property
    def doubt(self) -> tuple[Signature, ...] | None:
        """
        The states of the files that may be half-written: also a certificate that is
        accepted is in doubt then, since what revokes it may be missing.
        """
        known = (self.ca, self.crl, self.map)
        states = [content.state for content in known if content is not None]
        return tuple(s.signature for s in states if s.isYoung) or None


class CertificateUsers:
    """
    The users whom certificates of trusted authorities name.

    @ivar path: what to call the store in the log.
    @ivar paths: the paths of its files.
    """

    def __init__(
        self, naming: Naming, ca: str, crl: str | None = None, map: str | None = None
    ) -> None:
        """
        @param naming: how a certificate is taken for a name.
        @param ca: the path of the certificates of the authorities.
        @param crl: the path of lists of revoked certificates; none is revoked if
            L{None}.
        @param map: the path of a file of names and accounts; names are accounts if
            L{None}.
        """
        self._naming = naming
        self._ca = _keep("ca", ca, lambda text, _: parseAuthorities(text))
        self._crl = self._map = None
        if crl is not None:
            self._crl = _keep("crl", crl, _revocationsIn(crl))
        if map is not None:
            isPrint = naming.kind == "fingerprint"
            parse: Callable[[bytes], _Mapping]
            parse = withFingerprints if isPrint else parseMapping
            self._map = _keep("map", map, lambda text, _: parse(text))
        self._lock = Lock()
        self._contents: _Contents | None = None
        self._trust: tuple[object, object, Trust] | None = None
        self._notes = Notes(ca, more="")
        self.path = ca
        self.paths = tuple(path for path in (ca, crl, map) if path is not None)

    def lookUp(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate] = ()
    ) -> Verdict:
        """
        Find out whom a certificate names, and whether a trusted authority vouches for it.

        @param certificate: the certificate of a client.
        @param chain: the other certificates that the client has sent.

        @raise OSError: if a file can't be read.
        """
        contents = self._read()
        doubt = contents.doubt
        try:
            self._trustIn(contents).insistOn(certificate, chain)
            name = self._accountOf(self._naming.nameOf(certificate), contents)
            return Verdict(
                Kind.ACCEPTED, asBytes(name), doubt=doubt, key=_evidence(certificate)
            )
        except Untrusted as error:
            why = f"{error}; the certificate is of {_subjectOf(certificate)}"
            return Verdict(Kind.REFUSED, b"", why, doubt=doubt)
        except Undecided as error:
            if doubt is None:
                self._notes.add(str(error), "{why}", why=str(error))
            return Verdict(Kind.UNSURE, b"", str(error), doubt=doubt)

    def problems(self) -> list[str]:
        """
        Return what is wrong with the files now that time may mend.

        @raise OSError: if a file can't be read.
        @raise ValueError: if one can't be used; the text names the option.
        """
        contents = self._read()
        try:
            self._trustIn(contents)
            authorities, crl, map = contents.ca.value, contents.crl, contents.map
            lists = () if crl is None else crl.value.lists
            if map is not None and not map.value:
                raise ValueError("map: there is no account in it")
        except Undecided as error:
            raise ValueError(str(error)) from None
        found = [f"ca: {_subjectOf(c)} isn't valid now" for c in authorities if _isOff(c)]
        for each in lists:
            if _isStale(each):
                issuer = each.issuer.rfc4514_string()
                found.append(f"crl: the list by {issuer} isn't good now")
        if crl is not None:
            issuers = {each.issuer for each in lists}
            lacking = [c for c in authorities if c.subject not in issuers]
            found += [f"crl: there is no list by {_subjectOf(c)}" for c in lacking]
        return found

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        return self._notes.take()

    def _read(self) -> _Contents:
        """
        Return what the files hold now.
        """
        crl = None if self._crl is None else self._crl.read()
        map = None if self._map is None else self._map.read()
        contents = _Contents(self._ca.read(), crl, map)
        if contents != self._contents:
            self._contents = contents
            # What is wrong with them is news.
            self._notes.clear()
        return contents

    def _trustIn(self, contents: _Contents) -> Trust:
        """
        Return what the files say about whom to trust.

        @raise Undecided: if they say nothing.
        """
        ca, crl = contents.ca, contents.crl
        with self._lock:
            known = self._trust
            if known is not None and known[:2] == (ca, crl):
                return known[2]
            self._trust = None
            authorities, revocations = ca.value, None if crl is None else crl.value
            try:
                trust = Trust(authorities, revocations)
            except ValueError as error:
                raise Undecided(f"{self.path}: {error}") from None
            self._trust = ca, crl, trust
            return trust

    def _accountOf(self, name: str, contents: _Contents) -> str:
        """
        Return the account that a name stands for.

        @raise Untrusted: if it stands for none.
        """
        if contents.map is None:
            return name
        try:
            return contents.map.value[name]
        except KeyError:
            raise Untrusted(f"{name} isn't in the map") from None


def _revocationsIn(path: str) -> Callable[[bytes, State], Revocations]:
    """
    Return what parses a file of lists of revoked certificates.
    """

    def parse(text: bytes, state: State) -> Revocations:
        lists = parseRevocations(text)
        return Revocations(lists, path, state.signature, isText(text))

    return parse


def _isOff(certificate: x509.Certificate) -> bool:
    """
    Return whether a certificate isn't valid now.
    """
    now = datetime.now(timezone.utc)  # noqa: UP017
    return not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _isStale(revocations: x509.CertificateRevocationList) -> bool:
    """
    Return whether a list is no longer good, or not yet.
    """
    now = datetime.now(timezone.utc)  # noqa: UP017
    until = revocations.next_update_utc
    return until is None or not revocations.last_update_utc <= now <= until


def _subjectOf(certificate: x509.Certificate) -> str:
    """
    Return the subject of a certificate, for the log.
    """
    try:
        with refusingFlaws():
            return certificate.subject.rfc4514_string() or "an empty subject"
    except Untrusted:
        return "a malformed subject"


def _evidence(certificate: x509.Certificate) -> str:
    """
    Return which certificate it was, for the log.
    """
    print_ = certificate.fingerprint(SHA256()).hex()
    return f"certificate sha256:{print_} of {_subjectOf(certificate)}"


__all__ = ["CertificateUsers"]
