"""
The store of keys: what decides about them is asked in threads, or in processes that keep
the privileges of the server's start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from twisted.internet.defer import Deferred

from ..._checking._stores import AsyncStore, PrivilegedStore
from ..._privileged import PrivilegedClient
from ..._sshkeys import Authority, KeyEvidence, Offer
from ..._verdict import Kind, Note, Verdict
from ...workers import Workers
from ._proof import Proof


class KeyStore(AsyncStore):
    """
    What decides about keys, asked in threads of this process.

    A verdict that lets a user in is asked for again like any other while a file is being
    written: a line that revokes the key may be missing.
    """

    def __init__(self, authority: Authority, workers: Workers | None = None) -> None:
        """
        @param authority: what decides.
        @param workers: the threads; the reactor's own if L{None}.
        """
        super().__init__("the keys of users", workers)
        self._authority = authority

    def lookUp(self, name: bytes, proof: Proof, peer: str | None) -> Deferred[Verdict]:
        """
        Look a key up, and verify its signature in the same thread.

        @param name: the name of the user.
        @param proof: the key, with a signature if there is one.
        @param peer: the address of the client; L{None} if it isn't known.

        @return: a L{Deferred} as from C{ask}.
        """
        return self.ask(self._lookUpAndVerify, name, proof, peer, source=proof.source)

    def lookUpInText(
        self, text: bytes, path: str, refusal: Verdict, proof: Proof, peer: str | None
    ) -> Deferred[Verdict]:
        """
        Look a key up in what a file of keys would hold.

        @param text: what it would hold.
        @param path: what to call it.
        @param refusal: the verdict if the key isn't there, with the account.
        """
        asked = text, path, refusal, proof.offer, peer
        return self.ask(self._findInText, *asked, source=proof.source)

    def judgeAccount(
        self, name: bytes, proof: Proof, evidence: KeyEvidence
    ) -> Deferred[Verdict]:
        """
        Judge whether an account may be used whose key is right.

        @param evidence: what is known of the key.

        @return: a L{Deferred} as from C{ask}.
        """
        asked = name, evidence
        return self.ask(self._authority.judgeAccount, *asked, source=proof.source)

    def checkRevoked(self, verdict: Verdict, proof: Proof) -> Deferred[Verdict]:
        """
        Hold a key against those that are revoked.

        @param verdict: the verdict if it isn't one of them.

        @return: a L{Deferred} as from C{ask}.
        """
        asked = verdict, proof.offer
        return self.ask(self._authority.checkRevoked, *asked, source=proof.source)

    def _lookUpAndVerify(self, name: bytes, proof: Proof, peer: str | None) -> Verdict:
        """
        Look a key up and verify its signature, in a thread.
        """
        verdict = self._authority.lookUp(name, proof.offer, peer)
        if verdict.key is not None and proof.isThere and not proof.isVerified:
            proof.verify()
        return verdict

    def _findInText(
        self, text: bytes, path: str, refusal: Verdict, offer: Offer, peer: str | None
    ) -> Verdict:
        """
        Look a key up in a text, in a thread.
        """
        account = refusal.account
        if account is None:
            return refusal
        evidence = self._authority.lookUpInText(text, path, offer, account, peer)
        if evidence is None:
            return refusal
        return Verdict(Kind.ACCEPTED, refusal.name, account=account, key=evidence)

    def _takeNotes(self) -> Iterable[Note]:
        """
        Take what the log should be told.
        """
        return self._authority.takeNotes()


class PrivilegedKeyStore(KeyStore):
    """
    The same, where only processes with privileges can read the files: what takes none is
    still done in threads of this process.
    """

    def __init__(
        self,
        client: PrivilegedClient,
        authority: Authority,
        workers: Workers | None = None,
    ) -> None:
        """
        @param client: the processes.
        @param authority: what decides here.
        @param workers: the threads.
        """
        super().__init__(authority, workers)
        self._processes = PrivilegedStore(client, workers)

    def lookUp(self, name: bytes, proof: Proof, peer: str | None) -> Deferred[Verdict]:
        """
        Look a key up; the signature is left to the caller.
        """
        return self._processes.lookUp(name, proof.offer.blob, peer, proof.source)

    def judgeAccount(
        self, name: bytes, proof: Proof, evidence: KeyEvidence
    ) -> Deferred[Verdict]:
        """
        Judge whether an account may be used whose key is right.
        """
        # Without a key: it was found elsewhere.
        judging = self._processes.lookUp(name, b"", None, proof.source)
        return judging.addCallback(lambda judged: replace(judged, key=evidence))


__all__ = ["KeyStore", "PrivilegedKeyStore"]
