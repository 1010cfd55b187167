from . import estimates as estimates
from .certificates import Count as Count
from .certificates import count_failures as count_failures
from .crossings import Crossing as Crossing
from .crossings import crossing as crossing
from .report import REASONS as REASONS
from .report import Report as Report
from .verdicts import compare as compare
