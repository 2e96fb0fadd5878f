"""
Tests for L{mycred._tokens}.
"""
