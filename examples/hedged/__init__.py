"""Hedged requests: ask a second replica when the first one keeps silent, and take what comes first.

Start with `hedge.py`; `README.md` has the drawing.
"""
