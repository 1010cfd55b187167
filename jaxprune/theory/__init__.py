"""Theory in NumPy and SciPy, float64 only: it shares no array library, precision or helper with the simulation."""
