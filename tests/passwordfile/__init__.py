"""
Tests for L{mycred._passwordfile}.
"""
