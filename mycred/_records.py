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
from collections.abc import Callable, Iterable
from enum import Enum, EnumMeta
from functools import cache, partial
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")

_Unpacker = Callable[[object], object]

# JSON's text holds bytes as the characters of the same codes.
_CODEC = "latin-1"

# The types of values that JSON has itself.
_PLAIN = (bool, int, float, type(None))


def pack(value: object) -> object:
    """
    Return a value as JSON has it.

    Text becomes the bytes that a path of this text has: each process may have another
    encoding for paths.

    @raise TypeError: if the value is of no type that L{unpack} knows.
    """
    kind: object = type(value)
    if isinstance(value, str):
        # In ASCII, as nearly all is, each encoding has the same bytes.
        return value if value.isascii() else _pathBytes(value).decode(_CODEC)
    if kind in _PLAIN:
        return value
    if isinstance(value, bytes):
        return value.decode(_CODEC)
    names = _namesOf(kind)
    if names is not None:
        return packFields(value, names)
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
    known: object = kind
    return cast(_T, _unpackerOf(known)(packed))


def unpackFields(kind: type[_T], packed: object, names: tuple[str, ...]) -> _T:
    """
    Return a record, some of whose fields were packed.

    @raise ValueError: as from L{unpack}.
    """
    known: object = kind
    return cast(_T, _recordUnpacker(known, names)(packed))


@cache
def _unpackerOf(kind: object) -> _Unpacker:
    """
    Return what unpacks values of a type.
    """
    origin, kinds = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        [some] = set(kinds) - {type(None)}
        unpackSome = _unpackerOf(some)
        return lambda packed: None if packed is None else unpackSome(packed)
    if origin is tuple and kinds[-1] is ...:
        unpackItem = _unpackerOf(kinds[0])
        return lambda packed: tuple([unpackItem(i) for i in _insist(list, packed)])
    if origin is tuple:
        return _tupleUnpacker(tuple(map(_unpackerOf, kinds)))
    if kind in (object, Any):
        return lambda packed: packed
    if kind is str:
        return _unpackText
    if kind is bytes:
        return lambda packed: _insist(str, packed).encode(_CODEC)
    names = _namesOf(kind)
    if names is not None:
        return _recordUnpacker(kind, names)
    if isinstance(kind, EnumMeta):
        return partial(_unpackMember, kind)
    if kind in _PLAIN:
        return partial(_insist, kind)
    raise TypeError(f"values of {kind} can't be sent")


@cache
def _recordUnpacker(kind: object, names: tuple[str, ...]) -> _Unpacker:
    """
    Return what unpacks records of a type with these fields.
    """
    types, make = get_type_hints(kind), cast(Callable[..., object], kind)
    unpackers = {name: _unpackerOf(types[name]) for name in names}

    def unpackRecord(packed: object) -> object:
        if not isinstance(packed, dict) or packed.keys() != unpackers.keys():
            raise ValueError(f"other fields than those of {make.__name__}")
        return make(**{name: unpackers[name](item) for name, item in packed.items()})

    return unpackRecord


def _tupleUnpacker(unpackers: tuple[_Unpacker, ...]) -> _Unpacker:
    """
    Return what unpacks tuples of a length.
    """

    def unpackTuple(packed: object) -> object:
        items = _insist(list, packed)
        if len(items) != len(unpackers):
            raise ValueError("a tuple of another length")
        return tuple([unpackItem(item) for unpackItem, item in zip(unpackers, items)])

    return unpackTuple


def _unpackText(packed: object) -> str:
    """
    Return text.
    """
    text = _insist(str, packed)
    return text if text.isascii() else os.fsdecode(text.encode(_CODEC))


def _unpackMember(kind: EnumMeta, packed: object) -> object:
    """
    Return the member of an enum.

    @raise ValueError: if there is none of this name.
    """
    try:
        return kind[_insist(str, packed)]
    except KeyError:
        raise ValueError(f"no {kind.__name__}") from None


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


__all__ = ["pack", "packFields", "unpack", "unpackFields"]
