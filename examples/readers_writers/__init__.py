"""Readers and writers: what they read without a lock, with a lock, and with one that lets readers in together.

Start with `bank.py`.
"""
