"""
PAM: have the system's modules check a password and an account.

libpam is called through ctypes.  What python-pam and pamela can set is not enough:
neither can pass on both the client's address and a function that takes over the delay
after a failure, through which libpam otherwise sleeps.

libpam waits, leaks, and may hang or crash with a module: L{PAM.lookUp} is called in
processes with privileges, and not in the server.
"""

from __future__ import annotations

import ctypes
import os
import re
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_size_t, c_uint, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

from .._files import openRegular
from .._verdict import Kind, Verdict
from ..error import DenialReason
from ._systemusers import SystemUsers
from ._users import findAccount

# The directories of service files, of the administrator and of the distribution.
_DIRECTORIES = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")

# The name of a service: libpam makes it lower case; with a slash it would be a path.
_service = re.compile(r"[a-z0-9_][a-z0-9_.-]*")

# What a line of its file begins with; lines end with a newline, and nothing else.
_firstWord = re.compile(rb"^[ \t]*([^ \t\n]+)", re.MULTILINE)

# From _pam_types.h of Linux-PAM; other implementations have other numbers.
_USER, _TTY, _RHOST, _FAIL_DELAY = 2, 3, 4, 10
_SILENT, _DISALLOW_NULL_AUTHTOK = 0x8000, 1
_PROMPT_ECHO_OFF, _PROMPT_ECHO_ON, _ERROR_MSG, _TEXT_INFO = 1, 2, 3, 4
_SUCCESS, _CONV_ERR = 0, 19
_PERM_DENIED, _AUTH_ERR, _USER_UNKNOWN, _MAXTRIES = 6, 7, 10, 11
_NEW_AUTHTOK_REQD, _ACCT_EXPIRED, _AUTHTOK_EXPIRED = 12, 13, 27

# Results of the stage auth that are a verdict on the name and the password.  A module
# that finds an account expired at this stage may not have verified the password.
_REFUSALS = {
    _PERM_DENIED,
    _AUTH_ERR,
    _USER_UNKNOWN,
    _MAXTRIES,
    _NEW_AUTHTOK_REQD,
    _ACCT_EXPIRED,
    _AUTHTOK_EXPIRED,
}

# Results of the stage account that are a verdict, since the password was right.
# pam_nologin and pam_access deny with one of the first four.
_DENIALS = {
    _PERM_DENIED: DenialReason.POLICY,
    _AUTH_ERR: DenialReason.POLICY,
    _USER_UNKNOWN: DenialReason.POLICY,
    _MAXTRIES: DenialReason.POLICY,
    _NEW_AUTHTOK_REQD: DenialReason.PASSWORD_EXPIRED,
    _ACCT_EXPIRED: DenialReason.EXPIRED,
    _AUTHTOK_EXPIRED: DenialReason.EXPIRED,
}


class _Message(ctypes.Structure):
    """
    A C{struct pam_message}.
    """

    _fields_ = (("style", c_int), ("text", c_char_p))


class _Response(ctypes.Structure):
    """
    A C{struct pam_response}.
    """

    _fields_ = (("text", c_void_p), ("retcode", c_int))


_Messages = POINTER(POINTER(_Message))
_Converse = CFUNCTYPE(c_int, c_int, _Messages, POINTER(c_void_p), c_void_p)
_Delay = CFUNCTYPE(None, c_int, c_uint, c_void_p)


class _Conversation(ctypes.Structure):
    """
    A C{struct pam_conv}.
    """

    _fields_ = (("converse", _Converse), ("data", c_void_p))


@dataclass(frozen=True)
class PAMSettings:
    """
    The settings for a PAM service, as another process is sent them.

    @ivar service: the name of the service.
    @ivar confdir: the directory of its file; the system's if L{None}.
    """

    service: str
    confdir: str | None = None


