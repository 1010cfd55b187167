from . import labelled as labelled
from .gaussian import blocked_population as blocked_population
from .gaussian import draw as draw
from .gaussian import draw_weights as draw_weights
from .gaussian import population as population
