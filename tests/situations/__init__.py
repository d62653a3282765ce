"""Situations from public bug reports: each drives the real thing, and says what people are told."""
