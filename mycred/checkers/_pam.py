"""
Check passwords and accounts by PAM.
"""

from __future__ import annotations

from zope.interface import implementer_only

from twisted.python.failure import Failure

from .._accounts._pam import PAMSettings
from .._audit import noteRefusedByOne
from .._checking._accounts import AccountChecker
from .._checking._stores import PrivilegedStore
from .._contracts import AvatarID, ICredentialsChecker
from .._paths import AnyPath, asPathOrNone
from .._privileged import PrivilegedClient
from .._types import PasswordCredentials
from .._verdict import Kind, Verdict
from ..workers import Workers

# As many logins are under way at a time: modules wait for a network, not for a
# processor.
_PROCESSES = 8


# Modules go by the address of the peer, too, so that no state can stand for them.
@implementer_only(ICredentialsChecker)
class PAMChecker(AccountChecker):
    """
    The users whom a PAM service accepts, by the stages C{auth} and C{account} of
    pam.d(5).

    PAM runs in processes of their own, which are started now, keep the privileges
    that this one has, and are replaced when a module hangs or crashes.

    The modules are told the address of the peer, if the credentials have an
    attribute C{peer} (L{peerOf<mycred.credentials.peerOf>}).
    """

    authType = "pam"

    # As pam_faillock does, for one.
    countsRefusals = True

    # As much as a module takes of an answer (PAM_MAX_RESP_SIZE).
    longestPassword = 511

    def __init__(
        self,
        service: str,
        *,
        confdir: AnyPath | None = None,
        processes: int = _PROCESSES,
        workers: Workers | None = None,
    ) -> None:
        """
        @param service: the name of the service.
        @param confdir: the directory of its file; the system's if L{None}.
        @param processes: how many logins can be under way at a time.
        @param workers: the threads that wait, as many; if L{None}, they belong to
            the reactor.

        @raise ValueError: if there is no such service, or no PAM that can use it.
        @raise OSError: if the processes can't be started.
        """
        settings = PAMSettings(service, asPathOrNone(confdir))
        client = PrivilegedClient("pam", settings, processes)
        self._privileged = PrivilegedStore(client, workers)

    def _cbVerdict(
        self, verdict: Verdict, credentials: PasswordCredentials
    ) -> AvatarID | Failure:
        """
        Conclude from a verdict.
        """
        answer = super()._cbVerdict(verdict, credentials)
        if verdict.kind is Kind.UNSURE and isinstance(answer, Failure):
            # PAM doesn't say that one module has refused a password where another one,
            # such as that of a directory which is down, decides.
            noteRefusedByOne(answer)
        return answer


__all__ = ["PAMChecker"]
