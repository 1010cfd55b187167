"""Compiled programs are kept from one command to the next, by JAX itself, in a folder for this kind of processor."""

import contextlib
import hashlib
import os
import platform
from pathlib import Path

MOST = 2**30  # bytes in the folder, beyond which the oldest go
SETTINGS = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0"}
THEIRS = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")  # by which a user decides


def keep() -> None:
    """Before JAX starts; workers inherit it. Nothing is kept where the folder cannot be written, and of a process
    with several threads: JAX does not tell its programs from those for one, whose last digits are others."""
    if any(name in os.environ for name in THEIRS) or os.environ.get("NPROC") != "1":
        return
    place = folder()
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        trim(place, MOST)
        if os.access(place, os.W_OK):
            os.environ["JAX_COMPILATION_CACHE_DIR"] = str(place)
            for name, value in SETTINGS.items():
                os.environ.setdefault(name, value)


def folder() -> Path:
    """Machine code of one kind of processor may crash another, and home folders are shared by many."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jaxprune" / f"programs-{hashlib.sha256(_processor().encode()).hexdigest()[:12]}"


def _processor() -> str:
    """What it can do, as far as the system tells."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        told = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
        return "\n".join(sorted(told))
    return f"{platform.machine()} {platform.processor()}"


def trim(place: Path, most: int) -> None:
    """Remove the oldest files until at most ``most`` bytes are left."""
    found = []
    for path in place.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another command removes them, too
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            return
        path.unlink(missing_ok=True)
        total -= size
