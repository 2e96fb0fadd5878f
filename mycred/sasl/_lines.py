"""
What a client sends, out of the base64 in which mail protocols wrap it.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from ..error import SASLCancelled, SASLError

#: The longest answer that is read, in bytes of base64 (RFC 4954, section 4).
LONGEST_LINE = 12288


def decode(line: bytes) -> bytes:
    """
    Return a client's answer to a challenge.

    @param line: the line that the client sent, without its end.

    @raise SASLCancelled: if the client ends the login by it.
    @raise SASLError: if it is no base64, or too long.
    """
    if line == b"*":
        raise SASLCancelled("cancelled")
    if len(line) > LONGEST_LINE:
        raise SASLError("too long")
    try:
        answer = a2b_base64(line)
    except Error:
        raise SASLError("no base64") from None
    # Only the one encoding that each answer has is taken: the decoder skips over what is
    # no base64.
    if b2a_base64(answer, newline=False) != line:
        raise SASLError("no base64")
    return answer


def decodeInitial(word: bytes) -> bytes:
    """
    Return the answer that a client sends together with the name of the mechanism, in
    which C{=} stands for an empty one (RFC 4954, section 4; RFC 4959, section 3).

    @param word: what followed the name of the mechanism.

    @raise SASLError: as from L{decode}.
    """
    if not word:
        raise SASLError("no base64")
    return b"" if word == b"=" else decode(word)


__all__ = ["LONGEST_LINE", "decode", "decodeInitial"]
