"""
Parse a file that says which account a name in a certificate stands for.

Each line is a name, as a certificate has it, and the account after the last space::

    # value                            account
    alice@example.org                  alice
    CN=Alice Example,O=Example         alice
    1F:8B:64:...:09                    bob
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .._secrets import isPlausible


def parseMapping(text: bytes, spelled: Callable[[str], str] = str) -> dict[str, str]:
    """
    Return the accounts by the names that certificates have.

    @param text: what the file holds, in UTF-8.  Blank lines, and those that begin with
        C{#}, are skipped.
    @param spelled: returns a name as certificates have it, of what the file has.

    @raise ValueError: if a line isn't like that, or names another account than one before
        it.
    """
    accounts: dict[str, str] = {}
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            words = line.decode("utf-8").strip().rsplit(None, 1)
            if not words or words[0].startswith("#"):
                continue
            name, account = _insistOnTwo(words)
            if accounts.setdefault(spelled(name.rstrip()), account) != account:
                raise ValueError("the name stands for another account already")
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return accounts


def withFingerprints(text: bytes) -> dict[str, str]:
    """
    Return the accounts by the fingerprints of certificates, in the spelling of
    L{Naming<mycred._certificates.Naming>}; openssl's is in upper case, with colons.

    @param text: as for L{parseMapping}.

    @raise ValueError: as from there, or if a name is no fingerprint.
    """
    return parseMapping(text, _fingerprint)


def _fingerprint(text: str) -> str:
    """
    Return the digits of a fingerprint.
    """
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError("write the SHA-256 of the certificate, 64 hexadecimal digits")
    return digits


def _insistOnTwo(words: list[str]) -> list[str]:
    """
    Insist on a name and an account.

    @raise ValueError: if it isn't that.
    """
    if len(words) != 2:
        raise ValueError("write a name, a space, and an account")
    if not all(map(isPlausible, words)) or not words[1].isprintable():
        raise ValueError("a name or an account is too long, or has odd characters")
    return words


__all__ = ["parseMapping", "withFingerprints"]
