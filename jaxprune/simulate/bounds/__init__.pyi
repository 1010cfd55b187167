from . import coverage as coverage
from . import cushions as cushions
from . import half_space as half_space
from . import occam as occam
from . import planted as planted
from . import planted_samples as planted_samples
from . import pruning_curve as pruning_curve
