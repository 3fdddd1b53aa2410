"""Figures against goals: `make bench` (`python -m bench`). Ratios of one run on one machine."""
