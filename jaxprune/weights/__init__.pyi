from .files import read as read
from .network_report import NetworkReport as NetworkReport
from .network_report import report as report
from .writing import write as write
