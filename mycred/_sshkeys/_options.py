"""
What may be done with a key: the options of authorized_keys (sshd(8)) and those of
certificates (PROTOCOL.certkeys).
"""

from __future__ import annotations

import calendar
import re
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ._certificate import Certificate
from ._sources import BadPattern, isInside
from ._wire import Fields, UnusableKey

#: What only a server can see to, as the options are called.
SERVER_OPTIONS = frozenset(
    {
        "command",
        "environment",
        "no-agent-forwarding",
        "no-port-forwarding",
        "no-pty",
        "no-user-rc",
        "no-x11-forwarding",
        "permitlisten",
        "permitopen",
        "restrict",
        "tunnel",
    }
)

# What a tunnel may be: a number, or any.
_MOST_TUNNELS = 0x7FFFFFFD
ANY_TUNNEL = 0x7FFFFFFF

# As many as OpenSSH takes.
_MOST_ENVIRONMENT, _MOST_PERMITS = 1024, 4096

_LONGEST_HOST = 1024

_variable = re.compile("[A-Za-z0-9_]+")
# An option, with what follows it; in quotes, \\" stands for a quote.
_option = re.compile(
    r"""(?P<name>[A-Za-z0-9-]*)
    (?P<sign>=)?(?(sign)"(?P<value>(?:\\"|[^"\\]|\\(?!"))*)")
    (?:,|$)""",
    re.VERBOSE | re.DOTALL,
)
_digits = re.compile("[0-9]{8}|[0-9]{12}|[0-9]{14}")


class BadOption(ValueError):
    """
    Options that OpenSSH wouldn't take either, or that contradict each other.
    """


class KeyOptions(NamedTuple):
    """
    What may be done with a key.

    @ivar command: what is run in place of anything that the client asks for.
    @ivar environment: names and values to add to the environment.
    @ivar sources: patterns of which one must match where the client comes from.
    @ivar networks: those of a certificate, of which the client must be in one.
    @ivar isAuthority: whether the key signs certificates, and doesn't log in.
    @ivar principals: the names for one of which a certificate must be, separated by
        commas; L{None} for the name of the account.
    @ivar expires: until when it counts, in seconds since 1970.
    @ivar permitOpen: where to connections may be forwarded, as C{host:port}; anywhere
        if it is empty.
    @ivar permitListen: where to listen for connections to forward.
    @ivar tunnel: the number of the tunnel device; L{None} if nothing is said.
    @ivar isRestricted: whether all is forbidden that isn't permitted by name.
    @ivar pty: whether a terminal may be had.
    @ivar portForwarding: whether connections may be forwarded.
    @ivar agentForwarding: whether the client's agent may be forwarded.
    @ivar x11Forwarding: whether the client's display may be forwarded.
    @ivar userRC: whether C{~/.ssh/rc} may be run.
    @ivar touchRequired: whether somebody must touch a security key.
    @ivar verifyRequired: whether a security key must have seen its owner.
    """

    command: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    sources: str | None = None
    networks: str | None = None
    isAuthority: bool = False
    principals: str | None = None
    expires: int | None = None
    permitOpen: tuple[str, ...] = ()
    permitListen: tuple[str, ...] = ()
    tunnel: int | None = None
    isRestricted: bool = False
    pty: bool = True
    portForwarding: bool = True
    agentForwarding: bool = True
    x11Forwarding: bool = True
    userRC: bool = True
    touchRequired: bool = True
    verifyRequired: bool = False

    @property
    def demands(self) -> frozenset[str]:
        """
        The names of the options that only a server can see to.
        """
        found = {
            "command": self.command is not None,
            "environment": self.environment,
            "no-agent-forwarding": not self.agentForwarding,
            "no-port-forwarding": not self.portForwarding,
            "no-pty": not self.pty,
            "no-user-rc": not self.userRC,
            "no-x11-forwarding": not self.x11Forwarding,
            "permitlisten": self.permitListen,
            "permitopen": self.permitOpen,
            "restrict": self.isRestricted,
            "tunnel": self.tunnel is not None,
        }
        return frozenset(name for name, isDemanded in found.items() if isDemanded)


def parseOptions(text: str) -> KeyOptions:
    """
    Read the options that stand before a key.

    @param text: options separated by commas.

    @raise BadOption: if one isn't known, or isn't what it should be.
    """
    options = KeyOptions()
    position = 0
    while position < len(text):
        # As OpenSSH does it: commas may stand where nothing is between them.
        match = _option.match(text, position)
        name, value = (match["name"].lower(), match["value"]) if match else ("", None)
        if match is None or (match["sign"] and value is None):
            raise BadOption(f"no option, or no value in quotes: {text[position:][:40]!r}")
        if name:
            options = _obey(options, name, value)
        position = match.end()
    return options


