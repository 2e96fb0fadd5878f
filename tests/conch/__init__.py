"""
Tests for L{mycred.checkers}.
"""
