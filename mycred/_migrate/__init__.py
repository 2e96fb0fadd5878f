"""
Migrate the imports of a program from C{twisted.cred} to mycred.

From a file to its new text, in the order of the modules: L{_files} finds and reads
it, L{_scopes} finds out which name stands for which module where, L{_plan} decides
which imports and uses follow, L{_statements} writes the imports anew, L{_edits} changes
these parts of the text and no others, and L{_mentions} lists the places that a person has
to look at.
"""

from ._main import main
from ._migration import Left, Migrated, NoPython, migrate

__all__ = ["Left", "Migrated", "NoPython", "main", "migrate"]
