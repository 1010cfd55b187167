"""Benchmark: stochastic differential equations and gradient descent driven by stable noise, against their peers.

Sections: ``euler``, steps of the integrator against diffrax (Brownian noise) and a PyTorch loop (stable noise).
Peers are timed one after the other in the same run, on the same cores; a ratio is that of a pair, and its median and
range over pairs are printed. Results are checked to agree before anything is timed; compiling is not counted.
"""

SECTIONS = []


def main() -> None:
    """Print every section."""
    for section in SECTIONS:
        section()
