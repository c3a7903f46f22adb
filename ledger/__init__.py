"""The ledger: money, rules and the log, with no web in it (see docs/architecture.md)."""
