"""
The steps in which conch checks a key, for programs that override one of them: each is
called as conch calls it, with its arguments.
"""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, execute
from twisted.python.failure import Failure

from ..._audit import withReason
from ..._checking._accounts import errorOf, withKey
from ..._conchcontracts import ValidPublicKey
from ..._contracts import AvatarID
from ..._counterparts import isOverridden, overridable
from ..._secrets import asBytes
from ..._sshkeys import KeyEvidence, KeyOptions, Offer, parseOffer, signingKeyOf
from ..._verdict import Kind, Verdict
from ...error import UnauthorizedLogin
from ._proof import KeyCredentials, Proof

_T = TypeVar("_T")


class KeySteps:
    """
    Base of L{SSHPublicKeyChecker<mycred.checkers.sshkeys.SSHPublicKeyChecker>}, which
    goes this way only if a step is overridden: conch's key can't be a certificate, and
    what a step does is done in the reactor's thread.
    """

    # What was found out about each login that is under way, by the C{id} of its
    # credentials.  No step that a program overrides can lose it.
    _found: dict[int, Verdict] | None = None

    def _stepsAreTheirs(self) -> bool:
        """
        Return whether a program has overridden a step.
        """
        return isOverridden(self, "_sanityCheckKey", "_checkKey", "_verifyKey")

    def _askSteps(self, credentials: KeyCredentials) -> Deferred[AvatarID]:
        """
        Check a key step by step.
        """
        if self._found is None:
            self._found = {}
        checking: Deferred[Any] = execute(self._sanityCheckKey, credentials)
        checking.addCallback(self._checkKey, credentials)
        checking.addCallback(self._cbChecked, credentials)
        checking.addCallback(self._verifyKey, credentials)
        checking.addCallback(self._cbVerified, credentials)
        return checking.addBoth(self._forget, credentials)

    @overridable
    def _sanityCheckKey(self, credentials: KeyCredentials) -> Key:
        """
        Return the key, if it can count at all.

        Unlike conch's, this doesn't say yes to each key that is only offered.

        @raise UnauthorizedLogin: if it can't count.
        """
        return _conchKey(self._parseProof(credentials).offer.blob)

    @overridable
    def _checkKey(self, pubKey: Key, credentials: KeyCredentials) -> Key | Deferred[Key]:
        """
        Look the key up, and insist that it is authorized.

        @return: the key, or a L{Deferred} that fires with it, where files are read in
            threads.

        @raise UnauthorizedLogin: if it isn't; or the L{Deferred} fails with that.
        """
        looking = self._authorize(self._proofOf(pubKey, credentials), credentials)

        def cbVerdict(verdict: Verdict) -> Key:
            if self._found is not None:
                self._found[id(credentials)] = verdict
            return pubKey

        return _resultOf(looking.addCallback(cbVerdict))

    @overridable
    def _verifyKey(self, pubKey: Key, credentials: KeyCredentials) -> AvatarID:
        """
        Verify the signature.

        @return: the name of the user.

        @raise UnauthorizedLogin: if the signature isn't right.
        """
        proof = self._proofOf(pubKey, credentials)
        verdict = (self._found or {}).get(id(credentials))
        if verdict is None:
            key = signingKeyOf(proof.offer)
            evidence = KeyEvidence(key.type.decode("ascii"), key.fingerprint)
            name = asBytes(credentials.username)
            verdict = Verdict(Kind.ACCEPTED, name, key=evidence)
        proof.verify()
        answer = self._cbProved(None, proof, verdict, credentials)
        if isinstance(answer, Failure):
            answer.raiseException()
        return answer

    def _proofOf(self, pubKey: Key, credentials: KeyCredentials) -> Proof:
        """
        Return what proves a key that a step has answered.

        @raise UnauthorizedLogin: if it can't count.
        """
        return self._proofFor(parseOffer(pubKey.blob()), credentials)

    def _cbChecked(self, pubKey: Key, credentials: KeyCredentials) -> Key:
        """
        Insist on a signature, now that the key would do.
        """
        if not credentials.signature:
            verdict = (self._found or {}).get(id(credentials))
            if verdict is not None and verdict.denial is not None:
                raise withReason(UnauthorizedLogin("Key not authorized"), verdict.why)
            raise ValidPublicKey("The key would do")
        return pubKey

    def _cbVerified(
        self, avatarId: AvatarID, credentials: KeyCredentials
    ) -> AvatarID | Failure:
        """
        Hold the avatar to what was found out about the key, also if a program has
        verified the signature by itself, and knows nothing of that.
        """
        verdict = (self._found or {}).get(id(credentials))
        isKnown = isinstance(getattr(avatarId, "key", None), KeyEvidence)
        if verdict is None or isKnown:
            return avatarId
        if verdict.denial is not None:
            return Failure(errorOf(verdict))
        key, options = verdict.key, verdict.key.options
        if key.type.startswith("sk-") or options.verifyRequired:
            # Only the signature tells whether it was touched.
            proof = self._parseProof(credentials)
            proof.verify()
            answer = self._cbProved(None, proof, verdict, credentials)
            if isinstance(answer, Failure):
                return answer
        if isinstance(avatarId, (bytes, str)):
            return withKey(avatarId, key)
        if options == KeyOptions():
            return avatarId
        why = "what the key's options demand was lost in a program's own step"
        raise withReason(UnauthorizedLogin("Key not authorized"), why)

    def _forget(self, result: _T, credentials: KeyCredentials) -> _T:
        """
        Forget what was found out, since the login is over.
        """
        (self._found or {}).pop(id(credentials), None)
        return result

    # What the checker itself has.

    def _parseProof(self, credentials: KeyCredentials) -> Proof:
        """
        Return what proves the key, if it can count at all.
        """
        raise NotImplementedError

    def _proofFor(self, offer: Offer, credentials: KeyCredentials) -> Proof:
        """
        Return what proves a key, if it can count at all.
        """
        raise NotImplementedError

    def _authorize(self, proof: Proof, credentials: KeyCredentials) -> Deferred[Verdict]:
        """
        Look a key up, and insist that it is authorized.
        """
        raise NotImplementedError

    def _cbProved(
        self, _: None, proof: Proof, verdict: Verdict, credentials: KeyCredentials
    ) -> AvatarID | Failure:
        """
        Conclude from a signature.
        """
        raise NotImplementedError


def _conchKey(blob: bytes) -> Key:
    """
    Return conch's key.

    @raise UnauthorizedLogin: if conch has no such keys.
    """
    try:
        key: Key = Key.fromString(blob, type="blob")
        return key
    # What isn't a key makes conch raise anything.
    except Exception as error:
        bad = UnauthorizedLogin("Key not authorized")
        raise withReason(bad, f"conch can't read the key: {error}") from error


def _resultOf(waiting: Deferred[_T]) -> _T | Deferred[_T]:
    """
    Return what a L{Deferred} has fired with, or raise what it has failed with; if it
    hasn't fired, return the L{Deferred}.
    """
    outcome: list[_T | Failure] = []
    waiting.addBoth(outcome.append)
    if not outcome:
        return waiting.addCallback(lambda _: outcome[0])
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]


__all__ = ["KeySteps"]
