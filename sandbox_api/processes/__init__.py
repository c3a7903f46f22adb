"""The process tree of `tenge up`: one supervisor, one writer, front ends, custody (design D8).

`supervisor` starts, watches, replaces and ends; `child` is what every process does first; `ports`
are the sockets, bound before any child lives; each other module is the main of one process.
"""
