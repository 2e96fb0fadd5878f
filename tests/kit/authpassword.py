"""
SCRAM keys as directories hold them.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from mycred._scram import NAMES, ScramKeys
from mycred.checkers.ldap import LDAPSettings, ldapSettings

from .slapd import PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, person

#: Few, so that tests are quick.
ITERATIONS = 4


def keysOf(
    password: bytes = b"sesame",
    hash: str = "sha256",
    iterations: int = ITERATIONS,
    salt: bytes = b"some salt",
) -> ScramKeys:
    """
    Return the keys of a password.
    """
    return ScramKeys.derived(hash, password, salt, iterations)


def authPassword(keys: ScramKeys) -> str:
    """
    Return keys as a value of authPassword (RFC 5803).
    """
    salt, stored, server = (
        b64encode(part).decode("ascii")
        for part in (keys.salt, keys.storedKey, keys.serverKey)
    )
    name = NAMES[keys.hash].decode("ascii")
    return f"{name}${keys.iterations}:{salt}${stored}:{server}"


def personWithKeys(name: str, *values: str, password: str = "sesame") -> str:
    """
    Return the entry of a user with values of authPassword, in LDIF.
    """
    lines = [f"authPassword: {value}" for value in values]
    return person(name, password, "objectClass: authPasswordObject", *lines)


def settingsWithKeys(server: Slapd, directory: Path, **more: str) -> LDAPSettings:
    """
    Return the settings of a server whose service account may read keys.

    @param directory: where the password of that account is put.
    @param more: other options.
    """
    password = directory / "service"
    password.touch(0o600)
    password.write_bytes(SERVICE_PASSWORD)
    return ldapSettings(
        host=server.socket,
        base=PEOPLE,
        binddn=SERVICE,
        bindpwfile=str(password),
        scram="authPassword",
        **more,
    )


__all__ = [
    "ITERATIONS",
    "authPassword",
    "keysOf",
    "personWithKeys",
    "settingsWithKeys",
]
