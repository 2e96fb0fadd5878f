"""
How the check of a token can fail.
"""

from __future__ import annotations


class TokenRefused(ValueError):
    """
    The token lets nobody in.  The text is for the log: it holds nothing of the token.
    """


class CannotTell(Exception):
    """
    Whether the token is good can't be found out now.  The text is for the log.
    """


__all__ = ["CannotTell", "TokenRefused"]
