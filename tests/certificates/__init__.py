"""
Tests for L{mycred._certificates}.
"""
