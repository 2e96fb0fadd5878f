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
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.python.failure import Failure

from ..._accounts import isMadeUp
from ..._audit import withReason
from ..._checking._accounts import avatarIdOf, errorOf
from ..._conchcontracts import ValidPublicKey, twistedConch
from ..._contracts import AvatarID, ICredentialsChecker, ISSHPrivateKey
from ..._counterparts import Counterpart, isOverridden
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
    checkPolicy,
    isCertifying,
    noteKey,
    signatureAlgorithm,
    signingKeyOf,
)
from ..._timing import Timing
from ..._types import KeyDatabase
from ..._verdict import Kind, Verdict
from ...credentials import peerOf
from ...error import LoginFailed, UnauthorizedLogin
from ...workers import Workers, workersOf
from ._proof import KeyCredentials, Proof, parseBlob
from ._steps import KeySteps

_anyKey = KeyPolicy()


def keyOf(avatarId: object) -> KeyEvidence | None:
    """
    Return the key with which a user has logged in, and what may be done with it: for
    realms.

    @param avatarId: what the realm was given.

    @return: what is known of the key; L{None} if the avatar ID isn't from a checker of
        keys.
    """
    key = getattr(avatarId, "key", None)
    return key if isinstance(key, KeyEvidence) else None


@implementer(ICredentialsChecker)
class SSHPublicKeyChecker(Counterpart, KeySteps, twistedConch.SSHPublicKeyChecker):
    """
    Let users in who hold the private key to one that is authorized for them.

    A key that is only offered is looked up like one that is proved; nothing is
    remembered from the one to the other.
    """

    authType = "sshkey"

    credentialInterfaces = (ISSHPrivateKey,)

    # What tells the time, in seconds.
    _seconds = staticmethod(monotonic)

    # A refusal takes so many seconds at least, which is longer than most look-ups take.
    _leastRefusal = 0.025

    # As long as the constructor hasn't run, which programs skip.
    _policy = _anyKey
    _accepted = _anyKey.accepted
    _honors: frozenset[str] = frozenset()
    _workers: Workers | None = None
    _itsPace: Timing | None = None
    _keydb: KeyDatabase  # type: ignore[assignment]

    def __init__(
        self,
        keydb: KeyDatabase,
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
        self._honors = _knownOptions(honors)
        self._workers = workers

    @reportsOutcome
    def requestAvatarId(self, credentials: KeyCredentials) -> Deferred[AvatarID]:
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
        began = self._seconds()
        check = self._askSteps if self._stepsAreTheirs() else self._check
        try:
            checking = check(credentials)
        except BaseException:
            checking = fail()
        return checking.addErrback(self._ebRefused, began)

    @property
    def _pace(self) -> Timing:
        """
        How long it takes to look users up.
        """
        if self._itsPace is None:
            self._itsPace = Timing()
        return self._itsPace

    def _check(self, credentials: KeyCredentials) -> Deferred[AvatarID]:
        """
        Look the key up, and have the signature verified.
        """
        proof = self._parseProof(credentials)
        name, lookingUp = self._lookUp(proof, credentials)
        asked = name, self._seconds(), proof, credentials
        return lookingUp.addCallback(self._cbFound, *asked)

    def _parseProof(self, credentials: KeyCredentials) -> Proof:
        """
        Return the key, if it can count at all.
        """
        return self._proofFor(parseBlob(credentials.blob), credentials)

    def _proofFor(self, offer: Offer, credentials: KeyCredentials) -> Proof:
        """
        Return what proves a key, if the key can count at all.

        @raise UnauthorizedLogin: if it can't.
        """
        flaw = self._policy.flaw(offer)
        announced = asBytes(credentials.algName)
        algorithms = self._algorithmsFor(announced)
        isCertified = isCertifying(announced)
        if isCertified not in (None, isinstance(offer, Certificate)):
            flaw = "the algorithm is for another type of key"
        elif flaw is None and algorithms.isdisjoint(signingKeyOf(offer).algorithms):
            flaw = f"signatures by {shortened(credentials.algName)!r} don't count"
        if flaw is not None:
            _refuse(flaw)
        return Proof(offer, credentials, algorithms)

    def _authorize(self, proof: Proof, credentials: KeyCredentials) -> Deferred[Verdict]:
        """
        Look the key up, and insist that it is authorized.
        """
        name, lookingUp = self._lookUp(proof, credentials)
        return lookingUp.addCallback(self._cbLookedUp, name, self._seconds(), credentials)

    def _lookUp(
        self, proof: Proof, credentials: KeyCredentials
    ) -> tuple[bytes, Deferred[Verdict]]:
        """
        Look the key up.

        @return: the name of the user, and a L{Deferred} that fires with the verdict.
        """
        db, name = self._keydb, asBytes(credentials.username)
        # Where a program overrides what is conch's, that is asked.
        authorize = getattr(db, "authorize", None)
        if authorize is not None and not isOverridden(db, "getAuthorizedKeys"):
            return name, authorize(name, proof, peerOf(credentials))
        return name, self._lookUpKeys(credentials.username, proof, name)

    def _lookUpKeys(
        self, username: bytes, proof: Proof, name: bytes
    ) -> Deferred[Verdict]:
        """
        Look a key up among those of a program's database.  Names that the system can't
        be told have none: Twisted's own database raises anything for them.
        """

        def ebKeys(failure: Failure) -> Iterable[Key]:
            failure.trap(UnicodeError)
            return ()

        asking: Deferred[Any] = succeed(())
        if b"\0" not in name:
            asking = maybeDeferred(self._keydb.getAuthorizedKeys, username)
        return asking.addErrback(ebKeys).addCallback(self._cbKeys, proof, name)

    def _cbLookedUp(
        self, verdict: Verdict, name: bytes, began: float, credentials: KeyCredentials
    ) -> Verdict:
        """
        Insist on a key that is authorized, and remember how long it takes to look up a
        user who exists.
        """
        account = verdict.account
        if verdict.key is not None or (account is not None and not isMadeUp(account)):
            self._pace.accept(name, self._seconds() - began)
        return self._insistOnAuthorized(verdict, credentials)

    def _cbFound(
        self,
        verdict: Verdict,
        name: bytes,
        began: float,
        proof: Proof,
        credentials: KeyCredentials,
    ) -> Any:
        """
        Insist on a key that is authorized, have the signature verified, unless it was,
        and name the avatar.
        """
        verdict = self._cbLookedUp(verdict, name, began, credentials)
        return self._cbVerdict(verdict, proof, credentials)

    def _ebRefused(self, failure: Failure, began: float) -> Any:
        """
        Have a refusal take as long as others: there is less to look at for a name that
        no account has.
        """
        if failure.check(ValidPublicKey) or not failure.check(LoginFailed):
            # A key that would do, a client that has gone, or a defect.
            return failure
        least = max(self._pace.least(), self._leastRefusal)
        wait = began + least - self._seconds()
        if wait <= 0:
            return failure
        workers = self._workers or workersOf()
        # A client that goes meanwhile was refused all the same, as the log is told.
        return workers.pause(wait).addBoth(lambda _: failure)

    def _cbKeys(
        self, keys: Iterable[Key], proof: Proof, name: bytes
    ) -> Verdict | Deferred[Verdict]:
        """
        Look for a key among those of a program's database, which may extend one of ours
        that knows which keys are revoked.
        """
        verdict = self._lookAmong(keys, proof.offer, name)
        vet = getattr(self._keydb, "vet", None)
        if verdict.kind is not Kind.ACCEPTED or vet is None:
            return verdict
        vetted: Deferred[Verdict] = vet(verdict, proof)
        return vetted

    def _lookAmong(self, keys: Iterable[Key], offer: Offer, name: bytes) -> Verdict:
        """
        Look for a key among others.
        """
        if isinstance(offer, Certificate):
            return Verdict(Kind.REFUSED, name, "certificates aren't looked up here")
        try:
            mine: Key = Key.fromString(offer.blob, type="blob")
        except (BadKeyError, UnsupportedAlgorithm, ValueError):
            # Numbers that no key has: an even exponent, a point that isn't on its curve.
            return Verdict(Kind.REFUSED, name, "nobody can sign with such a key")
        if any(_isSame(key, mine) for key in keys):
            evidence = KeyEvidence(offer.type.decode("ascii"), offer.fingerprint)
            return Verdict(Kind.ACCEPTED, name, key=evidence)
        return Verdict(Kind.REFUSED, name, "no such key is authorized")

    def _insistOnAuthorized(
        self, verdict: Verdict, credentials: KeyCredentials
    ) -> Verdict:
        """
        Insist on a key that is authorized, without options that this server can't
        enforce.

        @raise TemporaryFailure: if nothing could be found out.
        @raise UnauthorizedLogin: if it isn't.
        """
        if verdict.kind is Kind.UNSURE:
            raise errorOf(verdict)
        if verdict.kind is Kind.REFUSED:
            _refuse(verdict.why)
        evidence = KeyEvidence.restore(verdict.key)
        demands = evidence.options.demands
        honors: Iterable[str] = getattr(credentials, "honors", ())
        left = demands and demands - self._honors - frozenset(honors)
        if left:
            where = f"{evidence.file}:{evidence.line}: " if evidence.file else ""
            what = ", ".join(sorted(left))
            _refuse(f"{where}this server doesn't see to {what}")
        noteKey(credentials, evidence)
        return verdict if evidence is verdict.key else replace(verdict, key=evidence)

    def _cbVerdict(
        self, verdict: Verdict, proof: Proof, credentials: KeyCredentials
    ) -> Any:
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
        self, _: None, proof: Proof, verdict: Verdict, credentials: KeyCredentials
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

    def _algorithmsFor(self, announced: bytes | None) -> frozenset[bytes]:
        """
        Return the algorithms by which the signature may be made: the one that the client
        has announced, if it did so.
        """
        name = signatureAlgorithm(announced)
        return self._accepted if name is None else self._accepted & {name}


def _isSame(key: Key, mine: Key) -> bool:
    """
    Return whether two of conch's keys are the same, also in what makes one a security
    key's.
    """
    # Old versions of conch don't know for which application a key was made.
    applications = {getattr(one, "application", None) for one in (key, mine)}
    return bool(
        key == mine and key.sshType() == mine.sshType() and len(applications) == 1
    )


def _knownOptions(honors: Iterable[str]) -> frozenset[str]:
    """
    Return the names of options that a server enforces.

    @raise ValueError: if there is no such option.
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


__all__ = ["Proof", "SSHPublicKeyChecker", "keyOf"]
