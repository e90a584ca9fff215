"""Identities over time: query propagation and association."""
