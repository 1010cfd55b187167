"""Simulation in JAX: draws, solvers, pruning, risks."""
