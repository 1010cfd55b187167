from .driver import Stopped as Stopped
from .driver import read as read
from .driver import run as run
from .experiment import Experiment as Experiment
from .experiment import load_experiments as load_experiments
from .store import Store as Store
from .store import StoreError as StoreError
