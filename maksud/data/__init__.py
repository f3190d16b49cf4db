"""Datasets: read, written, checked, kept."""
