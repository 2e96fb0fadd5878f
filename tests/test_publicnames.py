"""
Tests for the public names of mycred: those that stood before still stand.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .kit.publicnames import LIST, publicNames


def splitParameters(line: str) -> tuple[str, list[str], set[str]]:
    """
    Return the name in a line of the list, the parameters that can be given by position,
    in their order, and those that can be given by name only.
    """
    name, _, rest = line.partition("(")
    parameters = rest.removesuffix(")").split(", ") if rest.strip(")") else []
    positional: list[str] = []
    for parameter in parameters:
        if parameter.startswith("*"):
            break
        positional.append(parameter)
    byName = parameters[len(positional) :]
    return name, positional, {parameter for parameter in byName if parameter != "*"}


class PublicNamesTests(SynchronousTestCase):
    """
    Tests for the list of public names.
    """

    def test_stillThere(self) -> None:
        """
        No name of the list is missing, and functions and classes take the arguments that
        they took: more may have come at the end, and with defaults only.
        """
        now = {}
        for line in publicNames():
            name, *parameters = splitParameters(line)
            now[name] = parameters
        for line in LIST.read_text("utf-8").splitlines():
            name, positional, byName = splitParameters(line)
            with self.subTest(name):
                self.assertIn(name, now)
                nowPositional, nowByName = now[name]
                self.assertEqual(nowPositional[: len(positional)], positional)
                takesAny = any(p.startswith("**") for p in nowByName)
                missing = byName - {*nowByName, *nowPositional}
                self.assertTrue(takesAny or not missing, missing)
