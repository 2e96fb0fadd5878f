"""
Tests for mycred.
"""
