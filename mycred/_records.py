"""
Values that another process is sent: records become JSON objects, by the names of their
fields, so that a field that one side lacks is an error and shifts no other.

A record is a dataclass or a named tuple.  Its fields are of these types: records, enums,
tuples, C{bytes}, C{str}, C{bool}, C{int}, C{float}, and each of them or L{None}.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")

# JSON's text holds bytes as the characters of the same codes.
_CODEC = "latin-1"


def pack(value: object) -> object:
    """
    Return a value as JSON has it.

    Text becomes the bytes that a path of this text has: each process may have another
    encoding for paths.

    @raise TypeError: if the value is of no type that L{unpack} knows.
    """
    kind: object = type(value)
    names = _namesOf(kind)
    if names is not None:
        return packFields(value, names)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _pathBytes(value).decode(_CODEC)
    if isinstance(value, bytes):
        return value.decode(_CODEC)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (tuple, list)):
        return [pack(item) for item in value]
    raise TypeError(f"a {type(value).__name__} can't be sent")


def packFields(record: object, names: Iterable[str]) -> dict[str, object]:
    """
    Return some fields of a record as JSON has them.
    """
    return {name: pack(getattr(record, name)) for name in names}


def unpack(kind: type[_T], packed: object) -> _T:
    """
    Return the value that was packed.

    @param kind: its type.
    @param packed: what L{pack} has returned.  Where the type of a field is L{object},
        the record gets just that.

    @raise ValueError: if it is no value of this type, or a field is missing or unknown.
    """
    return cast(_T, _unpack(kind, packed))


def unpackFields(kind: type[_T], packed: object, names: Iterable[str]) -> _T:
    """
    Return a record, some of whose fields were packed.

    @raise ValueError: as from L{unpack}.
    """
    if not isinstance(packed, dict) or packed.keys() != set(names):
        raise ValueError(f"other fields than those of {kind.__name__}")
    record: object = kind
    types = _typesOf(record)
    return kind(**{name: _unpack(types[name], packed[name]) for name in packed})


def _unpack(kind: object, packed: object) -> object:
    """
    Return the value that was packed, also for a type that isn't a class.
    """
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        [some] = set(get_args(kind)) - {type(None)}
        return None if packed is None else _unpack(some, packed)
    if origin is tuple:
        return _unpackTuple(get_args(kind), packed)
    if kind in (object, Any):
        return packed
    if not isinstance(kind, type):
        raise TypeError(f"a field of type {kind!r} can't be sent")
    names = _namesOf(kind)
    if names is not None:
        return unpackFields(kind, packed, names)
    if kind in (str, bytes):
        data = _insist(str, packed).encode(_CODEC)
        return data if kind is bytes else os.fsdecode(data)
    if issubclass(kind, Enum):
        try:
            return kind[_insist(str, packed)]
        except KeyError:
            raise ValueError(f"no {kind.__name__}") from None
    return _insist(kind, packed)


def _unpackTuple(kinds: tuple[object, ...], packed: object) -> tuple[object, ...]:
    """
    Return the tuple that was packed, of any length if its last type is an ellipsis.
    """
    items = _insist(list, packed)
    if kinds[-1] is ...:
        return tuple([_unpack(kinds[0], item) for item in items])
    if len(kinds) != len(items):
        raise ValueError("a tuple of another length")
    return tuple([_unpack(*pair) for pair in zip(kinds, items)])


def _insist(kind: type[_T], packed: object) -> _T:
    """
    Return a value of this very type: to JSON, true isn't 1.

    @raise ValueError: if it is of another.
    """
    if type(packed) is not kind:
        raise ValueError(f"no {kind.__name__}")
    return packed


def _pathBytes(text: str) -> bytes:
    """
    Return the bytes of a path; of text that can't be one, something to show.
    """
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode(sys.getfilesystemencoding(), "backslashreplace")


@cache
def _namesOf(kind: object) -> tuple[str, ...] | None:
    """
    Return the names of a record's fields; L{None} if a type is no record's.
    """
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return getattr(kind, "_fields", None)


@cache
def _typesOf(kind: object) -> dict[str, object]:
    """
    Return the types of a record's fields.
    """
    return get_type_hints(kind)


__all__ = ["pack", "packFields", "unpack", "unpackFields"]
