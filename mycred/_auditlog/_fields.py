"""
The fields of a login in JSON, by the names of the Elastic Common Schema.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Union
from weakref import WeakKeyDictionary

from .._audit import LoginEvent, partOf
from .._loginline import levelOf
from .._mechanism import mechanismOf
from .._peers import parseHost

#: What a field may hold.
Value = Union[str, int, bool, list[str], None]

# What a field is made of: the login, and the values of its line.
_Get = Callable[[LoginEvent, Mapping[str, str]], Value]

# The outcome in the words of the schema.  Where nothing is known of the password it is
# unknown, so that an outage doesn't look like an attack.
_OUTCOMES = {
    "accepted": "success",
    "refused": "failure",
    "denied": "failure",
    "throttled": "failure",
}

# The name of each connection, which no other has, in no process.
_connections: WeakKeyDictionary[object, str] = WeakKeyDictionary()


def fieldsOf(login: LoginEvent, known: Mapping[str, str]) -> dict[str, Value]:
    """
    Return the fields of a login, those that are known, in the order of L{FIELDS}.

    @param known: the values of its line.
    """
    values = ((name, get(login, known)) for name, get in FIELDS.items())
    return {name: value for name, value in values if value is not None}


def _now(login: LoginEvent, known: Mapping[str, str]) -> str:
    """
    Return the time, as RFC 3339 has it, in UTC.
    """
    now, thousandths = divmod(int(time.time() * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{thousandths:03}Z"


def _reason(login: LoginEvent, known: Mapping[str, str]) -> str | None:
    """
    Return why the user isn't logged in: the reason for a denial, and what else is known.
    """
    reasons = (known.get(name) for name in ("reason", "why"))
    return ": ".join(filter(None, reasons)) or None


def _account(login: LoginEvent, known: Mapping[str, str]) -> str | None:
    """
    Return the name of the user: the account's own, or else what was typed.  Who has no
    name gets none.
    """
    if isinstance(login.avatarId, tuple):
        return None
    return known.get("avatar") or known.get("user") or None


def _ip(login: LoginEvent, known: Mapping[str, str]) -> str | None:
    """
    Return the client's address, if it is one of IP.  The zone of an IPv6 address means
    something on this machine alone, and is no part of it.
    """
    address = parseHost(known.get("peer", ""))
    return None if address is None else str(address).partition("%")[0]


def _portAt(end: str) -> _Get:
    """
    Return what returns the port at one end of the connection.

    @param end: C{peer} or C{host}, as L{ConnectionFacts<mycred._facts.ConnectionFacts>}
        calls it.
    """

    def port(login: LoginEvent, known: Mapping[str, str]) -> int | None:
        address = partOf(_factsOf(login), end)
        if address is None and end == "peer":
            address = partOf(login.credentials, end)
        number = partOf(address, "port")
        return number if type(number) is int and 0 <= number < 65536 else None

    return port


def _tls(login: LoginEvent, known: Mapping[str, str]) -> str | None:
    """
    Return the version of TLS, such as C{1.3}.
    """
    name = partOf(_factsOf(login), "tlsVersion")
    return name.removeprefix("TLSv") if isinstance(name, str) else None


def _connection(login: LoginEvent, known: Mapping[str, str]) -> str | None:
    """
    Return the name of the connection.
    """
    session = partOf(login.credentials, "session")
    try:
        return _connections.get(session) or _connections.setdefault(
            session, secrets.token_hex(8)
        )
    except Exception:
        # There is none, or it is something else, which needn't be a key.
        return None


def _cached(login: LoginEvent, known: Mapping[str, str]) -> bool | None:
    """
    Return whether a cache has accepted the login.
    """
    return login.cached


def _factsOf(login: LoginEvent) -> object:
    """
    Return what is known of the connection, or L{None}.
    """
    return partOf(login.credentials, "facts")


def _always(value: Value) -> _Get:
    """
    Return what always returns the same.
    """
    return lambda login, known: value


def _text(name: str) -> _Get:
    """
    Return what returns a value of the line.
    """
    return lambda login, known: known.get(name)


#: What each field is made of.  The first three are in the order that the schema wants.
#: What ends in an address stands before all that a client has written.
FIELDS: dict[str, _Get] = {
    "@timestamp": _now,
    "log.level": lambda login, known: levelOf(login).name,
    "message": lambda login, known: f"Login {login.verdict}",
    "ecs.version": _always("8.11.0"),
    "event.kind": _always("event"),
    "event.category": _always(["authentication"]),
    "event.type": _always(["start"]),
    "event.action": _always("login"),
    "event.outcome": lambda login, known: _OUTCOMES.get(login.verdict or "", "unknown"),
    "event.duration": lambda login, known: max(0, int(login.seconds * 1e9)),
    "mycred.verdict": lambda login, known: login.verdict,
    "mycred.mechanism": lambda login, known: mechanismOf(login.credentials),
    "mycred.checker": _text("by"),
    "mycred.cached": _cached,
    "mycred.connection": _connection,
    "network.protocol": _text("service"),
    "source.ip": _ip,
    "source.port": _portAt("peer"),
    "destination.port": _portAt("host"),
    "tls.version": _tls,
    "user.name": _account,
    "mycred.username": _text("user"),
    "mycred.key": _text("key"),
    "event.reason": _reason,
}


__all__ = ["FIELDS", "Value", "fieldsOf"]
