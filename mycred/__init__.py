"""
Cred is a pluggable authentication system for servers: a protocol, a realm and
its credential checkers are chosen independently, and meet in a portal.

mycred is that system for any Twisted program, with the checkers that real
sites need.  Start at L{mycred.portal}; a login's path runs from there to
L{mycred.checkers}.
"""

__all__: list[str] = []
__version__ = "0.1.0"
