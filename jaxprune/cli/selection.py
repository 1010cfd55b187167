"""What was asked of an experiment: its values in one order, the name of its folder, the options that ask for it again."""

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jaxprune.sweep import Experiment, Store
from jaxprune.sweep.receipts import Chunk

LONGEST = 80  # letters of a folder's name before its digest; file systems take 255 bytes
WORD = re.compile(r"[A-Za-z0-9.+-]+")  # what stands in a folder's name as it is, and is told apart from what is around it


def ordered(declared: Experiment, asked: Experiment) -> Experiment:
    """``asked``, with the values of its axes in an order that does not depend on how they were typed."""
    axes = {name: _order(values, declared.axes[name]) for name, values in asked.axes.items()}
    return asked.resized(seeds=asked.seeds, **axes)


def _order(values: Sequence[Any], declared: Sequence[Any]) -> list[Any]:
    if set(values) == set(declared):
        return list(declared)
    if isinstance(values[0], str):
        return [*(v for v in declared if v in values), *sorted(v for v in values if v not in declared)]
    return sorted(values)


def changes(declared: Experiment, asked: Experiment) -> dict[str, list[Any]]:
    """What differs from the declaration: values of axes, and the number of seeds."""
    found = {k: list(v) for k, v in ordered(declared, asked).axes.items() if set(v) != set(declared.axes[k])}
    return found if asked.seeds == declared.seeds else {**found, "seeds": [asked.seeds]}


def folder(declared: Experiment, asked: Experiment) -> str:
    """Name of the folder for the outputs of a selection; empty for what was declared.

    Words that no folder can be called by, and long lists, are shortened and told apart by a digest.
    """
    changed = changes(declared, asked)
    name = "_".join(f"{axis}={','.join(map(str, values))}" for axis, values in changed.items())
    plain = all(axis.isascii() and all(WORD.fullmatch(str(v)) for v in values) for axis, values in changed.items())
    if plain and len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(json.dumps(changed).encode()).hexdigest()[:10]
    return re.sub(r"[^A-Za-z0-9.+,=_-]", "-", name)[:LONGEST] + f"-{digest}"


def options(changed: Mapping[str, Sequence[Any]]) -> list[str]:
    """The options of the command line that ask for ``changed``."""
    return [word for name, values in changed.items() for word in (f"--{name.replace('_', '-')}", *map(str, values))]


def lacking(store: Store, done: Collection[Chunk], asked: Experiment) -> int:
    """How many tasks of a selection are not among the ``done`` ones of a store."""
    total = math.prod(asked.shape) * asked.blocks
    places = {name: {i for i, v in enumerate(held) if v in asked.axes[name]} for name, held in store.axes.items()}
    wanted = [*places.values(), range(asked.blocks)]
    return total - sum(all(i in some for i, some in zip(chunk, wanted, strict=True)) for chunk in done)


def requests(store: Store, declared: Experiment) -> list[Experiment]:
    """The selections that runs have asked of a store; stores of earlier versions know of one, all that they hold."""
    found = []
    known: list[dict[str, Any]] = store.run.get("asked") or [dict(axes=store.axes, blocks=store.run["blocks"])]
    for request in known:
        full = request["blocks"] * declared.block
        seeds = request.get("seeds") or (declared.seeds if request["blocks"] == declared.blocks else full)
        found.append(ordered(declared, declared.resized(seeds=seeds, **request["axes"])))
    return list({json.dumps(changes(declared, e)): e for e in found}.values())
