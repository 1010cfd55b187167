"""Receipts: one small file for each finished task, written last, believed only when every entry is what it should be."""

import math
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxprune.sweep import layout

Chunk = tuple[int, ...]
Receipts = dict[Chunk, dict[str, Any]]
NAME = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
WORDS = ("program", "problem", "jax", "device", "host")


def name(chunk: Chunk) -> str:
    """The file of a task's receipt."""
    return ".".join(map(str, chunk)) + ".json"


def read(
    folder: Path, shape: Sequence[int], metrics: Collection[str], expected: Callable[[Chunk], Mapping[str, Any]]
) -> Receipts:
    """Those of tasks within the extents ``shape``. One that is unreadable, incomplete, or of another task or run than
    ``expected`` there (as after files were copied) counts as absent."""
    found = {}
    for path in folder.glob("*.json"):
        if not NAME.fullmatch(path.stem):
            continue
        chunk = tuple(map(int, path.stem.split(".")))
        if len(chunk) != len(shape) or any(i >= size for i, size in zip(chunk, shape, strict=True)):
            continue
        try:
            receipt = layout.read_json(path)
        except (ValueError, OSError):
            continue
        if _whole(receipt, metrics) and all(receipt.get(key) == value for key, value in expected(chunk).items()):
            found[chunk] = _brief(receipt)
    return found


def _whole(receipt: Mapping[str, Any], metrics: Collection[str]) -> bool:
    """Whether a receipt says all that is asked of it, in the types in which it was written."""
    sums, old = receipt.get("chunks"), "program" not in receipt
    if not isinstance(sums, dict) or sums.keys() != {*metrics, *([] if old else [layout.DONE])}:
        return False
    pairs = all(isinstance(v, list) and len(v) == 2 and all(type(x) is int for x in v) for v in sums.values())
    seconds, lost = receipt.get("seconds"), receipt.get("nonfinite")
    numbers = type(lost) is int and lost >= 0 and type(seconds) in (int, float) and 0 <= seconds < math.inf  # type: ignore[operator]
    return pairs and numbers and (old or all(isinstance(receipt.get(word), str) for word in WORDS))


def _brief(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What is used of a receipt: there may be a million of them, which say the same in most places."""
    words = {word: sys.intern(receipt[word]) for word in WORDS if isinstance(receipt.get(word), str)}
    return dict(words, chunks=receipt["chunks"], seconds=receipt["seconds"], nonfinite=receipt["nonfinite"])
