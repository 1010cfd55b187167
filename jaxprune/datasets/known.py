"""Real data from local files, and the set bundled with scikit-learn. Nothing is downloaded.

Every set comes as inputs (samples, ...) and one-hot labels (samples, classes), training and test files one after
the other: an experiment draws its own training set.
"""

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jaxprune.datasets.tables import csv, npz, read

Array = NDArray[np.float64]
Single = NDArray[np.float32]
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CIFAR10_RECORD = 1 + 3 * 32 * 32
CLASSES = 10
ECG_SAMPLES, ECG_CLASSES = 140, 5


def digits() -> tuple[Array, Array]:
    """The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn, no download.

    Returns:
        Pixels (1797, 64) scaled to norm about 1, and one-hot labels (1797, 10).

    Raises:
        ImportError: With the cure, where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'jaxprune[data]'") from error
    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels, float) / 16 / np.sqrt(pixels.shape[1] / 4), np.eye(CLASSES)[labels]


def mnist(folder: str | Path) -> tuple[Single, Single]:
    """MNIST, or Fashion-MNIST, whose files have the same names.

    Args:
        folder: Where the four IDX files are, each with or without ``.gz``.

    Returns:
        Pixels (samples, rows * columns) in [0, 1], and one-hot labels (samples, 10), both float32: the training file, then
        the test file.

    Raises:
        FileNotFoundError: Naming what was looked for.
        ValueError: For files of another format, or whose counts differ.
    """
    pixels, labels = [], []
    for part in ("train", "t10k"):
        image_file, label_file = (_find(folder, f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        images, digit = read_idx(image_file), read_idx(label_file)
        if images.dtype != np.uint8 or digit.dtype != np.uint8:
            raise ValueError(f"{image_file}: holds {images.dtype} (labels {digit.dtype}); MNIST's files hold bytes")
        if images.ndim != 3 or digit.ndim != 1 or len(images) != len(digit) or not len(images):
            raise ValueError(f"{label_file}: shape {digit.shape} are not the labels of images of shape {images.shape}")
        pixels.append(images)
        labels.append(_one_hot(digit, label_file))
    if pixels[0].shape[1:] != pixels[1].shape[1:]:
        raise ValueError(f"{folder}: training and test images differ in size; they belong to different sets")
    images = np.concatenate(pixels)
    return _scaled(images.reshape(len(images), -1)), np.concatenate(labels)


def cifar10(folder: str | Path) -> tuple[Single, Single]:
    """CIFAR-10, binary version.

    Args:
        folder: Where ``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin`` are, or the same with ``.gz``.

    Returns:
        Images (samples, 32, 32, 3) in [0, 1], and one-hot labels (samples, 10), both float32: the training batches that are
        there, at least one, then the test batch.

    Raises:
        FileNotFoundError: Naming what was looked for.
        ValueError: For files of another format.
    """
    names = [f"data_batch_{i}.bin" for i in range(1, 6)]
    batches = [file for name in names if (file := _existing(folder, name))]
    if not batches:
        raise _missing(folder, f"any of data_batch_1.bin to {names[-1]}")
    batches.append(_find(folder, "test_batch.bin"))
    images, labels = zip(*map(read_cifar10, batches), strict=True)
    one_hot = [_one_hot(label, file) for label, file in zip(labels, batches, strict=True)]
    return _scaled(np.concatenate(images)), np.concatenate(one_hot)


def ecg5000(folder: str | Path) -> tuple[Array, Array]:
    """ECG5000 of the UCR archive.

    Source: guide/sgd.md, Columns of the tables.

    Args:
        folder: Where ``ECG5000_TRAIN`` and ``ECG5000_TEST`` are, as ``.txt``, ``.tsv`` or NumPy's ``.npy``, each with or
            without ``.gz``: tables of the class, 1 to 5, then 140 numbers.

    Returns:
        Heartbeats (samples, 140) as they are, not normalised, and one-hot labels (samples, 2): normal (class 1), and all
        others. The training file, then the test file.

    Raises:
        FileNotFoundError: Naming what was looked for.
        ValueError: For files of another format.
    """
    tables = [_heartbeats(folder, f"ECG5000_{part}") for part in ("TRAIN", "TEST")]
    table = np.concatenate(tables)
    return table[:, 1:], np.eye(2)[(table[:, 0] != 1).astype(int)]


def synthetic_two_class_signals(samples: int, seed: int) -> tuple[Array, Array]:
    """Made-up pulses of 140 numbers in two classes, a stand-in where no recordings are at hand: no data of anybody's heart.

    A narrow spike between two broad waves, of random size, place and width, under noise of standard deviation 0.2;
    in the second class the last wave is mostly upside down and the level sinks.

    Args:
        samples: How many signals, an integer >= 2.
        seed: Seed of all that is random, an integer >= 0.

    Returns:
        Signals (samples, 140), and one-hot labels (samples, 2), the classes in random order.

    Raises:
        ValueError: For another number of samples.
    """
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or samples < 2:
        raise ValueError(f"samples: {samples!r} is not a number of signals; use an integer >= 2")
    rng = np.random.default_rng(seed)
    second = rng.permutation(np.arange(samples) % 2)
    time = np.linspace(0, 1, ECG_SAMPLES)
    last = np.where(second == 1, -0.7, 1.0) + 0.5 * rng.standard_normal(samples)
    signal = np.zeros((samples, ECG_SAMPLES))
    for centre, width, height in ((0.2, 0.05, 0.4), (0.4, 0.015, 3.0), (0.7, 0.08, last)):
        place = centre + 0.02 * rng.standard_normal((samples, 1))
        spread = width * np.exp(0.2 * rng.standard_normal((samples, 1)))
        size = np.broadcast_to(height, samples)[:, None] * (1 + 0.2 * rng.standard_normal((samples, 1)))
        signal += size * np.exp(-(((time - place) / spread) ** 2) / 2)
    signal += -0.5 * second[:, None] * time + 0.2 * rng.standard_normal(signal.shape)
    return signal, np.eye(2)[second]


def training_count(samples: int, tested: float, batch: int) -> int:
    """What is left of a set to train on when some of its samples are kept for the test.

    Args:
        samples: How many samples the set has.
        tested: How many are kept for the test, a whole number >= 1, or which share of them, in (0, 1): rounded, at least one.
        batch: How many samples a mini-batch takes, a whole number >= 1.

    Returns:
        How many samples are left.

    Raises:
        ValueError: For counts that are none, and where less is left than a mini-batch.
    """
    if isinstance(tested, bool) or not 0 < tested < np.inf or (tested >= 1 and tested != int(tested)):
        raise ValueError(f"tested: {tested!r} is no number of test samples; use an integer >= 1, or a share between 0 and 1")
    if isinstance(batch, bool) or batch != int(batch) or batch < 1:
        raise ValueError(f"batch: {batch!r} is no number of samples in a mini-batch; use an integer >= 1")
    kept = int(tested) if tested >= 1 else max(1, round(tested * samples))
    if samples < kept + batch:
        raise ValueError(
            f"data: {samples} samples; {kept} of them would be kept for the test, and a mini-batch takes {batch}; "
            f"use at least {kept + batch}, or a smaller --tested (a share, such as 0.2) or --batch"
        )
    return samples - kept


def named(data: str) -> tuple[np.ndarray, np.ndarray]:
    """The set that an option names.

    Args:
        data: "digits", "synthetic" (2,000 made-up signals), or one of your own files as "npz:FILE", "csv:FILE",
            "mnist:FOLDER", "cifar10:FOLDER", "ecg5000:FOLDER".

    Returns:
        Inputs (samples, d), and one-hot labels (samples, classes).

    Raises:
        ValueError: For another name, and as the reader of the set.
        FileNotFoundError: Where a file is missing.
        ImportError: For the digits, where scikit-learn is not installed.
    """
    name, _, place = data.partition(":")
    if name == "digits":
        return digits()
    if name == "synthetic":
        return synthetic_two_class_signals(2000, seed=0)
    readers = {"npz": npz, "csv": csv, "mnist": mnist, "cifar10": cifar10, "ecg5000": ecg5000}
    if name not in readers:
        raise ValueError(
            f"data: {data!r} is unknown; use digits, synthetic, npz:FILE, csv:FILE, mnist:FOLDER, cifar10:FOLDER or "
            "ecg5000:FOLDER"
        )
    inputs, labels = readers[name](place)
    return inputs.reshape(len(inputs), -1), labels


def read_idx(path: str | Path) -> np.ndarray:
    """The array of one IDX file, gzipped or not: two zero bytes, type, rank, big-endian sizes, data.

    Raises ValueError for another magic number or length.
    """
    raw = read(path)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in IDX_TYPES:
        raise ValueError(f"{path}: begins with {raw[:4].hex(' ') or 'nothing'}, which is not the magic number of an IDX file")
    kind, rank = np.dtype(IDX_TYPES[raw[2]]), raw[3]
    start = 4 + 4 * rank
    if not 1 <= rank <= 8:
        raise ValueError(f"{path}: an array of {rank} dimensions is no data set; fetch the file again")
    if len(raw) < start:
        raise ValueError(f"{path}: {len(raw)} bytes end before the {rank} sizes of its array; fetch the file again")
    shape = struct.unpack(f">{rank}I", raw[4:start])
    expected = start + int(np.prod(shape, dtype=object)) * kind.itemsize
    if len(raw) != expected:
        raise ValueError(f"{path}: {len(raw)} bytes, but an array of shape {shape} takes {expected}; fetch the file again")
    return np.frombuffer(raw, kind, offset=start).reshape(shape)


def read_cifar10(path: str | Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One binary batch, gzipped or not: images (samples, 32, 32, 3) as bytes and labels (samples,).

    Raises ValueError for another length, and for labels above 9.
    """
    raw = np.frombuffer(read(path), np.uint8)
    if not len(raw) or len(raw) % CIFAR10_RECORD:
        raise ValueError(f"{path}: {len(raw)} bytes are no multiple of {CIFAR10_RECORD}; use the binary version of CIFAR-10")
    records = raw.reshape(-1, CIFAR10_RECORD)
    labels = records[:, 0]
    _check_labels(labels, path)
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _heartbeats(folder: str | Path, name: str) -> Array:
    """One table (samples, 1 + 140), the class first."""
    file = next((f for kind in (".txt", ".tsv", ".npy") if (f := _existing(folder, name + kind))), None)
    if file is None:
        raise _missing(folder, f"{name}.txt, .tsv or .npy")
    raw = read(file)
    try:
        if raw[:6] == b"\x93NUMPY":
            table = np.load(io.BytesIO(raw), allow_pickle=False).astype(float)
        else:
            table = np.loadtxt(io.StringIO(raw.decode().replace(",", " ")), ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: not a table of numbers ({error}); use the UCR text files, or a NumPy array") from error
    if table.ndim != 2 or table.shape[1] != 1 + ECG_SAMPLES or not len(table) or not np.all(np.isfinite(table)):
        raise ValueError(f"{file}: shape {table.shape} is not that of finite rows of a class and {ECG_SAMPLES} numbers")
    if len(wrong := table[~np.isin(table[:, 0], np.arange(1, ECG_CLASSES + 1)), 0]):
        raise ValueError(
            f"{file}: holds the class {wrong[0]:g}, but those of ECG5000 are 1 to {ECG_CLASSES}; is it another set?"
        )
    return table


def _existing(folder: str | Path, name: str) -> Path | None:
    return next((p for p in (Path(folder) / name, Path(folder) / f"{name}.gz") if p.is_file()), None)


def _find(folder: str | Path, name: str) -> Path:
    file = _existing(folder, name)
    if file is None:
        raise _missing(folder, name)
    return file


def _missing(folder: str | Path, names: str) -> FileNotFoundError:
    return FileNotFoundError(
        f"folder: {folder} does not hold {names}, with or without .gz; put the files there, or name another"
    )


def _check_labels(labels: np.ndarray, path: str | Path) -> None:
    if len(wrong := labels[(labels < 0) | (labels >= CLASSES)]):
        raise ValueError(f"{path}: holds the label {wrong[0]}, but there are {CLASSES} classes; is it another set?")


def _one_hot(labels: np.ndarray, path: str | Path) -> Single:
    _check_labels(labels, path)
    return np.eye(CLASSES, dtype=np.float32)[labels]


def _scaled(pixels: np.ndarray) -> Single:
    return pixels.astype(np.float32) / np.float32(255)
