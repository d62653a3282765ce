"""Counts the files and functions that one command and one press go through."""
