"""Run a trial over a grid and many seeds, on any executor, into a store that survives a kill."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxprune.sweep.driver import Stopped, read, run
    from jaxprune.sweep.experiment import Experiment, load_experiments
    from jaxprune.sweep.store import Store, StoreError

__all__ = ["Experiment", "Stopped", "Store", "StoreError", "load_experiments", "read", "run"]
_HOMES = dict(
    Experiment="experiment",
    load_experiments="experiment",
    read="driver",
    run="driver",
    Stopped="driver",
    Store="store",
    StoreError="store",
)


def __getattr__(name: str) -> Any:
    """Import on use: a worker process needs neither the store nor the driver, and starts a second sooner."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
