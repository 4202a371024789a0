"""A small HTTP gateway in front of a few upstream servers: bounded, coalescing, hedging, with deadlines.

Start with `service.py`; `README.md` has the drawing.
"""
