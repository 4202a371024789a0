"""Asks whether servers answer, and waits no longer than it wants to."""
