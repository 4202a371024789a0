"""`wc` behind a cache that a crowd asks: however many want the same file at the same time, it is read once.

Start with `cache.py`; `README.md` has the drawing.
"""
