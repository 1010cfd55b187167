from .files import read as read
from .report import NetworkReport as NetworkReport
from .report import report as report
from .writing import write as write
