"""
C{mycred types}: list the auth types.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import suppress

from twisted.python import usage

from ..strcred import AuthOptionMixin, InvalidAuthType, findCheckerFactory
from ._errors import CommandError


class _Options(usage.Options, AuthOptionMixin):
    """
    The options of a program that takes credentials of all kinds.
    """


def run(options: Namespace) -> int:
    """
    Print the auth types, what each checks and its arguments; or explain one type.

    @return: the exit status.
    """
    if options.type is not None:
        return _explain(options.type)
    rows = [("TYPE", "CHECKS", "WHAT FOLLOWS THE TYPE")]
    for factory in _Options()._checkerFactoriesForOptHelpAuth():
        interfaces = getattr(factory, "credentialInterfaces", None)
        checks = "?" if interfaces is None else ", ".join(i.__name__ for i in interfaces)
        rows.append((factory.authType, checks, factory.argStringFormat))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for authType, checks, arguments in rows:
        print(f"{authType:<{widths[0]}}  {checks:<{widths[1]}}  {arguments}")
    return 0


def _explain(authType: str) -> int:
    """
    Explain an auth type, as C{--help-auth-type} does.

    @return: the exit status.

    @raise CommandError: if there is no such type.
    """
    options = _Options()
    options.authOutput = sys.stdout
    try:
        findCheckerFactory(authType)
    except InvalidAuthType:
        raise CommandError(options._unknownType("", authType)) from None
    with suppress(SystemExit):
        options.opt_help_auth_type(authType)
    return 0


__all__ = ["run"]
