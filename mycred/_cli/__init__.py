"""
The C{mycred} command: manage password files, and try logins.
"""

from ._main import main

__all__ = ["main"]
