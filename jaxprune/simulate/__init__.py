"""Simulation in JAX: draws, solvers, integrators, networks, pruning, and estimators.

Import the module of your subject::

    least squares    least_squares, pruning, saliency, iterative, leave_one_out, risk_estimators, designs
                     and its parts: rows, solving, any_rank, linalg
    random features  random_features, kernels, labelled_features
    networks         networks, architectures, network_pruning, pruned_networks, curvature; labelled
    stable laws      stable, and its parts: stable_index, stable_draws, stable_sum, skewed, counters,
                     elementary
    equations        sde, drifts, stepping, checkpoint
    noisy SGD        heavy_tailed_sgd, mean_field, released_code, noisy_training, stopping, losses, batches; kesten
    compression      compressibility, layer_pruning, trained_layers
    tail indices     tail_report, tails, stable_tails, stable_fit, tail_checks, quantile_ratio
    shared           arguments, sorting
"""
