from . import kernels as kernels
from .equivalence import equivalent as equivalent
from .equivalence import moments as moments
from .equivalence import project as project
from .equivalence import surrogate as surrogate
