"""
The options C{--auth} as mycred's own programs have them.
"""

from __future__ import annotations

from ._audit import authTypeOf
from ._contracts import ICredentialsChecker, InvalidAuthArgumentString
from .strcred import AuthOptionMixin


class ProgramAuthOptions(AuthOptionMixin):
    """
    The options, where a checker that could let no user in is an error.

    Other programs may have a use for C{--auth=memory} without users, as with Twisted:
    they add users themselves.
    """

    def addChecker(self, checker: ICredentialsChecker) -> None:
        """
        Add a checker to the options.

        @raise InvalidAuthArgumentString: if it knows no user.
        """
        if authTypeOf(checker) == "memory" and not getattr(checker, "users", True):
            raise InvalidAuthArgumentString(
                "no user is in it; write a name and a password, as in memory:alice:sesame"
            )
        super().addChecker(checker)


__all__ = ["ProgramAuthOptions"]
