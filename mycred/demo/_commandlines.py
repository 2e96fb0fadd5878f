"""
A dialogue in which each command is a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from twisted.internet.defer import CancelledError

from ._dialogue import Dialogue, Refused
from ._mailstore import Unavailable


class CommandLines(Dialogue):
    """
    A dialogue in which each command is a line: a name, and arguments.

    Each command is carried out by a coroutine, C{on_NAME}, which returns the answer, and
    raises L{Refused} for one that says no.

    @cvar commands: the arguments of each command, by its name; their groups are the
        arguments of the coroutine.
    @cvar yes: what stands before an answer.
    @cvar no: what stands before one that says no.
    @cvar unknown: the answer to a command that doesn't exist.
    @cvar misused: the answer to one with other arguments.
    @cvar unavailable: the answer to one for which the store can't be used now.
    @cvar defect: the answer to one that has failed in a way that isn't foreseen.
    """

    commands: Mapping[bytes, re.Pattern[bytes]]
    yes = no = b""
    unknown: str
    misused: str
    unavailable: str
    defect: str

    def commandReceived(self, line: bytes) -> None:
        """
        Take a command.
        """
        self.carryOut(self._answer(line))

    async def _answer(self, line: bytes) -> None:
        """
        Carry a command out, and send the answer.
        """
        name = line.partition(b" ")[0]
        command = name.upper()
        try:
            found = self.argumentsOf(command).fullmatch(line, len(name))
            if found is None:
                raise Refused(self.misused)
            handler = getattr(self, f"on_{command.decode('ascii')}")
            said = self.yes + await handler(*found.groups())
        except Refused as error:
            said = self.no + str(error).encode("ascii")
        except Unavailable:
            said = self.no + self.unavailable.encode("ascii")
        except CancelledError:
            return
        except Exception:
            self._log.failure("A command failed")
            said = self.no + self.defect.encode("ascii")
        self.sendLine(said)
        if command == b"QUIT":
            self.hangUp()

    def argumentsOf(self, command: bytes) -> re.Pattern[bytes]:
        """
        Return the pattern of the arguments of a command.

        @raise Refused: if there is none.
        """
        if command not in self.commands:
            raise Refused(self.unknown)
        return self.commands[command]


__all__ = ["CommandLines"]
