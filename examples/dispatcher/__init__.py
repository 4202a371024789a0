"""A collector of events: a dispatcher gives each job to the worker that has been idle longest.

Start with `dispatcher.py`; `README.md` has the drawing.
"""
