"""
What to install for the optional parts of mycred.
"""

from __future__ import annotations


def installing(extra: str) -> str:
    """
    Return the command that installs an extra.  No package index has mycred: it is
    installed from a checkout, and all that it needs comes from an index.

    @param extra: one of C{extras_require} in C{setup.cfg}.
    """
    return f"pip install '.[{extra}]' in a checkout of mycred"


__all__ = ["installing"]
