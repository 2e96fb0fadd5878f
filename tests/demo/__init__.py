"""
Tests for L{mycred.demo}.
"""
