"""A small cron: runs commands again and again, daily or once, as a table says.

Start with `runner.py`; `README.md` has the format of the table.
"""
