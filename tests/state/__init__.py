"""
Tests for L{mycred._state}.
"""
