"""
The workers: each waits for a request, looks the verdict up, and answers.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple, dataclass
from itertools import count
from socket import socket

from .._accounts import (
    AccountSettings,
    Users,
    insistOnHashes,
    isPlausibleLogin,
    makeAccounts,
    preloadAccounts,
)
from .._files import SETTLING
from .._processtree import endWith
from .._verdict import Account, Kind, Note, Verdict
from ._wire import Reply, Request, packReply, receive, send, unpackMessage

# After how many requests to PAM a worker ends and another one begins: libpam and its
# modules leak.
_MOST_REQUESTS = 100

#: How often a file that goes on changing is read, as in a server that reads it itself.
MOST_TRIES = 20


@dataclass(frozen=True)
class Backend:
    """
    What the workers ask for verdicts.

    @ivar lookUp: return the verdict on a name, a password and the address of a client.
    @ivar takeNotes: take what is to be logged.
    @ivar mostRequests: after how many requests a worker ends; L{None} if it needn't.
    @ivar isPlausible: return whether a name and a password are worth a search.
    """

    lookUp: Callable[[bytes, bytes, str | None], Verdict]
    takeNotes: Callable[[], Iterable[Note]]
    mostRequests: int | None = None
    isPlausible: Callable[[object, object], bool] = isPlausibleLogin


def makeBackend(kind: str, settings: object) -> Backend:
    """
    Return what is asked for verdicts, in the process that starts the workers.

    @param kind: C{unix}, C{pam} or C{sshkey}.
    @param settings: the record of settings of this kind, as L{pack<mycred._records.pack>}
        has packed it.

    @raise ValueError: if it can't be used here.
    """
    return _makers[kind](settings)


def _askPAM(settings: object) -> Backend:
    """
    Have PAM asked.
    """
    from .._accounts._pam import PAM, PAMSettings

    pam = PAM(*astuple(unpackMessage(PAMSettings, settings)))
    return Backend(pam.lookUp, lambda: (), _MOST_REQUESTS)


def _lookUpAccounts(settings: object) -> Backend:
    """
    Have accounts looked up, and their passwords verified.
    """
    given = unpackMessage(AccountSettings, settings)
    files = given.files
    if given.mustWork and files.passwd is not None:
        try:
            insistOnHashes(files.passwd, files.shadow)
        except OSError as error:
            raise ValueError(str(error)) from None
    accounts = makeAccounts(files, given.rules)
    preloadAccounts()
    return Backend(
        lambda name, password, _: accounts.lookUp(name, password), accounts.takeNotes
    )


def _lookUpKeys(settings: object) -> Backend:
    """
    Have keys looked up; without a key, accounts judged whose key the server has found
    elsewhere.
    """
    from .._sshkeys import KeySettings, makeAuthority, parseOffer

    asUser = _asUserUntilTheEnd(os.getpid())
    authority = makeAuthority(unpackMessage(KeySettings, settings), asUser=asUser)
    # As the user's files are read, so are this process's own.
    preloadAccounts()

    def lookUp(name: bytes, blob: bytes, peer: str | None) -> Verdict:
        if not blob:
            return authority.judgeAccount(name)
        return authority.lookUp(name, parseOffer(blob), peer)

    return Backend(
        lookUp, authority.takeNotes, isPlausible=lambda name, _: isinstance(name, bytes)
    )


def _asUserUntilTheEnd(
    broker: int,
) -> Callable[[Users, Account], AbstractContextManager[None]]:
    """
    Return what opens files with the rights of a user, in a process that ends with its
    broker all the same.
    """
    from .._sshkeys import asUser

    @contextmanager
    def become(users: Users, account: Account) -> Iterator[None]:
        try:
            with asUser(users, account):
                endWith(broker)
                yield
        finally:
            endWith(broker)

    return become


_makers: dict[str, Callable[[object], Backend]] = {
    "pam": _askPAM,
    "sshkey": _lookUpKeys,
    "unix": _lookUpAccounts,
}


def serveRequests(
    end: socket, backend: Backend, ready: Callable[[], object] = lambda: None
) -> bool:
    """
    Reply requests, until there have been enough.

    @param ready: what is called before each request is waited for.

    @return: whether there may be more; if not, the server has ended.
    """
    state = _state()
    for _ in count() if backend.mostRequests is None else range(backend.mostRequests):
        ready()
        message = receive(end)
        if message is None:
            return False
        request = unpackMessage(Request, message)
        verdict = verdictOn(backend, request)
        notes = map(str, backend.takeNotes())
        send(end, packReply(request.number, Reply(verdict, tuple(notes))))
        if _state() != state:
            # A PAM module has changed what the next one counts on.
            return True
    return True


def verdictOn(backend: Backend, request: Request) -> Verdict:
    """
    Return the verdict on a request, whatever happens.
    """
    try:
        # The server has checked that, and may be under an attacker's control by now.
        if not backend.isPlausible(request.name, request.password):
            raise OSError("that is no name, or no password")
        return settled(
            lambda: backend.lookUp(request.name, request.password, request.peer),
            request.name,
        )
    except OSError as error:
        why = str(error)
    except Exception as error:
        # Not its text, which may hold secrets.
        why = _where(error)
    return Verdict(Kind.UNSURE, request.name, why)


def settled(lookUp: Callable[[], Verdict], name: bytes) -> Verdict:
    """
    Look a verdict up, and look again until it is no longer in doubt, or the state of the
    files that it is in doubt for hasn't changed for a while: a file may have been
    half-written.

    @param lookUp: return a verdict.
    @param name: the name that is looked up.

    @raise OSError: from C{lookUp}.
    """
    doubt: object = None
    for _ in range(MOST_TRIES):
        verdict = lookUp()
        if verdict.doubt in (None, doubt):
            return verdict
        doubt = verdict.doubt
        time.sleep(SETTLING)
    return Verdict(Kind.UNSURE, name, "the file goes on changing")


def _state() -> tuple[object, ...]:
    """
    Return what a process is, as far as modules change that.
    """
    mask = os.umask(0o077)
    os.umask(mask)
    ids = os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups()
    return ids, mask, os.getcwd(), signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _where(error: Exception) -> str:
    """
    Return what has gone wrong, and where.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return (
        f"{type(error).__name__} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    )


__all__ = [
    "MOST_TRIES",
    "Backend",
    "makeBackend",
    "serveRequests",
    "settled",
    "verdictOn",
]
