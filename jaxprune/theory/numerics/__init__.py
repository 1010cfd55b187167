"""What the laws and sums of theory are computed with."""
