"""Pruning and over-parameterisation: simulation in JAX, independent theory, and a judge between them.

Every name is loaded when it is first used, so that ``import jaxprune`` costs nothing and starts no device::

    import jaxprune as jp

    problem = jp.problems.LinearGaussian(eigs, jp.teachers.constant(eigs), noise=0.5, n=100)
    samples = jp.run(jp.Experiment(...))
    report = jp.compare(samples, jp.predict(make, samples))
"""

import lazy_loader

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
