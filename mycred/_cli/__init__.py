"""
The C{mycred} command: look after password files, and try logins.
"""

from ._main import main

__all__ = ["main"]
