"""
Migrate a program from C{twisted.cred} to mycred: C{python -m mycred.migrate PATH...}.

It changes imports, and the places that use what C{import twisted.cred.portal} binds,
and shows what it would change; C{--write} changes it.  What only a person can decide,
such as a name in a string, is listed.
"""

from ._migrate import Left, Migrated, NoPython, main, migrate

__all__ = ["Left", "Migrated", "NoPython", "main", "migrate"]

if __name__ == "__main__":
    raise SystemExit(main())