def fromCertificate(certificate: Certificate) -> KeyOptions:
    """
    Read the options of a certificate.

    @raise BadOption: if there is a critical one that isn't known, or one isn't what it
        should be.
    """
    options = _with(KeyOptions(), **dict.fromkeys(_FLAGS.values(), False))
    options = options._replace(touchRequired=True)
    for name, value in certificate.critical:
        if name == "verify-required":
            _insistOnNothing(name, value)
            options = options._replace(verifyRequired=True)
        elif name == "force-command":
            options = _once(options, "command", name, _textIn(name, value))
        elif name == "source-address":
            options = _once(options, "networks", name, _textIn(name, value))
            try:
                isInside("::", options.networks or "")
            except BadPattern as error:
                raise BadOption(f"source-address: {error}") from None
        else:
            raise BadOption(f"the certificate has an unknown critical option {name!r}")
    for name, value in certificate.extensions:
        if name == "no-touch-required":
            _insistOnNothing(name, value)
            options = options._replace(touchRequired=False)
        elif name in _EXTENSIONS:
            _insistOnNothing(name, value)
            options = _with(options, **{_EXTENSIONS[name]: True})
    return options


def merge(first: KeyOptions, second: KeyOptions) -> KeyOptions:
    """
    Combine what a file and what a certificate says: what is permitted must be so by
    both, what is restricted is so by either.

    @param first: whose C{from=} counts, where both have one.

    @raise BadOption: if each has another command, or lists that differ.
    """
    commands = {one.command for one in (first, second) if one.command is not None}
    if len(commands) > 1:
        raise BadOption("each of the line and the certificate has another command")
    for field in ("environment", "permitOpen", "permitListen", "tunnel"):
        # With OpenSSH the first one's count; then what the second forbids is permitted.
        lists = {getattr(one, field) for one in (first, second)} - {(), None}
        if len(lists) > 1:
            raise BadOption("each of the two has other lists")
    merged = first._replace(
        command=commands.pop() if commands else None,
        environment=first.environment or second.environment,
        sources=second.sources if first.sources is None else first.sources,
        networks=second.networks if first.networks is None else first.networks,
        isAuthority=False,
        principals=None,
        expires=min(
            (one.expires for one in (first, second) if one.expires is not None),
            default=None,
        ),
        permitOpen=first.permitOpen or second.permitOpen,
        permitListen=first.permitListen or second.permitListen,
        tunnel=second.tunnel if first.tunnel is None else first.tunnel,
        isRestricted=first.isRestricted or second.isRestricted,
        touchRequired=first.touchRequired or second.touchRequired,
        verifyRequired=first.verifyRequired or second.verifyRequired,
    )
    both = {one: getattr(first, one) and getattr(second, one) for one in _FLAGS.values()}
    return _with(merged, **both)


def _with(options: KeyOptions, **fields: Any) -> KeyOptions:
    """
    Return options with some fields of others.
    """
    return options._replace(**fields)


def _obey(options: KeyOptions, name: str, value: str | None) -> KeyOptions:
    """
    Obey an option.

    @param value: what stands in quotes; L{None} if nothing does.
    """
    if value is None:
        return _set(options, name)
    if name not in _VALUES:
        raise BadOption(f"an unknown option, {name}=")
    return _VALUES[name](options, value.replace('\\"', '"'))


def _set(options: KeyOptions, name: str) -> KeyOptions:
    """
    Obey an option without a value.
    """
    value, plain = True, name
    if name.startswith("no-"):
        value, plain = False, name.removeprefix("no-")
    if plain in _FLAGS:
        return _with(options, **{_FLAGS[plain]: value})
    if plain == "touch-required":
        return options._replace(touchRequired=value)
    if plain == "verify-required":
        return options._replace(verifyRequired=value)
    if name == "cert-authority":
        return options._replace(isAuthority=True)
    if name == "restrict":
        options = options._replace(isRestricted=True)
        return _with(options, **dict.fromkeys(_FLAGS.values(), False))
    if name in _VALUES:
        raise BadOption(f"{name} lacks its value")
    raise BadOption(f"an unknown option, {name}")


def _once(options: KeyOptions, field: str, name: str, value: str) -> KeyOptions:
    """
    Obey an option that may stand there once.
    """
    if getattr(options, field) is not None:
        raise BadOption(f"there is more than one {name}")
    return _with(options, **{field: value})


def _onlyOnce(field: str, name: str) -> Callable[[KeyOptions, str], KeyOptions]:
    """
    Make what obeys such an option.
    """
    return lambda options, value: _once(options, field, name, value)


def _setExpiry(options: KeyOptions, value: str) -> KeyOptions:
    """
    Obey C{expiry-time}: of several the earliest counts.
    """
    expires = _readTime(value)
    if options.expires is not None:
        expires = min(expires, options.expires)
    return options._replace(expires=expires)


def _readTime(text: str) -> int:
    """
    Read YYYYMMDD[HHMM[SS]], in local time unless Z or UTC follows.
    """
    digits, read = text, time.mktime
    for zone in ("Z", "UTC"):
        if text.upper().endswith(zone):
            digits, read = text[: -len(zone)], calendar.timegm
    if not _digits.fullmatch(digits):
        raise BadOption("expiry-time: no time as YYYYMMDD[HHMM[SS]][Z]")
    try:
        parsed = time.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")
        # As OpenSSH does it: summer time isn't thought of.
        seconds = int(read((*parsed[:6], 0, 0, 0)))
    except (ValueError, OverflowError):
        raise BadOption("expiry-time: there is no such time") from None
    if seconds <= 0:
        raise BadOption("expiry-time: a time before 1970")
    return seconds


