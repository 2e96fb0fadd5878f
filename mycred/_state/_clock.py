"""
The reactor, for what is made before there is one.
"""

from __future__ import annotations

from typing import Any


class LazyReactor:
    """
    The reactor that is installed when it is needed first: options are parsed before one
    is chosen, and importing it would choose.
    """

    def __getattr__(self, name: str) -> Any:
        """
        Return an attribute of the reactor, and keep it.
        """
        from twisted.internet import reactor

        found = getattr(reactor, name)
        setattr(self, name, found)
        return found


__all__ = ["LazyReactor"]
