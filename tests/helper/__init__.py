"""
Tests for L{mycred._helper}.
"""
