"""The dining philosophers: how they starve, who waits for whom then, and two ways out.

Start with `table.py`; `README.md` has the drawing.
"""
