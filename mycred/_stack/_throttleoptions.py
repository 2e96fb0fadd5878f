"""
The options of the throttle, as a site's settings have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._argstring import Option, Options, integerBetween
from .._state import ISharedState
from ._guesses import Network, networkFrom
from ._throttle import Throttle

_DAY = 86_400

_free = integerBetween(1, 1_000_000, "a number from 1 to 1000000")


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
        _free,
        "NUMBER",
        "How many failures of one source at one account are free.",
        default=5,
    ),
    Option(
        "source",
        _free,
        "NUMBER",
        "How many of one source are free: an IPv4 address, or the /64 of an IPv6 one.",
        default=20,
    ),
    Option(
        "network",
        _free,
        "NUMBER",
        "How many of one network are free: the /24 of an IPv4 address, or the /48 of an "
        "IPv6 one.",
        default=50,
    ),
    Option(
        "account",
        _free,
        "NUMBER",
        "How many at one account are free, of sources that haven't logged in to it.",
        default=20,
    ),
    Option(
        "longest",
        integerBetween(1, 3600, "a number of seconds from 1 to 3600"),
        "SECONDS",
        "The longest pause; that of an account is half of it.",
        default=60,
    ),
    Option(
        "forget",
        integerBetween(1, _DAY, f"a number of seconds from 1 to {_DAY}"),
        "SECONDS",
        "After how long one failure is forgotten.",
        default=600,
    ),
    Option(
        "remember",
        integerBetween(1, 366, "a number of days from 1 to 366"),
        "DAYS",
        "For how long a source from which somebody has logged in to an account waits for "
        "nobody else's failures there.",
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
