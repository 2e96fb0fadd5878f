"""
Tests for L{mycred._stack}.
"""
