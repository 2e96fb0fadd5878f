"""
Tests for L{mycred._records}.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from hypothesis import given, settings, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._records import pack, packFields, unpack, unpackFields


class Color(Enum):
    """
    An enum.
    """

    RED = 1
    GREEN = 2


class Point(NamedTuple):
    """
    A named tuple.
    """

    x: int
    y: int = 0


@dataclass(frozen=True)
class Record:
    """
    A record with fields of all types.
    """

    name: bytes
    path: str
    color: Color | None
    points: tuple[Point, ...]
    pair: tuple[str, int]
    size: float
    isThere: bool
    more: object = None


text = strategies.binary(max_size=20).map(os.fsdecode)
points = strategies.builds(Point, strategies.integers(), strategies.integers())
records = strategies.builds(
    Record,
    strategies.binary(max_size=20),
    text,
    strategies.none() | strategies.sampled_from(Color),
    strategies.lists(points, max_size=3).map(tuple),
    strategies.tuples(text, strategies.integers()),
    strategies.floats(allow_nan=False),
    strategies.booleans(),
    strategies.none() | strategies.integers(),
)


class RecordTests(SynchronousTestCase):
    """
    Tests for L{pack} and L{unpack}.
    """

    @settings(deadline=None)
    @given(records)
    def test_same(self, record: Record) -> None:
        """
        A record is the same after it has gone through JSON.
        """
        packed = json.loads(json.dumps(pack(record)))
        self.assertEqual(unpack(Record, packed), record)

    @settings(deadline=None)
    @given(records)
    def test_names(self, record: Record) -> None:
        """
        It goes by names: their order doesn't matter.
        """
        packed = pack(record)
        assert isinstance(packed, dict)
        turned = dict(reversed(packed.items()))
        self.assertEqual(unpack(Record, turned), record)

    def test_otherFields(self) -> None:
        """
        A field too many, one too few, or one of another name is an error, also where the
        field has a default.
        """
        for packed in ({"x": 1}, {"x": 1, "y": 2, "z": 3}, {"x": 1, "z": 2}, [1, 2]):
            error = self.assertRaises(ValueError, unpack, Point, packed)
            self.assertEqual(str(error), "other fields than those of Point")

    def test_otherTypes(self) -> None:
        """
        So is a value of another type.
        """
        for kind, packed in [
            (Point, {"x": "1", "y": 2}),
            (int, True),
            (int, 1.0),
            (bool, 1),
            (float, 1),
            (str, None),
            (bytes, "\u1234"),
            (Color, "BLUE"),
            (Color, 1),
            (tuple[int, ...], "12"),
            (tuple[int, ...], [1, "2"]),
            (tuple[int, str], [1]),
        ]:
            self.assertRaises(ValueError, unpack, kind, packed)

    def test_some(self) -> None:
        """
        Of a record, some fields can be sent; the others have their defaults.
        """
        self.assertEqual(packFields(Point(1, 2), ("x",)), {"x": 1})
        self.assertEqual(unpackFields(Point, {"x": 1}, ("x",)), Point(1))
        self.assertRaises(ValueError, unpackFields, Point, {"x": 1, "y": 2}, ("x",))

    def test_encoding(self) -> None:
        """
        A path is the same bytes to a process that has another encoding.
        """
        self.assertEqual(pack(["gr\u00fcn"]), ["gr\u00c3\u00bcn"])
        self.assertEqual(pack(("\udcff", None, 5)), ["\u00ff", None, 5])

    def test_noPath(self) -> None:
        """
        Text that no path has, such as half a character, can be shown afterwards.
        """
        self.assertEqual(unpack(str, pack("a\ud800")), "a\\ud800")

    def test_object(self) -> None:
        """
        Where anything may stand, it stays as it was packed.
        """
        packed = pack(Record(b"", "", None, (), ("", 1), 1.0, True, Point(1)))
        self.assertEqual(unpack(Record, packed).more, {"x": 1, "y": 0})

    def test_others(self) -> None:
        """
        What isn't known isn't sent.
        """
        for value in (OrderedDict(a=1), {1}, object()):
            self.assertRaises(TypeError, pack, value)
