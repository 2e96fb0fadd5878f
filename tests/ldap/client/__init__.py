"""
Tests for L{mycred._ldap.client}.
"""
