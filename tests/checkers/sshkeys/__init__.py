"""
Tests for L{mycred.checkers.sshkeys}.
"""
