from . import extreme as extreme
from . import stable_fit as stable_fit
from . import stable_model as stable_model
from .tail_report import disagree as disagree
from .tail_report import report as report
from .tail_report import table as table
