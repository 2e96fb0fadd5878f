"""
SCRAM (U{RFC 5802<https://www.rfc-editor.org/rfc/rfc5802>}, U{RFC 7677
<https://www.rfc-editor.org/rfc/rfc7677>}): the keys that a server stores, and the
messages of one login.
"""

from ._keys import HASHES, ScramKeys

__all__ = ["HASHES", "ScramKeys"]
