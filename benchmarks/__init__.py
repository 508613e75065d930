"""Ratios against honest rivals, measured in one run. `python -m benchmarks`, or `make bench`."""
