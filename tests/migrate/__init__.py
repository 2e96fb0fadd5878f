"""
Tests for L{mycred.migrate}.
"""
