from . import losses as losses
from . import objectives as objectives
