"""Payment against payment between two sandboxes, by two locks under one hash (docs/corridor.md)."""
