"""Keys by labelled coordinates: a trial's random numbers depend on (root, point, seed) and on nothing else."""

import functools
import hashlib
import struct
from collections.abc import Collection, Mapping

import jax
import numpy as np

GENERATOR = "threefry2x32"


def label(point: Mapping[str, int | float | str | bool], share: Collection[str] = ()) -> tuple[int, int]:
    """Two 32-bit words naming a grid point: a digest of its sorted names and typed values, less the ``share`` axes."""
    digest = hashlib.sha256()
    for name in sorted(point):
        if name not in share:
            value = point[name]
            bits = struct.pack("<d", value) if isinstance(value, float) else str(value).encode()
            for part in (name.encode(), type(value).__name__.encode(), bits):
                digest.update(len(part).to_bytes(8, "little") + part)
    words = struct.unpack("<II", digest.digest()[:8])
    return words[0], words[1]


def point_key(root: int, point: Mapping[str, int | float | str | bool], share: Collection[str] = ()) -> jax.Array:
    """The threefry key of a point; trial number s uses ``fold_in(point_key, s)``."""
    key = jax.random.key(root & 0xFFFFFFFF, impl=GENERATOR)
    high = (root >> 32,) if root >> 32 else ()
    for word in (*high, *label(point, share)):
        key = jax.random.fold_in(key, word)
    return key


def point_words(root: int, point: Mapping[str, int | float | str | bool], share: Collection[str] = ()) -> np.ndarray:
    """The same key as two 32-bit words, kept for the other blocks of seeds of the point."""
    return _words(root, tuple((name, type(value), value) for name, value in point.items()), tuple(share))


@functools.lru_cache(maxsize=1024)
def _words(root: int, point: tuple[tuple[str, type, int | float | str | bool], ...], share: tuple[str, ...]) -> np.ndarray:
    """By type too: 1, 1.0 and True are equal, and different coordinates."""
    return np.asarray(jax.random.key_data(point_key(root, {name: value for name, _, value in point}, share)))
