"""Pruning and over-parameterisation: simulation in JAX, independent theory, and a judge between them.

Importing the package imports neither JAX nor anything heavy; take what you need from its modules::

    from jaxprune import problems, spectra, teachers
    from jaxprune.simulate import least_squares, pruning
    from jaxprune.theory import least_squares as theory
    from jaxprune.sweep import Experiment, run
    from jaxprune.compare import compare
"""

__version__ = "0.2.0"
