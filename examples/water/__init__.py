"""A factory that makes molecules of atoms as they come: H2O, H2O2, or whatever the formula says.

Start with `factory.py`.
"""
