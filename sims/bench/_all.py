"""Benchmarks one after another: what each finds as JSON, one table and one figure of all.

A benchmark is a file beside this one with ``main(bench)``, which measures by ``bench.race`` and ``bench.keep``, and ``QUICK``:
those of its constants that are others where it is only tried.
"""

import contextlib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from _record import Bench, read, table

from jaxprune.plots import style
from jaxprune.sweep.experiment import load_file

QUICK = "quick"  # the folder of what is no result


def run(files: Mapping[str, Path], figure: Path, out: Path, quick: bool) -> list[str]:
    """Run benchmarks, name -> file; write NAME.json of each to ``out``, or to a folder in it where they are ``quick``, and of
    all that are there bench.md and, by the file ``figure``, figure.pdf and figure.png.

    Returns the names of those that failed, which are told.
    """
    out = out / QUICK if quick else out
    out.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, file in files.items():
        print(f"\n{name}{' (small sizes: no result)' if quick else ''}", flush=True)
        bench = Bench(name, quick)
        try:
            module = load_file(file)
            with _sized(module, module.QUICK if quick else {}):
                module.main(bench)
        except Exception:
            print(f"{name} failed:\n{traceback.format_exc()}", flush=True)
            failed.append(name)
            continue
        bench.write(out / f"{name}.json")
        print(f"\n{table(bench)}", flush=True)
    _together(out, figure)
    return failed


@contextlib.contextmanager
def _sized(module: ModuleType, sizes: Mapping[str, object]) -> Iterator[None]:
    """A benchmark with other constants, for a while. Raises KeyError for what is none of its constants."""
    before = {name: vars(module)[name] for name in sizes}
    vars(module).update(sizes)
    try:
        yield
    finally:
        vars(module).update(before)


def _together(out: Path, figure: Path) -> None:
    """The table and the figure of what is in a folder, as far as it is of one commit, device and set of versions: the last."""
    files = [out / f"{file.stem}.json" for file in sorted(Path(__file__).parent.glob("[!_]*.py"))]
    benches = _alike([read(file) for file in files if file.is_file()])
    if not benches:
        return
    (out / "bench.md").write_text("\n\n".join(["# Benchmarks", *map(table, benches)]) + "\n", encoding="utf-8")
    print(f"\nwritten: {out / 'bench.md'}, NAME.json of {', '.join(b.name for b in benches)}")
    if not figure.is_file():
        print(f"no figure: there is no {figure}")
        return
    import matplotlib

    matplotlib.use("Agg")
    with style.paper():
        drawn = load_file(figure).draw(benches)
    print("figure:", ", ".join(map(str, style.save(drawn, out))))


def _alike(benches: Sequence[Bench]) -> list[Bench]:
    """Those that were measured as the latest one was; the others are told."""

    def how(bench: Bench) -> list[object]:
        return [bench.setting[word] for word in ("commit", "device", "cores", "threads", "python")] + [bench.versions["jax"]]

    latest = max(benches, key=lambda bench: bench.setting["date"], default=None)
    for bench in benches:
        if how(bench) != how(latest or bench):
            when = f"{bench.setting['date']}, commit {bench.setting['commit']}, {bench.setting['device']}"
            print(f"not in the table and the figure, since measured otherwise: {bench.name} ({when})")
    return [bench for bench in benches if latest and how(bench) == how(latest)]