class PAM:
    """
    A PAM service.
    """

    def __init__(self, service: str, confdir: str | None = None) -> None:
        """
        @param service: the name of the service, as in pam.d(5).
        @param confdir: the directory of its file; the system's if L{None}.

        @raise ValueError: if there is no such service, or no libpam that can use it.
        """
        checkService(service, confdir)
        self._service = service.encode("ascii")
        self._confdir = None if confdir is None else os.fsencode(confdir)
        self._users = SystemUsers()
        self._library = _load()
        if confdir is not None and not hasattr(self._library, "pam_start_confdir"):
            raise ValueError("another directory needs Linux-PAM 1.4 or later")

    def lookUp(self, name: bytes, password: bytes, peer: str | None = None) -> Verdict:
        """
        Have a password and the account checked.

        @param name: the name, without NUL.
        @param password: the password, without NUL.
        @param peer: the address of the client, if it is known.

        @raise OSError: if libpam can't begin, or the name service doesn't answer.
        """
        # Modules have rules for names, and must apply them to the account's own.
        name = self._nameOf(name)
        login = _Login(name, password)
        handle = self._start(name, login)
        code = _SUCCESS
        try:
            self._set(handle, _TTY, self._service)
            if peer is not None:
                self._set(handle, _RHOST, peer.encode("ascii", "replace"))
            # Where the item is unknown, libpam sleeps as before.
            self._library.pam_set_item(handle, _FAIL_DELAY, login.delays)
            flags = _SILENT | _DISALLOW_NULL_AUTHTOK
            code = self._library.pam_authenticate(handle, flags)
            if code != _SUCCESS:
                kind = Kind.REFUSED if code in _REFUSALS else Kind.UNSURE
                why = self._text(handle, code, "auth")
                return Verdict(kind, name, why, delay=login.delay)
            code = self._library.pam_acct_mgmt(handle, flags)
            known = self._nameOf(self._get(handle, _USER) or name)
            if code in _DENIALS:
                why = self._text(handle, code, "account")
                return Verdict(Kind.DENIED, known, why, _DENIALS[code])
            if code != _SUCCESS:
                return Verdict(Kind.UNSURE, known, self._text(handle, code, "account"))
        finally:
            self._library.pam_end(handle, code)
        return Verdict(Kind.ACCEPTED, known, account=findAccount(self._users, known))

    def _nameOf(self, name: bytes) -> bytes:
        """
        Return an account's own name, by one that may be spelled otherwise; the same name
        if the name service doesn't know it, since modules may.

        @raise OSError: if it can't be found out.
        """
        user = self._users.find(name).user
        return name if user is None else user.name

    def _start(self, name: bytes, login: _Login) -> c_void_p:
        """
        Begin a transaction.

        @raise OSError: if that can't be done.
        """
        handle = c_void_p()
        conversation = ctypes.byref(login.conversation)
        if self._confdir is None:
            code = self._library.pam_start(
                self._service, name, conversation, ctypes.byref(handle)
            )
        else:
            code = self._library.pam_start_confdir(
                self._service, name, conversation, self._confdir, ctypes.byref(handle)
            )
        if code != _SUCCESS:
            raise OSError(f"PAM can't begin: {self._text(None, code)}")
        return handle

    def _set(self, handle: c_void_p, item: int, value: bytes) -> None:
        """
        Set an item for the modules.

        @raise OSError: if libpam doesn't take it.
        """
        code = self._library.pam_set_item(handle, item, value)
        if code != _SUCCESS:
            raise OSError(f"PAM doesn't take item {item}: {self._text(handle, code)}")

    def _get(self, handle: c_void_p, item: int) -> bytes | None:
        """
        Return an item, which the modules may have changed.
        """
        value = c_void_p()
        if self._library.pam_get_item(handle, item, ctypes.byref(value)) != _SUCCESS:
            return None
        return ctypes.cast(value, c_char_p).value

    def _text(self, handle: c_void_p | None, code: int, stage: str = "") -> str:
        """
        Return a result in words.
        """
        text: bytes = self._library.pam_strerror(handle, code) or b"unknown error"
        stage = f"PAM, {stage}: " if stage else ""
        return stage + text.decode("utf-8", "replace")


