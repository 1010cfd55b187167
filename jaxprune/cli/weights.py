"""The report on a file of weights, printed and written."""

import sys

from jaxprune.cli.options import AGREE, Weights


def weights(options: Weights) -> int:
    """Read, measure, print and write."""
    from jaxprune.cli.commands import start_jax
    from jaxprune.weights import files, report, write, writing

    arrays = files.read(options.file)
    start_jax()
    found = report(
        arrays,
        name=options.file.name,
        layout=options.layout,
        leave_out=options.leave_out,
        samples=options.samples,
        risk=options.risk,
        value_bits=options.value_bits,
        delta=options.delta,
        seed=options.seed,
        progress=lambda words: print(f"measuring {words}", file=sys.stderr, flush=True),
    )
    print(writing.text(found))
    for file in write(found, options.out / options.file.stem):
        print(f"written: {file}")
    return AGREE
