"""A program that reads its configuration again whenever the file has changed.

Start with `greeters.py`; `README.md` has the drawing.
"""