class _Login:
    """
    The callbacks of one login: the answers to libpam's prompts, and the delay after a
    failure.

    @ivar delay: how long libpam would have slept, in seconds.
    @ivar conversation: what C{pam_start} takes.
    @ivar delays: what the item C{PAM_FAIL_DELAY} takes.
    """

    def __init__(self, name: bytes, password: bytes) -> None:
        # A stack may ask for the password more than once, one module after another.
        self._answers = {_PROMPT_ECHO_OFF: password, _PROMPT_ECHO_ON: name}
        self.delay = 0.0
        self._library = _allocator()
        self._converse = _Converse(self._answer)
        self.conversation = _Conversation(self._converse, None)
        self.delays = _Delay(self._wait)

    def _answer(self, number: int, messages: Any, answer: Any, _: object) -> int:
        """
        Answer prompts (pam_conv(3)).
        """
        try:
            return self._respond(number, messages, answer)
        except Exception:
            # libpam would take any number for the result.
            return _CONV_ERR

    def _respond(self, number: int, messages: Any, answer: Any) -> int:
        """
        Answer prompts, or raise an exception.
        """
        styles = [messages[n].contents.style for n in range(number)]
        known = {*self._answers, _ERROR_MSG, _TEXT_INFO}
        if not known.issuperset(styles):
            return _CONV_ERR
        # The modules free both.
        responses = self._library.calloc(number, ctypes.sizeof(_Response))
        if not responses:
            return _CONV_ERR
        array = ctypes.cast(responses, POINTER(_Response))
        for place, style in enumerate(styles):
            if style in self._answers:
                text = self._library.strdup(self._answers[style])
                if not text:
                    return _CONV_ERR
                array[place].text = text
        answer[0] = responses
        return _SUCCESS

    def _wait(self, code: int, microseconds: int, _: object) -> None:
        """
        Remember the delay instead of sleeping (pam_fail_delay(3)).
        """
        self.delay = microseconds / 1e6


def checkService(service: str, confdir: str | None = None) -> None:
    """
    Insist on a file for a service, and on lines for both stages: without them, libpam
    takes those of the service C{other}.

    @raise ValueError: if something is missing.
    """
    if not _service.fullmatch(service):
        raise ValueError("write a name in lower case, such as myapp")
    directories = _DIRECTORIES if confdir is None else (confdir,)
    for path in (os.path.join(directory, service) for directory in directories):
        if os.path.isfile(path):
            missing = {b"auth", b"account"} - _typesIn(path)
            if missing:
                kind = min(missing).decode()
                raise ValueError(f"{path} has no {kind} line; write one (pam.d(5))")
            return
    raise ValueError(
        f"there is no file {os.path.join(directories[0], service)}; write one with at "
        "least an auth and an account line, or name another service"
    )


def _typesIn(path: str) -> set[bytes]:
    """
    Return the stages that a service file has lines for; both, if it includes another
    file.

    @raise ValueError: if it can't be read.
    """
    try:
        with openRegular(path) as file:
            text = file.read()
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror or error})") from None
    types = {word.lower() for word in _firstWord.findall(text)}
    return {b"auth", b"account"} if b"@include" in types else types


@cache
def _allocator() -> ctypes.CDLL:
    """
    Return the C library, which allocates the memory that modules free.
    """
    library = ctypes.CDLL(None)
    library.calloc.restype = c_void_p
    library.calloc.argtypes = [c_size_t, c_size_t]
    library.strdup.restype = c_void_p
    library.strdup.argtypes = [c_char_p]
    return library


def _load() -> ctypes.CDLL:
    """
    Return libpam.

    @raise ValueError: if there is none, or not Linux's.
    """
    try:
        library = ctypes.CDLL("libpam.so.0")
    except OSError:
        raise ValueError("Linux-PAM (libpam.so.0) is missing; install it") from None
    started = POINTER(_Conversation), POINTER(c_void_p)
    library.pam_start.argtypes = [c_char_p, c_char_p, *started]
    if hasattr(library, "pam_start_confdir"):
        library.pam_start_confdir.argtypes = [
            c_char_p,
            c_char_p,
            started[0],
            c_char_p,
            started[1],
        ]
    library.pam_set_item.argtypes = [c_void_p, c_int, c_void_p]
    library.pam_get_item.argtypes = [c_void_p, c_int, POINTER(c_void_p)]
    library.pam_strerror.argtypes = [c_void_p, c_int]
    library.pam_strerror.restype = c_char_p
    for function in (library.pam_authenticate, library.pam_acct_mgmt, library.pam_end):
        function.argtypes = [c_void_p, c_int]
    return library


__all__ = ["PAM", "PAMSettings", "checkService"]
