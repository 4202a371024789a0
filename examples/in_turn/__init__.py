"""Tasks that print 1, 2, 3, 4 in turn, again and again: with channels, and with a condition.

Start with `turns.py`.
"""
