"""The routes, a module a subject; `table` puts them together."""
