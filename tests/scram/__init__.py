"""
Tests for L{mycred._scram}.
"""
