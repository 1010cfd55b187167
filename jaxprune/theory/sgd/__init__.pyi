from . import linear as linear
