"""Seeded worlds of any size: mixes and weeks of placement, for benchmarks and tests."""
