"""PURE values and functions: no clock, no I/O, no randomness, no float (design D3)."""
