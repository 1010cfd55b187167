"""Reference networks of the compression of two-layer networks."""

import numpy as np

TARGET = np.array(
    [
        [-0.2282, 0.1524, 0.3505],
        [-0.5613, 0.4432, 0.1473],
        [0.4521, 0.1573, 0.6709],
        [-0.5414, 1.0254, 0.6942],
        [-0.3464, 0.3811, 0.2568],
        [-1.0079, 0.3436, -0.338],
    ]
)
