"""
Tests for mycred.
"""

from hypothesis import settings

# The machine may be busy, and a run must not depend on what others have found.
settings.register_profile("mycred", deadline=None, database=None)
settings.load_profile("mycred")
