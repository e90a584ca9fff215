"""Tracks for other programs: one small file a format, and one registry."""
