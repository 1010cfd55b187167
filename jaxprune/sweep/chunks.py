"""Chunks of samples: a file for each task and metric, bytes that Zarr v3 reads, believed only if they are what was written."""

import os
import shutil
import stat
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numcodecs import blosc  # type: ignore[attr-defined]

LARGEST = 2**31 - 2**10  # bytes that Blosc takes at once
LEVEL, CODEC, SHUFFLE = 3, "zstd", "shuffle"
Sums = tuple[int, int]


def write(path: Path, values: np.ndarray) -> Sums:
    """Put ``values`` into the file ``path``, whole or not at all: the checksum and the length of what was written."""
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    flat = values.reshape(-1).view(np.uint8)
    blob = blosc.compress(flat, CODEC.encode(), LEVEL, blosc.SHUFFLE, 0, values.dtype.itemsize)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(blob)
        if path.is_dir():  # damage, which os.replace does not mend
            shutil.rmtree(path)
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return zlib.crc32(blob), len(blob)


def read(path: Path, sums: Sequence[int], dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray | None:
    """The values in the file ``path``; None where it is not what was written under ``sums``."""
    blob = verified(path, sums)
    if blob is None:
        return None
    try:
        return np.frombuffer(blosc.decompress(blob), dtype).reshape(shape)
    except (ValueError, RuntimeError):
        return None


def verified(path: Path, sums: Sequence[int]) -> bytes | None:
    """The bytes of a chunk, if they have the checksum and the length ``sums``."""
    try:
        blob = regular(path)
    except OSError:
        return None
    return blob if [zlib.crc32(blob), len(blob)] == list(sums) else None


def regular(path: Path) -> bytes:
    """What a regular file holds. Raises OSError for anything else: a pipe would wait for ever."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(f"{path} is not a regular file")
        return file.read()
