"""
Tests for L{mycred._accounts}.
"""
