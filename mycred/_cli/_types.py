"""
C{mycred types}: list the auth types.
"""

from __future__ import annotations

from argparse import Namespace

from twisted.python import usage

from ..strcred import AuthOptionMixin


class _Options(usage.Options, AuthOptionMixin):
    """
    The options of a program that takes everything.
    """


def run(options: Namespace) -> int:
    """
    Print what C{--help-auth} lists, and what each checks.

    @return: the exit status.
    """
    rows = [("TYPE", "CHECKS", "WHAT FOLLOWS THE TYPE")]
    for factory in _Options()._checkerFactoriesForOptHelpAuth():
        interfaces = getattr(factory, "credentialInterfaces", None)
        checks = "?" if interfaces is None else ", ".join(i.__name__ for i in interfaces)
        rows.append((factory.authType, checks, factory.argStringFormat))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for authType, checks, arguments in rows:
        print(f"{authType:<{widths[0]}}  {checks:<{widths[1]}}  {arguments}")
    return 0


__all__ = ["run"]
