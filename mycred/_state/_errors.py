"""
The errors of shared state.
"""

from __future__ import annotations


class StateUnavailable(Exception):
    """
    The home of the state can't be reached now.  No login fails with it: what counts
    guesses then does so in this process.
    """


__all__ = ["StateUnavailable"]
