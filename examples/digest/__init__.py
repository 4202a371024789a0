"""The digests of every file under some directories, in the format of `sha256sum`.

Start with `pipeline.py`; `README.md` has the drawing.
"""
