"""
The options of the throttle, as a site's settings have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._argstring import Option, Options, integerBetween
from .._state import ISharedState
from ._guesses import Network, networkFrom
from ._throttle import RANGES, Throttle

_DAY = 86_400


def _numberOf(name: str, unit: str = "", size: int = 1) -> Callable[[str], int]:
    """
    Return what parses a number.

    @param name: the option.
    @param unit: of what it is a number, for people.
    @param size: how many of those that a throttle takes are one of these.
    """
    least, most = (max(1, number // size) for number in RANGES[name])
    return integerBetween(least, most, f"a number{unit} from {least} to {most}")


def _networks(text: str) -> tuple[Network, ...]:
    """
    Return networks that are separated by commas.
    """
    return tuple(networkFrom(word.strip()) for word in text.split(","))


throttleOptions = Options(
    Option(
        "exempt",
        _networks,
        "NETWORK,...",
        "Networks whose clients never wait, and cost nothing, such as 192.0.2.0/24 or "
        "2001:db8::/32: monitoring, or a webmail server that throttles by itself.",
        default=(),
    ),
    Option(
        "pair",
        _numberOf("pair"),
        "NUMBER",
        "How many failures of one source at one account are free; 5 if not given.",
        default=5,
    ),
    Option(
        "source",
        _numberOf("source"),
        "NUMBER",
        "How many failures of one source are free, an IPv4 address or the /64 of an IPv6 "
        "one; 20 if not given.",
        default=20,
    ),
    Option(
        "network",
        _numberOf("network"),
        "NUMBER",
        "How many failures of one network are free, the /24 of an IPv4 address or the "
        "/48 of an IPv6 one; 50 if not given.",
        default=50,
    ),
    Option(
        "account",
        _numberOf("account"),
        "NUMBER",
        "How many failures at one account are free, of sources that haven't logged in to "
        "it; 20 if not given.",
        default=20,
    ),
    Option(
        "longest",
        _numberOf("longest", " of seconds"),
        "SECONDS",
        "The longest pause, 60 if not given; that of an account is half of it.",
        default=60,
    ),
    Option(
        "forget",
        _numberOf("forget", " of seconds"),
        "SECONDS",
        "After how long one failure is forgotten; 600 if not given.",
        default=600,
    ),
    Option(
        "remember",
        _numberOf("remember", " of days", _DAY),
        "DAYS",
        "For how long a source that has logged in to an account waits for no other "
        "source's failures there; 30 if not given.",
        default=30,
    ),
)


def makeThrottle(given: Mapping[str, Any], state: ISharedState) -> Throttle:
    """
    Return the throttle that options ask for.

    @param given: the values, as L{throttleOptions} parses them.
    @param state: where failures are counted.
    """
    return Throttle(state, **{**given, "remember": given["remember"] * _DAY})


__all__ = ["makeThrottle", "throttleOptions"]
