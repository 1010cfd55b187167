from . import compression as compression
from . import least_squares as least_squares
from . import random_features as random_features
from . import sde as sde
from . import sgd as sgd
from . import stable as stable
from . import tails as tails
from . import two_layer as two_layer
