"""
The users whom certificates name: what follows for one certificate from what the files
hold now.  All of it may block, and is for threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from .._passwordfile import Notes
from .._secrets import asBytes
from .._verdict import Kind, Note, Verdict
from ._current import lackingLists, outdatedAuthorities
from ._errors import Undecided, Untrusted, refusingFlaws
from ._files import Contents, Files
from ._naming import Naming
from ._trust import Trust

# So much of a subject is shown, in characters: a client may present one of any length.
_LONGEST_SUBJECT = 200


class CertificateUsers:
    """
    The users whom certificates of trusted authorities name.

    @ivar path: what to call the store in the log.
    @ivar paths: the paths of its files.
    """

    path = "a file of certificates"

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
        self._files = Files(ca, crl, map, naming.kind == "fingerprint")
        self._lock = Lock()
        self._contents: Contents | None = None
        self._trust: tuple[object, object, Trust] | None = None
        self._notes = Notes(ca, more="")
        self.paths = self._files.paths

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
            # Only now: what nobody has signed isn't worth to be searched for names.
            name = self._naming.nameOf(certificate)
            account = asBytes(_accountOf(name, contents))
        except Untrusted as error:
            why = f"{error}; the certificate is of {_subjectOf(certificate)}"
            return Verdict(Kind.REFUSED, b"", why, doubt=doubt)
        except Undecided as error:
            if doubt is None:
                self._notes.add(str(error), "{why}", why=str(error))
            return Verdict(Kind.UNSURE, b"", str(error), doubt=doubt)
        evidence = _evidence(certificate)
        return Verdict(Kind.ACCEPTED, account, doubt=doubt, key=evidence)

    def problems(self) -> list[str]:
        """
        Return what is wrong with the files now that time may mend.

        @raise OSError: if a file can't be read.
        @raise ValueError: if one can't be used; the text names the option.
        """
        contents = self._read()
        try:
            self._trustIn(contents)
            if contents.map is not None and not contents.map.value:
                raise ValueError("map: there is no account in it")
            return _problemsIn(contents)
        except Undecided as error:
            raise ValueError(str(error)) from None

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        return self._notes.take()

    def _read(self) -> Contents:
        """
        Return what the files hold now.
        """
        contents = self._files.read()
        if contents != self._contents:
            self._contents = contents
            # What is wrong with them is news.
            self._notes.clear()
        return contents

    def _trustIn(self, contents: Contents) -> Trust:
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
                raise Undecided(f"ca, crl: {error}") from None
            self._trust = ca, crl, trust
            return trust


def _accountOf(name: str, contents: Contents) -> str:
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


def _problemsIn(contents: Contents) -> list[str]:
    """
    Return which authorities and lists aren't good now, and which lists are missing.
    """
    authorities, crl = contents.ca.value, contents.crl
    found = [f"ca: {problem}" for problem in outdatedAuthorities(authorities)]
    if crl is not None:
        lacking = lackingLists(authorities, crl.value.lists)
        found += [f"crl: {problem}" for problem in lacking]
    return found


def _subjectOf(certificate: x509.Certificate) -> str:
    """
    Return the subject of a certificate, for the log.
    """
    try:
        with refusingFlaws():
            subject = certificate.subject.rfc4514_string()
    except Untrusted:
        return "a malformed subject"
    return subject[:_LONGEST_SUBJECT] or "an empty subject"


def _evidence(certificate: x509.Certificate) -> str:
    """
    Return which certificate it was, for the log.
    """
    digest = certificate.fingerprint(SHA256()).hex()
    return f"certificate sha256:{digest} of {_subjectOf(certificate)}"


__all__ = ["CertificateUsers"]
