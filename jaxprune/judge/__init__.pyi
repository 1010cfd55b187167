from . import estimates as estimates
from .crossings import Crossing as Crossing
from .crossings import crossing as crossing
from .report import REASONS as REASONS
from .report import Report as Report
from .verdicts import compare as compare
