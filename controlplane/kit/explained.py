"""Failures that a person at a terminal understands without a stack trace."""

from __future__ import annotations


class Explained(Exception):
    """The message is the whole story: what is wrong, and what to do. Commands print it and exit with 1."""
