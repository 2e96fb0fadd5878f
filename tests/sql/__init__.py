"""
Tests for L{mycred._sql}.
"""
