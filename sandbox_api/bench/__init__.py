"""`tenge bench`: how fast the whole sandbox is, measured from outside as a program would see it.

The servers are those of `tenge up`; this package makes a workload through their API, sends it as
prebuilt bytes and audits what came of it. What each figure means stands in `sandbox_api.bench.row`,
how to read the figures in `benchmarks/README.md`.
"""
