"""
The options C{--auth} as mycred's own programs have them.
"""

from __future__ import annotations

from ._audit import authTypeOf
from ._contracts import ICredentialsChecker, InvalidAuthArgumentString
from .strcred import AuthOptionMixin


class ProgramAuthOptions(AuthOptionMixin):
    """
    The options, where what could let nobody in is an error.

    Other programs may have a use for C{--auth=memory} with nobody in it, as with
    Twisted: they add users themselves.
    """

    def addChecker(self, checker: ICredentialsChecker) -> None:
        """
        Add a checker to the options.

        @raise InvalidAuthArgumentString: if it knows nobody.
        """
        if authTypeOf(checker) == "memory" and not getattr(checker, "users", True):
            raise InvalidAuthArgumentString(
                "nobody is in it; write a name and a password, as in memory:alice:sesame"
            )
        super().addChecker(checker)


__all__ = ["ProgramAuthOptions"]
