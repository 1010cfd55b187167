from . import checkpoint as checkpoint
from . import drifts as drifts
from .integrate import Trajectory as Trajectory
from .integrate import coupled as coupled
from .integrate import euler as euler
from .integrate import gaps as gaps
