"""
Check a public key, and the signature that proves who holds the private one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from time import monotonic
from typing import Any, NoReturn

from zope.interface import implementer

from cryptography.exceptions import UnsupportedAlgorithm

from twisted.conch.ssh.keys import BadKeyError, Key
from twisted.internet.defer import Deferred, execute, maybeDeferred, succeed
from twisted.python.failure import Failure

from ..._accounts import isMadeUp
from ..._audit import withReason
from ..._checking._accounts import avatarIdOf, errorOf
from ..._conchcontracts import ValidPublicKey, twistedConch
from ..._contracts import AvatarID, ICredentialsChecker, ISSHPrivateKey
from ..._counterparts import Counterpart, isOverridden
from ..._fairqueue import Source
from ..._peers import sourceOf
from ..._reporting import reportsOutcome
from ..._secrets import asBytes, shortened
from ..._sshkeys import (
    SERVER_OPTIONS,
    TOUCHED,
    VERIFIED,
    Certificate,
    KeyEvidence,
    KeyPolicy,
    Offer,
    UnusableKey,
    checkPolicy,
    isCertifying,
    noteKey,
    parseOffer,
    readKey,
    signatureAlgorithm,
    signingKeyOf,
)
from ..._timing import Timing
from ..._verdict import Kind, Verdict
from ...credentials import peerOf
from ...error import LoginFailed, UnauthorizedLogin
from ...workers import Workers, workersOf
from ._steps import KeySteps

_anyKey = KeyPolicy()

# A refusal takes so many seconds at least, which is longer than most looks take.
_LEAST = 0.025

# A longer blob is no key, in bytes.
_LONGEST = 2**16


def keyOf(avatarId: object) -> KeyEvidence | None:
    """
    Tell a realm with which key somebody has logged in, and what may be done with it.

    @param avatarId: what the realm was given.

    @return: L{None} if it isn't from a checker of keys.
    """
    key = getattr(avatarId, "key", None)
    return key if isinstance(key, KeyEvidence) else None


@implementer(ICredentialsChecker)
class SSHPublicKeyChecker(Counterpart, KeySteps, twistedConch.SSHPublicKeyChecker):
    """
    Let in who holds the private key to one that is authorized.

    A key that is only offered is looked up like one that is proved; nothing is
    remembered from the one to the other.
    """

    authType = "sshkey"

    credentialInterfaces = (ISSHPrivateKey,)

    # As long as the constructor hasn't run, which programs skip.
    _policy = _anyKey
    _accepted = _anyKey.accepted
    _honors: frozenset[str] = frozenset()
    _workers: Workers | None = None
    _itsPace: Timing | None = None

    def __init__(
        self,
        keydb: Any,
        *,
        policy: KeyPolicy = _anyKey,
        honors: Iterable[str] = (),
        workers: Workers | None = None,
    ) -> None:
        """
        @param keydb: a provider of C{IAuthorizedKeysDB}, whose C{getAuthorizedKeys}
            may also answer with a L{Deferred}.
        @param policy: which keys and signatures count at all.
        @param honors: the names of the options that the server sees to, of
            C{mycred.conch.SERVER_OPTIONS}.  Keys that have others aren't accepted,
            unless the credentials have an attribute C{honors} with their names.
        @param workers: the threads in which signatures are verified; the reactor's if
            L{None}.

        @raise ValueError: if there is no such option or no such algorithm.
        """
        self._keydb = keydb
        self._policy = checkPolicy(policy)
        self._accepted = policy.accepted
        self._honors = _checkHonors(honors)
        self._workers = workers

    @reportsOutcome
    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a key and a signature.

        @param credentials: a provider of L{ISSHPrivateKey}.

        @return: a L{Deferred} that fires with the name of the user; L{keyOf} tells
            more about it.  It fails with C{ValidPublicKey} if there is no signature
            yet and the key would do, with L{UnauthorizedLogin
            <mycred.error.UnauthorizedLogin>}, with L{AccountDenied
            <mycred.error.AccountDenied>} if the key was right, and with
            L{TemporaryFailure<mycred.error.TemporaryFailure>} if nothing could be
            found out.  What is no key at all is also a conch C{BadKeyError}.
        """
        began = monotonic()
        deferred: Deferred[Any]
        if self._stepsAreTheirs():
            deferred = self._askSteps(credentials)
        else:
            deferred = execute(self._readProof, credentials)
            deferred.addCallback(self._lookAndVerify, credentials)
        return deferred.addErrback(self._ebRefused, began)

    @property
    def _pace(self) -> Timing:
        """
        How long it takes to look somebody up.
        """
        if self._itsPace is None:
            self._itsPace = Timing()
        return self._itsPace

    def _readProof(self, credentials: Any) -> Proof:
        """
        Read the key, and insist on one that can count at all.
        """
        return self._proofFor(readOffer(credentials.blob), credentials)

    def _proofFor(self, offer: Offer, credentials: Any) -> Proof:
        """
        Insist on a key that can count at all.
        """
        flaw = self._policy.flaw(offer)
        algorithms = self._algorithmsFor(credentials)
        isCertified = isCertifying(asBytes(credentials.algName))
        if isCertified not in (None, isinstance(offer, Certificate)):
            flaw = "the algorithm is for another type of key"
        elif flaw is None and algorithms.isdisjoint(signingKeyOf(offer).algorithms):
            flaw = f"signatures by {shortened(credentials.algName)!r} don't count"
        if flaw is not None:
            _refuse(flaw)
        return Proof(offer, credentials, algorithms)

    def _lookAndVerify(self, proof: Proof, credentials: Any) -> Deferred[Any]:
        """
        Look the key up, and have the signature verified.
        """
        looking = self._authorize(proof, credentials)
        return looking.addCallback(self._cbVerdict, proof, credentials)

    def _authorize(self, proof: Proof, credentials: Any) -> Deferred[Any]:
        """
        Look the key up, and insist that it is authorized.
        """
        db, name = self._keydb, asBytes(credentials.username)
        looking: Deferred[Any]
        # Whoever overrides what is conch's is the one to be asked.
        authorize = getattr(db, "authorize", None)
        if authorize is not None and not isOverridden(db, "getAuthorizedKeys"):
            looking = authorize(name, proof, peerOf(credentials))
        else:
            looking = self._keysOf(credentials.username)
            looking.addCallback(self._cbKeys, proof, name)
        looking.addCallback(self._cbLooked, name, monotonic())
        return looking.addCallback(self._cbAuthorized, credentials)

    def _keysOf(self, username: Any) -> Deferred[Any]:
        """
        Ask somebody else's database for keys.  Names that can't be told to the system
        have none: Twisted's own database raises anything for them.
        """
        if b"\0" in asBytes(username):
            return succeed(())

        def ebKeys(failure: Failure) -> Iterable[Any]:
            failure.trap(UnicodeError)
            return ()

        asking = maybeDeferred(self._keydb.getAuthorizedKeys, username)
        return asking.addErrback(ebKeys)

    def _cbLooked(self, verdict: Verdict, name: bytes, began: float) -> Verdict:
        """
        Remember how long it takes to look somebody up whom there is.
        """
        account = verdict.account
        if verdict.key is not None or (account is not None and not isMadeUp(account)):
            self._pace.accept(name, monotonic() - began)
        return verdict

    def _ebRefused(self, failure: Failure, began: float) -> Any:
        """
        Let whoever is refused wait as long as others: there is less to look at for a name
        that nobody has.
        """
        if failure.check(ValidPublicKey) or not failure.check(LoginFailed):
            # A key that would do, somebody who has gone, or a defect.
            return failure
        least = max(self._pace.least(), _LEAST)
        wait = began + least - monotonic()
        if wait <= 0:
            return failure
        workers = self._workers or workersOf()
        # Who has gone meanwhile was refused all the same, as the log is told.
        return workers.pause(wait).addBoth(lambda _: failure)

    def _cbKeys(self, keys: Iterable[Any], proof: Proof, name: bytes) -> Any:
        """
        Look for a key among those of somebody else's database, which may have extended
        one of ours that knows of keys that are revoked.
        """
        verdict = self._lookAmong(keys, proof.offer, name)
        vet = getattr(self._keydb, "vet", None)
        if verdict.kind is not Kind.ACCEPTED or vet is None:
            return verdict
        return vet(verdict, proof)

    def _lookAmong(self, keys: Iterable[Any], offer: Offer, name: bytes) -> Verdict:
        """
        Look for a key among others.
        """
        if isinstance(offer, Certificate):
            return Verdict(Kind.REFUSED, name, "certificates aren't looked up here")
        try:
            mine: Any = Key.fromString(offer.blob, type="blob")
        except (BadKeyError, UnsupportedAlgorithm, ValueError):
            # Numbers that no key has: an even exponent, a point that isn't on its curve.
            return Verdict(Kind.REFUSED, name, "nobody can sign with such a key")
        if any(_isSame(key, mine) for key in keys):
            evidence = KeyEvidence(offer.type.decode("ascii"), offer.fingerprint)
            return Verdict(Kind.ACCEPTED, name, key=evidence)
        return Verdict(Kind.REFUSED, name, "no such key is authorized")

    def _cbAuthorized(self, verdict: Verdict, credentials: Any) -> Verdict:
        """
        Insist on a key that is authorized, by nothing to which this server doesn't see.
        """
        if verdict.kind is Kind.UNSURE:
            raise errorOf(verdict)
        if verdict.kind is Kind.REFUSED:
            _refuse(verdict.why)
        evidence = KeyEvidence.restore(verdict.key)
        honored = self._honors | frozenset(getattr(credentials, "honors", ()))
        left = evidence.options.demands - honored
        if left:
            where = f"{evidence.file}:{evidence.line}: " if evidence.file else ""
            what = ", ".join(sorted(left))
            _refuse(f"{where}this server doesn't see to {what}")
        noteKey(credentials, evidence)
        return replace(verdict, key=evidence)

    def _cbVerdict(self, verdict: Verdict, proof: Proof, credentials: Any) -> Any:
        """
        Have the signature verified, unless it was, and name the avatar.
        """
        if not credentials.signature:
            if verdict.kind is Kind.DENIED:
                _refuse(verdict.why)
            raise ValidPublicKey("The key would do")
        if proof.isVerified:
            return self._cbProved(None, proof, verdict, credentials)
        workers = self._workers or workersOf()
        verifying: Deferred[Any] = workers.run(proof.verify, source=proof.source)
        return verifying.addCallback(self._cbProved, proof, verdict, credentials)

    def _cbProved(
        self, _: None, proof: Proof, verdict: Verdict, credentials: Any
    ) -> AvatarID | Failure:
        """
        Conclude from a signature.
        """
        if proof.flaw:
            _refuse(proof.flaw)
        options, flags = verdict.key.options, proof.flags
        if options.touchRequired and not flags & TOUCHED:
            _refuse("nobody has touched the security key")
        if options.verifyRequired and not flags & VERIFIED:
            _refuse("the security key has not seen its owner")
        if verdict.denial is not None:
            return Failure(errorOf(verdict))
        return avatarIdOf(verdict, credentials)

    def _algorithmsFor(self, credentials: Any) -> frozenset[bytes]:
        """
        Tell by which algorithm the signature must be made: the one that the client has
        announced, if it did so.
        """
        name = signatureAlgorithm(asBytes(credentials.algName))
        return self._accepted if name is None else self._accepted & {name}


