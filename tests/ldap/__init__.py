"""
Tests for L{mycred._ldap}, against servers that are real where a user's would be.
"""
