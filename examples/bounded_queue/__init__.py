"""A bounded queue on a condition, beside the channel that does the same.

Start with `bounded.py`.
"""
