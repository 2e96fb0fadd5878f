"""
Parse lists of options: that of a line of authorized_keys, and that of a certificate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ._budget import Budget, Limit
from ._certificate import Certificate
from ._options import ANY_TUNNEL, FLAGS, BadOption, KeyOptions
from ._ports import portNamed, splitHost
from ._sources import BadPattern, networksIn
from ._times import parseTime
from ._wire import Fields, UnusableKey

# The largest number of a tunnel device.
_MOST_TUNNELS = 0x7FFFFFFD

# As many as OpenSSH takes.
_MOST_ENVIRONMENT, _MOST_PERMITS = 1024, 4096

_variable = re.compile("[A-Za-z0-9_]+")
_number = re.compile("[0-9]{1,10}")

# An option, with what follows it; in quotes, \\" stands for a quote.  As in OpenSSH,
# commas may stand where nothing is between them.  No two repetitions that stand side by
# side may take the same character.
_option = re.compile(
    r"""(?:(?P<name>[A-Za-z0-9-]+)
    (?:="(?P<value>[^"\\]*(?:\\(?:"|(?!"))[^"\\]*)*)")?)?
    (?:,|\Z)""",
    re.VERBOSE,
)


def parseOptions(text: str, budget: Budget | None = None) -> KeyOptions:
    """
    Return the options that stand before a key.

    @param text: options separated by commas.
    @param budget: what they are counted against.

    @raise BadOption: if one isn't known, or isn't what it should be.
    @raise TooMuch: if there are too many.
    """
    draft = _Draft(Budget() if budget is None else budget)
    position = 0
    while position < len(text):
        draft.budget.spend(Limit.OPTIONS)
        match = _option.match(text, position)
        if match is None:
            raise BadOption(
                f"no option, or no value in quotes: {text[position : position + 40]!r}"
            )
        if match["name"]:
            draft.take(match["name"].lower(), match["value"])
        position = match.end()
    return draft.finish()


def fromCertificate(certificate: Certificate, budget: Budget | None = None) -> KeyOptions:
    """
    Return the options of a certificate.

    @param budget: what they are counted against.

    @raise BadOption: if there is a critical one that isn't known, or one isn't what it
        should be.
    @raise TooMuch: if there are too many.
    """
    draft = _Draft(Budget() if budget is None else budget)
    draft.fields.update(dict.fromkeys(FLAGS.values(), False))
    for name, value in certificate.critical:
        if name == "verify-required":
            _insistOnNothing(name, value)
            draft.fields["verifyRequired"] = True
        elif name == "force-command":
            draft.once("command", name, _textIn(name, value))
        elif name == "source-address":
            draft.once("networks", name, _networksIn(name, value, draft.budget))
        else:
            raise BadOption(f"the certificate has an unknown critical option {name!r}")
    for name, value in certificate.extensions:
        if name == "no-touch-required":
            _insistOnNothing(name, value)
            draft.fields["touchRequired"] = False
        elif name in _EXTENSIONS:
            _insistOnNothing(name, value)
            draft.fields[_EXTENSIONS[name]] = True
    return draft.finish()


class _Draft:
    """
    Options, as far as they have been parsed.

    @ivar budget: what they are counted against.
    @ivar fields: the fields of L{KeyOptions} that differ from what holds without options.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.fields: dict[str, Any] = {}
        self._environment: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}

    def finish(self) -> KeyOptions:
        """
        Return the options.
        """
        self.fields["environment"] = tuple(self._environment.items())
        for field, values in self._lists.items():
            self.fields[field] = tuple(values)
        return KeyOptions(**self.fields)

    def take(self, name: str, value: str | None) -> None:
        """
        Set what an option says.

        @param value: what stands in quotes; L{None} if nothing does.
        """
        if value is None:
            self._set(name)
        elif name not in _VALUES:
            raise BadOption(f"an unknown option, {name}=")
        else:
            _VALUES[name](self, value.replace('\\"', '"'))

    def once(self, field: str, name: str, value: str) -> None:
        """
        Set what an option says that may stand there once.
        """
        if field in self.fields:
            raise BadOption(f"there is more than one {name}")
        self.fields[field] = value

    def addEnvironment(self, value: str) -> None:
        """
        Add an C{environment}: of several for one name the first counts.
        """
        name, sign, content = value.partition("=")
        if not sign or not _variable.fullmatch(name):
            raise BadOption("environment: no NAME=VALUE")
        if len(self._environment) >= _MOST_ENVIRONMENT:
            raise BadOption("environment: too many of them")
        self._environment.setdefault(name, content)

    def setExpiry(self, value: str) -> None:
        """
        Set an C{expiry-time}: of several the earliest counts.
        """
        self.budget.spend(Limit.TIMES)
        try:
            expires = parseTime(value)
        except ValueError as error:
            raise BadOption(f"expiry-time: {error}") from None
        self.fields["expires"] = min(expires, self.fields.get("expires", expires))

    def permit(self, field: str, name: str, value: str) -> None:
        """
        Add a C{permitopen} or a C{permitlisten}.
        """
        permitted = self._lists.setdefault(field, [])
        if len(permitted) >= _MOST_PERMITS:
            raise BadOption(f"{name}: too many of them")
        parts = splitHost(value, self._portNamed)
        if parts is None:
            raise BadOption(f"{name}: no host:port")
        if parts[1] is not None:
            # By its number: the server that enforces it has no name service to ask.
            end = max(value.rfind(":"), value.rfind("/")) + 1
            value = f"{value[:end]}{parts[1]}"
        permitted.append(value)

    def setTunnel(self, value: str) -> None:
        """
        Set C{tunnel}.
        """
        if value.lower() == "any":
            self.fields["tunnel"] = ANY_TUNNEL
        elif not _number.fullmatch(value) or int(value) > _MOST_TUNNELS:
            raise BadOption("tunnel: no number of a device, and not any")
        else:
            self.fields["tunnel"] = int(value)

    def _set(self, name: str) -> None:
        """
        Set an option without a value.
        """
        plain = name.removeprefix("no-")
        if plain in _NEGATABLE:
            self.fields[_NEGATABLE[plain]] = plain == name
        elif name == "cert-authority":
            self.fields["isAuthority"] = True
        elif name == "restrict":
            self.fields["isRestricted"] = True
            self.fields.update(dict.fromkeys(FLAGS.values(), False))
        elif name in _VALUES:
            raise BadOption(f"{name} lacks its value")
        else:
            raise BadOption(f"an unknown option, {name}")

    def _portNamed(self, name: str) -> int | None:
        """
        Return the number of a port; L{None} if there is no port of this name.
        """
        self.budget.spend(Limit.PORT_NAMES)
        return portNamed(name)


