"""Simulation in JAX: draws, solvers, integrators, networks, pruning, and estimators.

Import the module of your subject::

    least squares    least_squares, pruning, saliency, iterative, leave_one_out, risk_estimators; designs, linalg
    random features  random_features, kernels, labelled_features
    networks         networks, architectures, network_pruning, pruned_networks, curvature; labelled
    stable laws      stable, and its parts: stable_index, stable_draws, skewed, counters, elementary
    equations        sde, drifts, stepping, checkpoint
    noisy SGD        heavy_tailed_sgd, mean_field, released_code, noisy_training, stopping, losses, batches; kesten
    compression      compressibility, layer_pruning, trained_layers
    tail indices     tail_report, tails, stable_tails, quantile_ratio
    shared           arguments
"""
