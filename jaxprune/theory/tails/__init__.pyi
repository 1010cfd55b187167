from .estimators import block_covariance as block_covariance
from .estimators import block_limit_student as block_limit_student
from .estimators import block_variance as block_variance
from .estimators import ecf_variance as ecf_variance
from .estimators import hill_bias_slope as hill_bias_slope
from .estimators import hill_error as hill_error
from .estimators import log_variance_error as log_variance_error
