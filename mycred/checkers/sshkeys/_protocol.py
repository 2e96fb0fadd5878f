"""
Require several factors of users who log in by SSH.
"""

from __future__ import annotations

from zope.interface import implementer, providedBy

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.reflect import qual

from ..._checking._accounts import withKey
from ..._conchcontracts import NotEnoughAuthentication, twistedConch
from ..._contracts import AvatarID, ICredentialsChecker, InterfaceType
from ..._counterparts import Counterpart, isOverridden, overridable
from ..._reporting import reportsOutcome
from ..._sshkeys import (
    BadOption,
    KeyEvidence,
    UnusableKey,
    merge,
    notedKey,
    noteKey,
    signingKeyOf,
)
from ...error import UnauthorizedLogin, UnhandledCredentials
from ._ports import watchFor
from ._proof import parseBlob
from ._publickeys import keyOf

# Where a connection keeps what was proved in it.
_ATTRIBUTE = "_mycredFactors"


class ProvedBefore(NotEnoughAuthentication):
    """
    What was proved was proved before in this connection, and more is needed.

    A server answers it as a wrong login: a client to which it says "partial success", as
    after the first time, tries the same key again, and again.
    """


@implementer(ICredentialsChecker)
class SSHProtocolChecker(Counterpart, twistedConch.SSHProtocolChecker):
    """
    A checker that asks others, and is content when L{areDone} says so.

    What has succeeded is remembered for each connection by itself, if the credentials
    tell it: their attribute C{connection}, which L{mycred.conch} sets.  A factor counts
    once: the same kind of credentials again, or the same key, is nothing new.

    @ivar checkers: by the interface of the credentials, the checker that is asked.
    @ivar successfulCredentials: by avatar ID, the credentials that have succeeded, in
        the connection that is asked about when L{areDone} is called.
    """

    _log = Logger()
    _isWatched = False

    def __init__(self) -> None:
        self.checkers: dict[InterfaceType, ICredentialsChecker] = {}
        self.successfulCredentials: dict[AvatarID, list[object]] = {}

    @property
    def credentialInterfaces(self) -> list[InterfaceType]:
        """
        The interfaces of the credentials that can be checked.
        """
        return list(self.checkers)

    def registerChecker(
        self, checker: ICredentialsChecker, *credentialInterfaces: InterfaceType
    ) -> None:
        """
        Have a checker asked.

        @param checker: the checker.
        @param credentialInterfaces: the interfaces of the credentials that it is asked
            about; those that it names itself if there are none.
        """
        for interface in credentialInterfaces or checker.credentialInterfaces:
            self.checkers[interface] = checker
        if not self._isWatched and isOverridden(self, "areDone"):
            # Then one factor may not be enough.
            self._isWatched = True
            watchFor(self)

    @reportsOutcome
    def requestAvatarId(self, credentials: object) -> Deferred[AvatarID]:
        """
        Have credentials checked.

        @return: a L{Deferred} that fires with the avatar ID if that is enough, and
            fails with C{NotEnoughAuthentication} if it isn't: with L{ProvedBefore} if
            nothing new was proved.
        """
        interfaces = list(providedBy(credentials))
        for interface in interfaces:
            checker = self.checkers.get(interface)
            if checker is not None:
                asking = maybeDeferred(checker.requestAvatarId, credentials)
                return asking.addCallback(self._cbGoodAuthentication, credentials)
        names = ", ".join(map(qual, interfaces))
        return fail(UnhandledCredentials(f"No checker for {names}"))

    def _cbGoodAuthentication(self, avatarId: AvatarID, credentials: object) -> AvatarID:
        """
        Remember what has succeeded, and return the avatar ID if it is enough.
        """
        asked = [one for one in providedBy(credentials) if one in self.checkers]
        connection = getattr(credentials, "connection", None)
        # Where it isn't known which connection this is, nothing that was proved before
        # can be counted.  Otherwise the connection itself keeps it, and takes it along.
        kept: dict[object, _Progress]
        kept = {} if connection is None else vars(connection).setdefault(_ATTRIBUTE, {})
        progress = kept.setdefault(self, _Progress())
        isNew = progress.add(avatarId, credentials, *asked[:1])
        self.successfulCredentials = {avatarId: progress.factors}
        try:
            isDone = self.areDone(avatarId)
        finally:
            self.successfulCredentials = {}
        if isDone:
            del kept[self]
            return progress.conclude(avatarId, credentials)
        if connection is None:
            self._log.warn(
                "The server doesn't say which connection a login belongs to, so that it "
                "counts by itself; mycred.conch does"
            )
        raise NotEnoughAuthentication() if isNew else ProvedBefore()

    @overridable
    def areDone(self, avatarId: AvatarID) -> bool:
        """
        Return whether an avatar has been authenticated enough.  Subclasses may look at
        C{self.successfulCredentials[avatarId]}.

        @param avatarId: what the checkers have answered, which must be the same.
        """
        return True


class _Progress:
    """
    What has succeeded in a connection, for one avatar.

    @ivar factors: the credentials.
    """

    def __init__(self) -> None:
        self.factors: list[object] = []
        self._avatarId: AvatarID | None = None
        self._keys: list[KeyEvidence] = []

    def add(
        self,
        avatarId: AvatarID,
        credentials: object,
        interface: InterfaceType | None = None,
    ) -> bool:
        """
        Count credentials, unless what they prove was proved before.

        @param interface: the kind of them that was asked about; L{None} if a program has
            had them checked by itself.

        @return: whether they prove something new.
        """
        if avatarId != self._avatarId:
            # Another user's factors prove nothing here (RFC 4252, section 5).
            self.factors, self._keys, self._avatarId = [], [], avatarId
        before = self.factors
        isNew = not any(_isSameFactor(one, credentials, interface) for one in before)
        if isNew:
            self.factors.append(credentials)
        evidence = keyOf(avatarId) or notedKey(credentials)
        if evidence is not None:
            self._keys.append(evidence)
        return isNew

    def conclude(self, avatarId: AvatarID, credentials: object) -> AvatarID:
        """
        Return the avatar ID, which is held to what each of the keys forbids, as by sshd.

        @param credentials: the last ones, by which the server is told so, too.

        @raise UnauthorizedLogin: if the keys have different commands.
        """
        if not self._keys:
            return avatarId
        first, *others = self._keys
        options = first.options
        try:
            for other in others:
                options = merge(options, other.options)
        except BadOption as error:
            raise UnauthorizedLogin("The keys contradict each other") from error
        key = first._replace(options=options)
        noteKey(credentials, key)
        return withKey(avatarId, key) if isinstance(avatarId, (bytes, str)) else avatarId


def _isSameFactor(one: object, other: object, interface: InterfaceType | None) -> bool:
    """
    Return whether credentials prove the same as others: the same key, with a certificate
    or without, or something else of the same kind.
    """
    kinds = providedBy(other) if interface is None else (interface,)
    isSameKind = not set(kinds).isdisjoint(providedBy(one))
    return isSameKind and _keyIn(one) == _keyIn(other)


def _keyIn(credentials: object) -> object:
    """
    Return the key that credentials prove; L{None} if they prove something else.
    """
    blob = getattr(credentials, "blob", None)
    try:
        return None if blob is None else signingKeyOf(parseBlob(blob))
    except UnusableKey:
        return blob


__all__ = ["ProvedBefore", "SSHProtocolChecker"]
