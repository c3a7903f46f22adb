"""How a database gets from one release's tables to the next: scripts that `migrate` runs."""
