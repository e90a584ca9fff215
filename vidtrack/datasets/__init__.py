"""Readers of annotated data, shared by evaluation and training."""
