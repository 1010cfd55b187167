"""Labelled data of anybody's own, in one file: a NumPy archive, or text with commas. Nothing is downloaded."""

import gzip
import io
import zipfile
import zlib
from csv import Error as CsvError
from csv import reader as csv_reader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
GZIP = b"\x1f\x8b"
INDEX = {"", "unnamed", "index", "id", "row", "rownames"}  # names of a first column that is no measurement
CLASS = {"class", "classes", "label", "labels", "target", "y", "species", "outcome", "category", "diagnosis", "response"}
MISSING = {"na", "n/a", "nan", "null", "none", "?", "-"}
SHUFFLED = 20  # rows from which a first column that counts them in some other order is no chance
FEW_CLASSES, FEWEST = 10, 5  # beyond so many classes every one needs so many samples, on average


def npz(file: str | Path) -> tuple[Array, Array]:
    """A set of your own in a NumPy archive.

    Args:
        file: An archive of ``inputs`` (samples, d) and ``labels`` (samples,), one integer per class.

    Returns:
        Inputs as they are, float64, and one-hot labels (samples, classes), of the classes that occur, in increasing order.

    Raises:
        FileNotFoundError: Where there is no such file.
        ValueError: For what is no such archive, numbers that are not finite, inputs that are all equal, fewer than two
            classes, and more classes than so many samples can have.
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
    """A set of your own as text.

    What may be read in two ways is refused, each with its cure: a first line 0,1,2,.. or 1,2,3,..
    (names that pandas made up, or a sample), a column that is an index of the rows, and a class in another column.

    Args:
        file: Text, gzipped or not: numbers between commas, the class, an integer, in the last column; a header of names above
            them, if you like.

    Returns:
        Inputs (samples, d) as they are, float64, and one-hot labels (samples, classes), as ``npz`` returns them.

    Raises:
        FileNotFoundError: Where there is no such file.
        ValueError: For what is no such table, and as ``npz``.
    """
    try:
        lines = _bytes(file).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: not a table of numbers between commas ({error}); save it as text in UTF-8") from error
    while lines and not lines[-1].strip(' \t,;"'):
        lines.pop()  # spreadsheets end with rows of nothing
    lines = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    names = _header(file, [line for _, line in lines[:1]])
    rows = lines[1:] if names else lines
    try:
        text = [line for _, line in rows]
        table = np.loadtxt(text or ["0"], delimiter=",", quotechar='"', comments=None, ndmin=2)[: len(rows)]
    except ValueError as error:
        raise ValueError(f"{file}: not a table of numbers between commas ({_fault(rows) or error})") from error
    if names and len(rows) and len(names) != table.shape[1]:
        raise ValueError(
            f"{file}: not a table of numbers between commas ({len(names)} names above {table.shape[1]} columns; "
            "names of rows? write the file without them)"
        )
    found = _checked(file, table[:, :-1], table[:, -1])
    _check_index(file, names, found[0])
    return found


def _header(file: str | Path, first: list[str]) -> list[str]:
    """The names in the ``first`` line, if that is what it holds; none where it is a sample, or may be a broken one.

    Raises ValueError for names that look like numbers, for an index, and for a class that is not in the last column.
    """
    names = _cells(first[0]) if first else []
    numbers = [_is_number(name) for name in names]
    if len(names) > 1 and all(numbers) and _made_up(names):
        raise ValueError(
            f"{file}: the first line, {_brief(names)}, may be names that were made up, or a sample; for names: write the file "
            "with header=False, or delete the line; for a sample: put a line of names above it, such as x1,...,class"
        )
    if len(names) > 1 and names[0].lower().split(":")[0] in INDEX and (not all(numbers[1:]) or _made_up(names[1:])):
        raise ValueError(
            f"{file}: the first column, {names[0]!r}, is an index of the rows, not a measurement; write the file with "
            "index=False, or give the column another name"
        )
    if not names or numbers[-1] or not names[-1] or (all(numbers[:-1]) and numbers[:-1] and not _made_up(names[:-1])):
        return []
    if CLASS.intersection(map(str.lower, names[:-1])) and names[-1].lower() not in CLASS:
        raise ValueError(f"{file}: the last column is {names[-1]!r}; put the class there, and the inputs before it")
    if lost := [name for name in names if name.lower() in MISSING]:
        raise ValueError(
            f"{file}: the first line holds {lost[0]!r}: a sample with a value missing, or names that say so; fill it in, leave"
            " the line out, or give the column another name"
        )
    return names


def _check_index(file: str | Path, names: list[str], inputs: Array) -> None:
    """Raises ValueError for a column that counts the rows from 0 or 1, in their order, or, if it is the first and no other
    does, in any order."""
    n = len(inputs)
    found = [column for column in range(inputs.shape[1]) if _counts(inputs[:, column])] if n >= 3 else []
    if n >= SHUFFLED and not found and _counts(np.sort(inputs[:, 0])):
        found = [0] if not any(_counts(np.sort(column)) for column in inputs.T[1:]) else []
    if found:
        name = f"column {found[0] + 1}" + (f", {names[found[0]]!r}," if names else "")
        raise ValueError(
            f"{file}: {name} counts the {n} rows: an index is no measurement; write the file with index=False, or leave the "
            "column out (if it does measure something, use an npz archive, which is taken as it is)"
        )


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
        raise ValueError(
            f"{file}: the label {wrong[0]:g} is no class; use one integer per class (in text, in the last column), and cut a "
            "target that is measured into classes"
        )
    found, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(found) < 2:
        raise ValueError(f"{file}: all samples are of class {found[0]:g}; at least two classes are needed")
    if len(found) > FEW_CLASSES and (len(labels) < FEWEST * len(found) or 2 * np.sum(counts == 1) > len(found)):
        raise ValueError(
            f"{file}: {len(found)} classes in {len(labels)} samples, {np.sum(counts == 1)} of them with a single one; are the "
            "labels (in text, the last column) numbers of rows, or a target that is measured? use few classes, of several "
            "samples each"
        )
    return inputs, np.eye(len(found))[places]


def _cells(line: str) -> list[str]:
    """What stands between the commas of a line, without quotes and spaces."""
    try:
        return [cell.strip() for cell in next(csv_reader([line]), [])]
    except CsvError:
        return [line]


def _made_up(names: list[str]) -> bool:
    """Whether these are 0, 1, 2, ... or 1, 2, 3, ..."""
    return _counts(np.array([float(name) if _is_number(name) else np.nan for name in names]))


def _counts(values: np.ndarray) -> bool:
    """Whether they count from 0 or from 1."""
    return any(np.array_equal(values, np.arange(start, start + len(values))) for start in (0, 1))


def _brief(names: list[str]) -> str:
    return ",".join(names if len(names) < 6 else [*names[:3], "...", names[-1]])


def _fault(rows: list[tuple[int, str]]) -> str | None:
    """What is wrong with the first of the numbered rows that is no list of numbers as long as the first row."""
    for other in (";", "\t"):
        if any(other in line for _, line in rows[:1]):
            return f"line {rows[0][0]} has {other!r} between its cells, or in one; use commas there, and points in numbers"
    width = len(_cells(rows[0][1]))
    for number, line in rows:
        found = _cells(line)
        for column, cell in enumerate(found, 1):
            if not cell:
                return f"line {number}: column {column} is empty; fill it, or leave the sample out"
            if not _is_number(cell):
                return f"line {number}: column {column}, {cell[:40]!r}, is no number; use numbers, and integers for classes"
        if len(found) != width:
            return f"line {number} has {len(found)} columns, line {rows[0][0]} {width}; all rows need as many"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # which Python takes, and nobody else
