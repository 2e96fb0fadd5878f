"""
SCRAM (U{RFC 5802<https://www.rfc-editor.org/rfc/rfc5802>}, U{RFC 7677
<https://www.rfc-editor.org/rfc/rfc7677>}): the keys that a server stores, and the
messages of one login.
"""

from ._exchange import ClientFirst, NotProved, ScramExchange
from ._keys import HASHES, ScramKeys
from ._madeup import madeUpKeys, madeUpSalt
from ._names import SASLNAME, sentName, unescapedName
from ._saslprep import prepared, saslprep

__all__ = [
    "HASHES",
    "SASLNAME",
    "ClientFirst",
    "NotProved",
    "ScramExchange",
    "ScramKeys",
    "madeUpKeys",
    "madeUpSalt",
    "prepared",
    "saslprep",
    "sentName",
    "unescapedName",
]
