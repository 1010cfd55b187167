"""Labelled data of anybody's own, in one file: a NumPy archive, or text with commas. Nothing is downloaded."""

import gzip
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
GZIP = b"\x1f\x8b"


def npz(file: str | Path) -> tuple[Array, Array]:
    """A set of your own in a NumPy archive: ``inputs`` (samples, d), and ``labels`` (samples,), one integer per class.

    Returns inputs as they are and one-hot labels (samples, classes), of the classes that occur, in increasing order.
    Raises FileNotFoundError, and ValueError for what is no such archive, numbers that are not finite, inputs that are all
    equal, and fewer than two classes.
    """
    try:
        with np.load(io.BytesIO(_bytes(file)), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file}: not an archive of NumPy arrays ({error}); use np.savez(file, inputs=, labels=)") from error
    if not {"inputs", "labels"} <= set(arrays):
        raise ValueError(f"{file}: holds {', '.join(arrays) or 'nothing'}; name the arrays inputs and labels")
    return _checked(file, arrays["inputs"], arrays["labels"])


def csv(file: str | Path) -> tuple[Array, Array]:
    """A set of your own as text, gzipped or not: numbers between commas, the class, an integer, in the last column. A first
    line whose last entry is no number is a header.

    Returns and raises what ``npz`` does.
    """
    try:
        lines = [line for line in _bytes(file).decode("utf-8-sig").splitlines() if line.strip()]
        rows = lines[1:] if lines and not _is_number(lines[0].split(",")[-1]) else lines
        table = np.loadtxt(rows or ["0"], delimiter=",", quotechar='"', comments=None, ndmin=2)[: len(rows)]
    except ValueError as error:
        raise ValueError(f"{file}: not a table of numbers between commas ({error})") from error
    return _checked(file, table[:, :-1], table[:, -1])


def read(path: str | Path) -> bytes:
    """What a file holds, gzipped or not. Raises ValueError for a damaged gzip file."""
    raw = Path(path).read_bytes()
    if raw[:2] != GZIP:
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: a damaged gzip file ({error}); fetch the file again") from error


def _bytes(file: str | Path) -> bytes:
    if not Path(file).is_file():
        raise FileNotFoundError(f"file: {file} is no file; name one that is there")
    return read(file)


def _checked(file: str | Path, inputs: np.ndarray, labels: np.ndarray) -> tuple[Array, Array]:
    """Checked inputs and one-hot labels; those of a table of text are floating-point integers."""
    if inputs.ndim != 2 or labels.shape != inputs.shape[:1] or not inputs.size:
        raise ValueError(
            f"{file}: inputs of shape {inputs.shape} and labels of shape {labels.shape}; use (samples, d) and (samples,)"
        )
    if inputs.dtype.kind not in "fiub" or labels.dtype.kind not in "fiub":
        raise ValueError(f"{file}: inputs are {inputs.dtype} and labels {labels.dtype}; use real numbers and integers")
    inputs = inputs.astype(float)
    if wrong := np.sum(~np.isfinite(inputs)):
        raise ValueError(f"{file}: {wrong} of the inputs are NaN or infinite; leave such samples out")
    if np.all(inputs == inputs[0, 0]):
        raise ValueError(f"{file}: all inputs are {inputs[0, 0]:g}; there is nothing to learn from")
    if labels.dtype.kind == "f" and len(wrong := labels[~np.isfinite(labels) | (labels != np.round(labels))]):
        raise ValueError(f"{file}: the label {wrong[0]:g} is no class; use one integer per class (in text, in the last column)")
    found, places = np.unique(labels, return_inverse=True)
    if len(found) < 2:
        raise ValueError(f"{file}: all samples are of class {found[0]:g}; at least two classes are needed")
    return inputs, np.eye(len(found))[places]


def _is_number(text: str) -> bool:
    try:
        float(text.strip().strip('"'))
    except ValueError:
        return False
    return True