class Proof:
    """
    A key that is offered, with the signature that proves it, if there is one.

    @ivar offer: the key.
    @ivar isVerified: whether the signature was looked at.
    @ivar flaw: what is wrong with it.
    @ivar flags: the flags that a security key has signed.
    """

    def __init__(
        self, offer: Offer, credentials: Any, algorithms: frozenset[bytes]
    ) -> None:
        """
        @param offer: the key.
        @param credentials: what was presented.
        @param algorithms: by which the signature may have been made.
        """
        self.offer = offer
        self.isVerified = False
        self.flaw = ""
        self.flags = 0
        self._credentials = credentials
        self._algorithms = algorithms

    @property
    def source(self) -> Source:
        """
        Who presents it.
        """
        return sourceOf(self._credentials)

    @property
    def isThere(self) -> bool:
        """
        Whether there is a signature.
        """
        return bool(self._credentials.signature)

    def verify(self) -> None:
        """
        Verify the signature; in a thread, since it takes its time.
        """
        signature, data = self._credentials.signature, self._credentials.sigData
        try:
            self.flags = signingKeyOf(self.offer).verify(
                signature, data, self._algorithms
            )
        except UnusableKey as error:
            self.flaw = str(error)
        self.isVerified = True


def readOffer(blob: object) -> Offer:
    """
    Read what a client offers.

    @raise UnusableKey: if it is no key.
    """
    data = asBytes(blob)
    if not isinstance(data, bytes) or len(data) > _LONGEST:
        raise UnusableKey("no key")
    if data[:1] not in (b"", b"\0"):
        # As in Twisted: a key that is written as in a file will do.
        data = readKey(data)
    return parseOffer(data)


def _isSame(key: Any, mine: Any) -> bool:
    """
    Compare two of conch's keys, also in what makes one a security key's.
    """
    # Old versions of conch don't know for which application a key was made.
    applications = {getattr(one, "application", None) for one in (key, mine)}
    return bool(
        key == mine and key.sshType() == mine.sshType() and len(applications) == 1
    )


def _checkHonors(honors: Iterable[str]) -> frozenset[str]:
    """
    Insist on names of options.

    @raise ValueError: if one isn't.
    """
    names = frozenset([honors] if isinstance(honors, str) else honors)
    unknown = names - SERVER_OPTIONS
    if unknown:
        known = ", ".join(sorted(SERVER_OPTIONS))
        raise ValueError(f"no server sees to {sorted(unknown)[0]!r}; write {known}")
    return names


def _refuse(why: str) -> NoReturn:
    """
    Refuse a login.

    @param why: what the log is told, and the client isn't.

    @raise UnauthorizedLogin: in any case.
    """
    raise withReason(UnauthorizedLogin("Key not authorized"), why)


__all__ = ["Proof", "SSHPublicKeyChecker", "keyOf", "readOffer"]
