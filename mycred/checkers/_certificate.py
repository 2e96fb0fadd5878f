"""
Check the TLS certificates of clients.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from zope.interface import implementer

from twisted.internet.defer import Deferred

from .._audit import withReason
from .._authzid import insistOnOwnName
from .._certificates import KINDS, WITH_DOMAIN, CertificateUsers, Naming
from .._checking._accounts import withKey
from .._checking._passwords import errorOf
from .._checking._stores import AsyncStore
from .._contracts import AvatarID, ICredentialsChecker
from .._conversations import ICertificateCredentials
from .._paths import AnyPath, asPath, asPathOrNone
from .._peers import sourceOf
from .._reporting import reportsOutcome
from .._verdict import Kind, Note, Verdict
from ..error import UnauthorizedLogin
from ..workers import Workers

# A domain as certificates have it (RFC 1034, section 3.5).
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@implementer(ICredentialsChecker)
class CertificateChecker:
    """
    The users who hold a certificate for which an authority vouches.

    At each login the chain, the purpose, the validity and the revocation are verified
    with the time and the files of then, whatever TLS has verified.  The files are read
    again when they differ; one that can't be used is a
    L{TemporaryFailure<mycred.error.TemporaryFailure>} for all certificates, and so is a
    list of revoked ones that is missing or stale.
    """

    authType = "cert"

    credentialInterfaces = (ICertificateCredentials,)

    def __init__(
        self,
        ca: AnyPath,
        *,
        crl: AnyPath | None = None,
        name: str = "email",
        match: str | None = None,
        domain: str | None = None,
        map: AnyPath | None = None,
        workers: Workers | None = None,
    ) -> None:
        """
        @param ca: the path of the certificates of the authorities.
        @param crl: the path of lists of revoked certificates (RFC 5280): one by each
            authority that issues any of a chain.  None is revoked if L{None}.
        @param name: the place of the user's name in a certificate: C{email}, C{cn},
            C{uri}, C{dns}, C{upn}, C{dn} or C{fingerprint}.
        @param match: a regular expression that a name must match as a whole; what its
            group matches counts, if it has one.
        @param domain: the domain that a name must have after its last C{@}; it is cut
            off.
        @param map: the path of a file with lines C{name account}; names are accounts if
            L{None}.
        @param workers: where the files are read, and certificates are verified; the
            reactor's own if L{None}.

        @raise ValueError: if an argument makes no sense; the text begins with its name.
        """
        naming = _namingOf(name, match, domain)
        paths = asPath(ca), asPathOrNone(crl), asPathOrNone(map)
        users = CertificateUsers(naming, *paths)
        self._store = _CertificateStore(users, workers)

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The paths of the files that are opened for a login, with the rights that the
        server has then.
        """
        return self._store.users.paths

    def problems(self) -> list[str]:
        """
        Return what is wrong with the files now, and may be right at a later time: an
        authority that has expired, a list of revoked certificates that is stale or
        missing.

        @raise OSError: if a file can't be read.
        @raise ValueError: if one can't be used; the text begins with the argument that
            has its path.
        """
        return self._store.users.problems()

    @reportsOutcome
    def requestAvatarId(self, credentials: ICertificateCredentials) -> Deferred[AvatarID]:
        """
        Check a certificate.

        @param credentials: the certificate that a client has presented.

        @return: a L{Deferred} that fires with the account of its holder.  It fails with
            L{UnauthorizedLogin<mycred.error.UnauthorizedLogin>}, and with
            L{TemporaryFailure<mycred.error.TemporaryFailure>} if nothing can be said
            about certificates now, or too many logins wait.
        """
        return self._store.lookUp(credentials).addCallback(_cbVerdict, credentials)


class _CertificateStore(AsyncStore):
    """
    The users whom certificates name, as threads find them.

    @ivar users: the users.
    """

    def __init__(self, users: CertificateUsers, workers: Workers | None) -> None:
        super().__init__(users.path, workers)
        self.users = users

    def lookUp(self, credentials: ICertificateCredentials) -> Deferred[Verdict]:
        """
        Find out whom a certificate names, and whether an authority vouches for it.
        """
        asked = credentials.certificate, tuple(credentials.chain)
        source = sourceOf(credentials)
        return self.ask(self.users.lookUp, *asked, source=source, isShared=True)

    def _takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        return self.users.takeNotes()


def _namingOf(kind: str, match: str | None, domain: str | None) -> Naming:
    """
    Return how a certificate is taken for a name.

    @raise ValueError: if an argument makes no sense; the text begins with its name.
    """
    if kind not in KINDS:
        raise ValueError(f"name: write one of {', '.join(KINDS)}")
    pattern = None
    if match is not None:
        try:
            pattern = re.compile(match)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"match: it is no regular expression ({error})") from None
        if pattern.groups > 1:
            raise ValueError("match: write one group at most; (?:...) is none")
    if domain is not None:
        domain = domain.lower()
        if not _DOMAIN.fullmatch(domain):
            raise ValueError("domain: write a domain, such as example.org")
        if kind not in WITH_DOMAIN:
            raise ValueError(f"domain: name={kind} has none; write match= instead")
    return Naming(kind, pattern, domain)


def _cbVerdict(verdict: Verdict, credentials: ICertificateCredentials) -> AvatarID:
    """
    Conclude from a verdict.

    @raise LoginFailed: if it doesn't accept.
    """
    if verdict.kind is not Kind.ACCEPTED:
        raise errorOf(verdict)
    try:
        insistOnOwnName(credentials.authzid, verdict.name)
    except UnauthorizedLogin as error:
        own = verdict.name.decode("utf-8", "replace")
        raise withReason(error, f"{error}; the certificate is of {own}")
    return withKey(verdict.name, verdict.key)


__all__ = ["CertificateChecker"]
