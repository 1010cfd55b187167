"""Theory in NumPy and SciPy, float64 only: it shares no array library, precision or helper with the simulation.

Import the module of your subject::

    least squares    least_squares, correlated, sampled; parts: fit, refit, truncated, pairs, order
    consequences     propositions, scaling, tuning, gradients
    random features  random_features, gaussian_kernels
    stable laws      stable, positive_stable; parts: contours, gamma
    equations        ornstein_uhlenbeck, mean_field, explosion, kesten; parts: euler_sums, long_sums
    compression      compressibility, null_network; parts: finite_moment, heavy_limit, poisson_dirichlet, finite_size,
                     pruning_ratio, pruning_law, singular_values, energies, laplace_inversion
    tail indices     tail_estimators
    shared           arguments, roots
"""
