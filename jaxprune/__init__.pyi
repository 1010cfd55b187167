from . import contracts as contracts
from . import datasets as datasets
from . import judge as judge
from . import problems as problems
from . import simulate as simulate
from . import spectra as spectra
from . import teachers as teachers
from . import theory as theory
from .judge import compare as compare
from .predictions import predict as predict
from .sweep import Experiment as Experiment
from .sweep import Store as Store
from .sweep import run as run

__version__: str
