"""
The workers: each waits for a question, finds the verdict, and answers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from socket import socket
from typing import Any, NamedTuple

from .._accounts import (
    Files,
    Rules,
    checkFiles,
    isPlausibleLogin,
    makeAccounts,
    preload,
    settled,
)
from .._processtree import endWith
from .._verdict import Kind, Note, Verdict
from ._wire import packAnswer, receive, send, unpackRequest

# After so many questions to PAM a worker ends, and another one begins: libpam and its
# modules leak.
_MOST = 100


class Finder(NamedTuple):
    """
    How the workers find verdicts.

    @ivar find: find one, on a name, a password and a peer.
    @ivar takeNotes: take what is to be logged.
    @ivar most: after how many of them a worker ends; L{None} if it needn't.
    @ivar isPlausible: tell whether a name and a password are worth a search.
    """

    find: Callable[[bytes, bytes, Any], Verdict]
    takeNotes: Callable[[], Iterator[Note]]
    most: int | None = None
    isPlausible: Callable[[object, object], bool] = isPlausibleLogin


def makeFinder(kind: str, *settings: Any) -> Finder:
    """
    Make what finds verdicts, in the process that starts the workers.

    @param kind: C{unix}, C{pam} or C{sshkey}.

    @raise ValueError: if it can't be used here.
    """
    return _makers[kind](*settings)


def _askPAM(*settings: Any) -> Finder:
    """
    Have PAM find them.
    """
    from .._accounts._pam import PAM

    return Finder(PAM(*settings).look, lambda: iter(()), _MOST)


def _lookUpAccounts(files: Any, rules: Any, mustWork: bool = False) -> Finder:
    """
    Look accounts up, and verify their passwords.

    @param files: the fields of L{Files}.
    @param rules: the fields of L{Rules}.
    @param mustWork: whether files that can let nobody in are an error.
    """
    where = Files(*files)
    if mustWork and where.passwd is not None:
        try:
            checkFiles(where.passwd, where.shadow)
        except OSError as error:
            raise ValueError(str(error)) from None
    accounts = makeAccounts(where, Rules(*rules))
    preload()
    return Finder(
        lambda name, password, _: settled(lambda: accounts.lookUp(name, password), name),
        accounts.takeNotes,
    )


def _lookUpKeys(*settings: Any) -> Finder:
    """
    Look keys up; without a key, tell whether an account may be used whose key the server
    has found elsewhere.
    """
    from .._sshkeys import makeAuthority, parseOffer

    authority = makeAuthority(*settings, asUser=_asUserUntilTheEnd(os.getpid()))
    # As the user's files are read, so are this process's own.
    preload()

    def find(name: bytes, blob: bytes, peer: Any) -> Verdict:
        if not blob:
            return settled(lambda: authority.judgeAccount(name), name)
        offer = parseOffer(blob)
        return settled(lambda: authority.lookUp(name, offer, peer), name)

    return Finder(
        find, authority.takeNotes, isPlausible=lambda name, _: isinstance(name, bytes)
    )


def _asUserUntilTheEnd(broker: int) -> Any:
    """
    Make what opens files with the rights of a user, in a process that ends with its
    broker all the same.
    """
    from .._sshkeys import asUser

    @contextmanager
    def become(*who: Any) -> Iterator[None]:
        try:
            with asUser(*who):
                endWith(broker)
                yield
        finally:
            endWith(broker)

    return become


_makers: dict[str, Callable[..., Finder]] = {
    "pam": _askPAM,
    "sshkey": _lookUpKeys,
    "unix": _lookUpAccounts,
}


def work(end: socket, finder: Finder, ready: Callable[[], object] = lambda: None) -> bool:
    """
    Answer questions, until there have been enough.

    @param ready: what is called before each question is waited for.

    @return: whether there may be more; if not, the server has ended.
    """
    state = _state()
    for _ in count() if finder.most is None else range(finder.most):
        ready()
        message = receive(end)
        if message is None:
            return False
        number, name, password, peer = unpackRequest(message)
        try:
            # The server has looked at that, and may be somebody else's by now.
            if not finder.isPlausible(name, password):
                raise OSError("that is no name, or no password")
            verdict = finder.find(name, password, peer)
        except OSError as error:
            verdict = Verdict(Kind.UNSURE, name, str(error))
        except Exception as error:
            # Not its text, which may tell what it shouldn't.
            verdict = Verdict(Kind.UNSURE, name, _where(error))
        notes = [text.format(**values) for text, values in finder.takeNotes()]
        send(end, packAnswer(number, verdict, notes))
        if _state() != state:
            # A module has changed what the next one counts on.
            return True
    return True


def _state() -> tuple[object, ...]:
    """
    Tell what a process is, as far as modules change that.
    """
    mask = os.umask(0o077)
    os.umask(mask)
    ids = os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups()
    return ids, mask, os.getcwd(), signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _where(error: Exception) -> str:
    """
    Tell what has gone wrong where.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return (
        f"{type(error).__name__} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    )


__all__ = ["Finder", "makeFinder", "work"]
