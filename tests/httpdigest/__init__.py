"""
Tests for L{mycred._httpdigest}.
"""
