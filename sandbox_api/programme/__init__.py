"""Programmes without code: a TOML file says what money is for, who holds it and how it is shared.

`read` gives a programme or every fault of its file, `explain` says it in words, `start` signs what
is missing of it. Format and reasons: `docs/decisions/0022-programme-files.md`.
"""
