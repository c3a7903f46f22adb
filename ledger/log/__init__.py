"""PURE: the transparency log: leaves, Merkle tree, checkpoints, tiles, proofs (design D7)."""