def _addEnvironment(options: KeyOptions, value: str) -> KeyOptions:
    """
    Obey C{environment}: of several for one name the first counts.
    """
    name, sign, content = value.partition("=")
    if not sign or not _variable.fullmatch(name):
        raise BadOption("environment: no NAME=VALUE")
    if len(options.environment) >= _MOST_ENVIRONMENT:
        raise BadOption("environment: too many of them")
    if name in dict(options.environment):
        return options
    return options._replace(environment=(*options.environment, (name, content)))


def _permit(field: str, name: str) -> Callable[[KeyOptions, str], KeyOptions]:
    """
    Make what obeys C{permitopen} or C{permitlisten}.
    """

    def obey(options: KeyOptions, value: str) -> KeyOptions:
        if name == "permitlisten" and ":" not in value:
            value = f"*:{value}"
        permitted: tuple[str, ...] = getattr(options, field)
        if len(permitted) >= _MOST_PERMITS:
            raise BadOption(f"{name}: too many of them")
        if splitHost(value) is None:
            raise BadOption(f"{name}: no host:port")
        return _with(options, **{field: (*permitted, value)})

    return obey


def splitHost(text: str) -> tuple[str, int | None] | None:
    """
    Split C{host:port} or C{[host]:port}.

    @return: the host and the port, L{None} for C{*}; L{None} if it is neither.
    """
    if text[:1] == "[":
        host, bracket, port = text[1:].partition("]")
        if not bracket or port[:1] not in (":", "/"):
            return None
        port = port[1:]
    else:
        match = re.fullmatch("([^:/]*)[:/](.*)", text, re.DOTALL)
        if match is None:
            return None
        host, port = match.groups()
    if len(host) > _LONGEST_HOST:
        return None
    if port == "*":
        return host, None
    number = _portOf(port)
    return None if number is None else (host, number)


def _portOf(text: str) -> int | None:
    """
    Read the number or the name of a port.
    """
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text) if 0 < int(text) < 65536 else None
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, UnicodeError, ValueError):
        return None


def _setTunnel(options: KeyOptions, value: str) -> KeyOptions:
    """
    Obey C{tunnel}.
    """
    if value.lower() == "any":
        return options._replace(tunnel=ANY_TUNNEL)
    if not re.fullmatch("[0-9]{1,10}", value) or int(value) > _MOST_TUNNELS:
        raise BadOption("tunnel: no number of a device, and not any")
    return options._replace(tunnel=int(value))


def _textIn(name: str, value: bytes) -> str:
    """
    Read the text in the value of an option of a certificate.
    """
    try:
        fields = Fields(value)
        text = fields.text()
        fields.end()
    except UnusableKey as error:
        raise BadOption(f"{name}: {error}") from None
    return text


def _insistOnNothing(name: str, value: bytes) -> None:
    """
    Insist that an option of a certificate has no value.
    """
    if value:
        raise BadOption(f"{name} has a value")


# For each flag that can be turned off with no-, the field that it sets.
_FLAGS = {
    "agent-forwarding": "agentForwarding",
    "port-forwarding": "portForwarding",
    "pty": "pty",
    "user-rc": "userRC",
    "x11-forwarding": "x11Forwarding",
}

# The same for the extensions of certificates, whose names are case-sensitive.
_EXTENSIONS = {
    "permit-X11-forwarding": "x11Forwarding",
    "permit-agent-forwarding": "agentForwarding",
    "permit-port-forwarding": "portForwarding",
    "permit-pty": "pty",
    "permit-user-rc": "userRC",
}

# What obeys each option with a value.
_VALUES: dict[str, Callable[[KeyOptions, str], KeyOptions]] = {
    "command": _onlyOnce("command", "command="),
    "environment": _addEnvironment,
    "expiry-time": _setExpiry,
    "from": _onlyOnce("sources", "from="),
    "permitlisten": _permit("permitListen", "permitlisten"),
    "permitopen": _permit("permitOpen", "permitopen"),
    "principals": _onlyOnce("principals", "principals="),
    "tunnel": _setTunnel,
}


def restored(packed: Any) -> KeyOptions:
    """
    Make options of what a process has sent.
    """
    options = KeyOptions(*packed)
    return options._replace(
        environment=tuple((name, value) for name, value in options.environment),
        permitOpen=tuple(options.permitOpen),
        permitListen=tuple(options.permitListen),
    )


__all__ = [
    "ANY_TUNNEL",
    "SERVER_OPTIONS",
    "BadOption",
    "KeyOptions",
    "fromCertificate",
    "merge",
    "parseOptions",
    "restored",
    "splitHost",
]
