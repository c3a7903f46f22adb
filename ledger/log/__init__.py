"""PURE: the transparency log: leaves, Merkle tree, checkpoints, tiles, proofs (design D7).

`leaf` says what an entry is in bytes, `merkle` hashes leaves into one root, `tiles` lays the tree
out in files, `checkpoint` is the signed statement of a root, `proof` ties one leaf to it. Normative
text for other people's programs: docs/log-format.md.
"""
