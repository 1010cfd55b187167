"""The report on a file of weights, printed and written."""

import os
import sys
from pathlib import Path

from jaxprune.cli.options import AGREE, Weights


def weights(options: Weights) -> int:
    """Read, measure, print and write."""
    from jaxprune.cli.commands import start_jax
    from jaxprune.weights import files, report, write, writing

    place = options.out / options.file.stem
    _check_place(place)
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
    for file in write(found, place):
        print(f"written: {file}")
    return AGREE


def _check_place(place: Path) -> None:
    """Refuse a folder that cannot be made or written to, before anything is measured."""
    nearest = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        why = "cannot be written to" if nearest.is_dir() else "is not a folder"
        raise ValueError(f"out: {nearest} {why}; name another folder for the results")
