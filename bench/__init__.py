"""Workloads and peers beside each other in one run. README.md says how to read the figures."""
