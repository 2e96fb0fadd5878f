"""
Tests for L{mycred._privileged}.
"""
