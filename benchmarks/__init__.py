"""Commands that measure speed: `python -m benchmarks --help`."""
