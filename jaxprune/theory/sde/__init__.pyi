from . import explosion as explosion
from . import ornstein_uhlenbeck as ornstein_uhlenbeck
from . import particles as particles