def _textIn(name: str, value: bytes) -> str:
    """
    Return the text in the value of an option of a certificate.
    """
    try:
        fields = Fields(value)
        text = fields.text()
        fields.end()
    except UnusableKey as error:
        raise BadOption(f"{name}: {error}") from None
    return text


def _networksIn(name: str, value: bytes, budget: Budget) -> str:
    """
    Return the networks in the value of an option of a certificate, separated by commas.
    """
    networks = _textIn(name, value)
    try:
        networksIn(networks, budget)
    except BadPattern as error:
        raise BadOption(f"{name}: {error}") from None
    return networks


def _insistOnNothing(name: str, value: bytes) -> None:
    """
    Insist that an option of a certificate has no value.
    """
    if value:
        raise BadOption(f"{name} has a value")


# The flags that can be turned off with no-.
_NEGATABLE = {
    **FLAGS,
    "touch-required": "touchRequired",
    "verify-required": "verifyRequired",
}

# The same for the extensions of certificates, whose names are case-sensitive.
_EXTENSIONS = {
    "permit-X11-forwarding": "x11Forwarding",
    "permit-agent-forwarding": "agentForwarding",
    "permit-port-forwarding": "portForwarding",
    "permit-pty": "pty",
    "permit-user-rc": "userRC",
}

# What sets each option with a value.
_VALUES: dict[str, Callable[[_Draft, str], None]] = {
    "command": lambda draft, value: draft.once("command", "command=", value),
    "environment": _Draft.addEnvironment,
    "expiry-time": _Draft.setExpiry,
    "from": lambda draft, value: draft.once("sources", "from=", value),
    "permitlisten": lambda draft, value: draft.permit(
        "permitListen", "permitlisten", value if ":" in value else f"*:{value}"
    ),
    "permitopen": lambda draft, value: draft.permit("permitOpen", "permitopen", value),
    "principals": lambda draft, value: draft.once("principals", "principals=", value),
    "tunnel": _Draft.setTunnel,
}


__all__ = ["fromCertificate", "parseOptions"]
