"""
Tests for L{mycred._auditlog}.
"""
