"""
Servers that take each other's place: what keeps one from answering, how each is doing,
and which of them is asked.  Nothing here knows what they are asked.
"""

from ._errors import Elsewhere, Fault, Lost, Slow, Unsure

__all__ = ["Elsewhere", "Fault", "Lost", "Slow", "Unsure"]
