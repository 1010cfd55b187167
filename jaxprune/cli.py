"""Command line: run | status | verify | figure | list | bench. JAX is imported after parsing."""

import ast
import dataclasses
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxprune import __version__

AGREE, DISAGREE, BAD_INPUT, INCOMPLETE, CRASHED = 0, 1, 2, 3, 4
Positional = tyro.conf.Positional


def _own(metavar: str, default: str) -> Any:
    """How an option that may be left out is shown."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {default})")


@dataclasses.dataclass(frozen=True)
class Run:
    """Run an experiment: sweep, store, compare with theory, draw. Running again goes on where it stopped.

    Every axis of the experiment is an option too, with a list of values (jaxprune run FILE --help shows them).
    Exit status: 0 simulation and theory agree (or there is no theory), 1 they disagree, 2 bad input, 3 some tasks
    failed or are missing, 4 the experiment's own code failed.
    """

    file: Positional[Path]
    """The experiment's file, such as sims/pruned_double_descent.py."""
    smoke: bool = False
    """The quick size, in a folder of its own."""
    seeds: Annotated[int | None, _own("INT", "the experiment's")] = None
    """Trials per grid point."""
    root: int = 0
    """Root of all random numbers."""
    out: Path = Path("results")
    """Folder of the results; samples go to OUT/<experiment>/data.zarr."""
    workers: Annotated[int | None, _own("INT", "one per core on a CPU, 0 on an accelerator")] = None
    """Worker processes; 0 runs in this process."""
    shard: str = "0/1"
    """k/K: do only every K-th task, from the k-th on (for job arrays; the shards share OUT)."""
    time_limit: Annotated[float | None, _own("SECONDS", "none")] = None
    """Seconds after which a task counts as hung and is given up; starting a process and compiling count."""
    budget: Annotated[float | None, _own("GIB", "its share of 70 %")] = None
    """GiB of memory that one process may use."""


@dataclasses.dataclass(frozen=True)
class Status:
    """Tell what a folder of samples holds: done, missing, corrupt and non-finite. Exit status 3 unless complete."""

    folder: Positional[Path]
    """A folder of samples, such as results/pruned_double_descent, or one that holds several."""


@dataclasses.dataclass(frozen=True)
class Verify:
    """Run every experiment at its smoke size and print one line each. Exit status 1 when one disagrees."""

    sims: Positional[Path] = Path("sims")
    """Folder of experiments."""
    out: Path = Path("results")
    """Folder of the results."""
    workers: Annotated[int | None, _own("INT", "one per core on a CPU")] = None
    """Worker processes."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """Draw an experiment's figure again from its stored samples."""

    file: Positional[Path]
    """The experiment's file."""
    smoke: bool = False
    """Use the samples of the smoke run."""
    out: Path = Path("results")
    """Folder of the results."""


@dataclasses.dataclass(frozen=True)
class List:
    """List the experiments, their axes and sizes."""

    sims: Positional[Path] = Path("sims")
    """Folder of experiments."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """Run a benchmark against its peers; without a name, list the benchmarks."""

    name: Positional[str] = ""
    """Such as least_squares, for sims/bench_least_squares.py."""
    sims: Path = Path("sims")
    """Folder of benchmarks."""


COMMANDS = dict(run=Run, status=Status, verify=Verify, figure=Figure, list=List, bench=Bench)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, then do."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv == ["--version"]:
        print(f"jaxprune {__version__}")
        return
    try:
        commands = {**COMMANDS, "run": _with_axes(argv)}
    except (ValueError, OSError, SyntaxError) as error:
        sys.exit(_fail(error))
    parsed = tyro.extras.subcommand_cli_from_dict(
        commands, prog="jaxprune", description="Simulation and theory of pruning and over-parameterisation.", args=argv
    )
    os.environ.setdefault("NPROC", "1")  # before JAX starts: one thread per process, see sweep.executors
    actions: dict[str, Callable[[Any], int]] = dict(
        Run=_run, Status=_status, Verify=_verify, Figure=_figure, List=_list, Bench=_bench
    )
    try:
        status = actions[type(parsed).__name__](parsed)
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = AGREE
    except (ValueError, OSError, MemoryError, ImportError, SyntaxError) as error:
        status = _fail(error)
    except KeyboardInterrupt:
        print("stopped; finished tasks are kept, the same command goes on from there", file=sys.stderr)
        status = 130
    except Exception:
        traceback.print_exc()
        status = CRASHED
    sys.exit(status)


def _fail(error: BaseException) -> int:
    print(f"jaxprune: {error}", file=sys.stderr)
    return BAD_INPUT


# Axes as options


def _with_axes(argv: Sequence[str]) -> type:
    """``Run`` with one more option for each axis of the file named in ``argv``."""
    file = next((a for a in argv[1:] if a.endswith(".py")), None) if argv[:1] == ["run"] else None
    if file is None:
        return Run
    own = {f.name for f in dataclasses.fields(Run)}
    fields = []
    for name, values in _axes(Path(file)).items():
        if name in own:
            raise ValueError(f"{file}: the axis {name!r} has the name of an option; rename it")
        kinds = {type(v) for v in values}
        kind = tuple[float if kinds == {int, float} else type(values[0]), ...]  # type: ignore[misc]
        note = tyro.conf.arg(help=f"Values of the axis {name}.")
        fields.append((name, Annotated[kind, note], dataclasses.field(default=tuple(values))))
    return dataclasses.make_dataclass("Run", fields, bases=(Run,), frozen=True, namespace=dict(__doc__=Run.__doc__))


def _axes(file: Path) -> dict[str, Sequence[Any]]:
    """The axes declared in a file: read from its text where they are literal, which is fast, else by importing it."""
    calls = [c for c in ast.walk(ast.parse(file.read_text(), str(file))) if isinstance(c, ast.Call)]
    experiments = [c for c in calls if getattr(c.func, "id", "") == "Experiment"]
    declared = [next((k.value for k in c.keywords if k.arg == "axes"), None) for c in experiments]
    axes: dict[str, Sequence[Any]] = {}
    try:
        for node in declared:
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":  # dict(noise=[0.1, 0.5])
                axes.update({str(k.arg): ast.literal_eval(k.value) for k in node.keywords})
            else:
                axes.update(ast.literal_eval(node or ast.Name("unknown")))
    except ValueError:
        from jaxprune.sweep import load_experiments

        for experiment in load_experiments(file):
            axes.update(experiment.axes)
    return axes


# Commands


def _run(options: Any) -> int:
    from jaxprune.sweep import load_experiments

    index, _, count = options.shard.partition("/")
    if not (index.isdigit() and count.isdigit()):
        raise ValueError(f"--shard: {options.shard!r} is not of the form k/K")
    common = {f.name for f in dataclasses.fields(Run)}
    asked = {f.name: getattr(options, f.name) for f in dataclasses.fields(options) if f.name not in common}
    worst = AGREE
    for experiment in load_experiments(options.file):
        if options.smoke:
            experiment = experiment.smoke_size()
        default = _axes(options.file)
        changed = {k: v for k, v in asked.items() if k in experiment.axes and list(v) != list(default[k])}
        experiment = experiment.resized(seeds=options.seeds, **changed)
        folder = _folder(options.out, experiment.name, options.smoke)
        sweep = dict(
            root=options.root,
            workers=options.workers,
            shard=(int(index), int(count)),
            time_limit=options.time_limit,
            budget=None if options.budget is None else options.budget * 2**30,
        )
        worst = max(worst, _sweep_and_judge(experiment, options.file, folder, sweep))
    return worst


def _folder(out: Path, name: str, smoke: bool) -> Path:
    return out / (f"{name}-smoke" if smoke else name)


def _sweep_and_judge(experiment, file: Path, folder: Path, options: dict[str, Any]) -> int:
    """Sweep, then report and figure; a shard that leaves tasks to others stops after the sweep."""
    from jaxprune.sweep import Stopped, Store, StoreError, run

    started = time.perf_counter()
    before = Store(folder).done() if (folder / "run.json").exists() else set()
    try:
        samples = run(experiment, store=folder, **options)
    except (Stopped, StoreError) as error:
        print(f"jaxprune: {error}", file=sys.stderr)
        return INCOMPLETE
    store = Store(folder)
    missing = store.missing()
    if missing and options["shard"][1] > 1:
        print(f"this shard is done; {len(missing)} tasks of {folder} are left to the others")
        return AGREE
    seconds = time.perf_counter() - started
    trials = int(samples["nonfinite"].size * samples.sizes["seed"])
    new = f"{len(store.done() - before)} new tasks in {seconds:.1f} s"
    print(f"{experiment.name}: {trials} trials in {folder / 'data.zarr'}, {new}")
    report = _report(experiment, samples, folder)
    _draw(file, experiment, samples, report, folder)
    return AGREE if report is None or report.ok else DISAGREE


def _report(experiment, samples, folder: Path):
    """Compare with theory where there is any: print the table, keep every point as CSV."""
    from jaxprune.compare import compare
    from jaxprune.predict import predict

    prediction = predict(experiment.make, samples)
    if prediction is None:
        bad = int(samples["nonfinite"].sum())
        print(f"no theory for this problem: nothing to compare. Non-finite trials: {bad}")
        return None
    report = compare(samples, prediction)
    print(report)
    if not report.ok:
        for row in report.worst(5):
            print("  ", ", ".join(f"{k}={v:.5g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))
    for name, points in report.points.items():
        points.to_dataframe(dim_order=list(points["z"].dims)).to_csv(folder / f"report_{name}.csv")
    return report


def _draw(file: Path, experiment, samples, report, folder: Path) -> None:
    """figures/<stem>.py beside the folder of the experiment's file, if it is there: figure.pdf and figure.png."""
    from jaxprune.sweep.experiment import load_file

    script = file.resolve().parent.parent / "figures" / file.name
    if not script.exists():
        print(f"no figure: {script} does not exist")
        return
    import matplotlib

    matplotlib.use("Agg")
    figure = load_file(script).draw(samples, report)
    paths = load_file(script.with_name("style.py")).save(figure, folder)
    print("figure:", ", ".join(map(str, paths)))


def _status(options: Status) -> int:
    from jaxprune.sweep import Store

    stores = [options.folder] if (options.folder / "run.json").exists() else sorted(options.folder.glob("*/run.json"))
    folders = [p if p.is_dir() else p.parent for p in stores]
    if not folders:
        raise ValueError(f"folder: {options.folder} holds no samples (no run.json)")
    status = AGREE
    for folder in folders:
        store = Store(folder)
        receipts, expected = store.receipts(), list(store.expected())
        corrupt = [c for c, r in receipts.items() if not store.intact(c, r)]
        missing = [c for c in expected if c not in receipts]
        bad = {c: r["nonfinite"] for c, r in receipts.items() if r["nonfinite"]}
        print(f"{folder}: {store.run['name']}, root {store.run['root']}, {store.run['precision']}, jax {store.run['jax']}")
        print(f"  {len(expected)} tasks: {len(receipts) - len(corrupt)} done, {len(missing)} missing, {len(corrupt)} corrupt")
        print(f"  non-finite trials: {sum(bad.values())}")
        for word, chunks in dict(missing=missing, corrupt=corrupt, nonfinite=list(bad)).items():
            for chunk in chunks[:10]:
                print(f"  {word}: {store.label(chunk)}")
            if len(chunks) > 10:
                print(f"  {word}: and {len(chunks) - 10} more")
        status = INCOMPLETE if missing or corrupt else status
    return status


def _experiment_files(sims: Path) -> list[Path]:
    files = sorted(p for p in sims.glob("*.py") if not p.name.startswith(("bench_", "_")))
    if not files:
        raise ValueError(f"sims: no experiments in {sims}; run from the project's folder or name another")
    return files


def _verify(options: Verify) -> int:
    from jaxprune.compare import compare
    from jaxprune.predict import predict
    from jaxprune.sweep import Stopped, load_experiments, run

    status = AGREE
    for file in _experiment_files(options.sims):
        for experiment in load_experiments(file):
            started = time.perf_counter()
            try:
                samples = run(
                    experiment.smoke_size(), store=_folder(options.out, experiment.name, True), workers=options.workers
                )
            except Stopped as error:
                print(f"{experiment.name:32s} FAILED  {error}")
                status = INCOMPLETE
                continue
            prediction = predict(experiment.make, samples)
            seconds = f"{time.perf_counter() - started:.1f} s"
            if prediction is None:
                print(f"{experiment.name:32s} ran, no theory   {seconds}")
                continue
            report = compare(samples, prediction)
            worst = abs(report.worst(1)[0]["z"]) if report.judged else float("nan")
            word = "agrees" if report.ok else "DISAGREES"
            print(
                f"{experiment.name:32s} {word}   {report.judged} tests, worst |z| {worst:.2f} of {report.limit:.2f}   {seconds}"
            )
            status = status if report.ok else max(status, DISAGREE)
    return status


def _figure(options: Figure) -> int:
    from jaxprune.compare import compare
    from jaxprune.predict import predict
    from jaxprune.sweep import Store, load_experiments

    for experiment in load_experiments(options.file):
        folder = _folder(options.out, experiment.name, options.smoke)
        store = Store(folder)
        store.check(experiment)
        if missing := store.missing():
            raise ValueError(f"out: {len(missing)} tasks of {folder} are missing; run the experiment to its end first")
        samples = store.read()
        prediction = predict(experiment.make, samples)
        report = None if prediction is None else compare(samples, prediction)
        _draw(options.file, experiment, samples, report, folder)
    return AGREE


def _list(options: List) -> int:
    from jaxprune.sweep import load_experiments

    for file in _experiment_files(options.sims):
        for e in load_experiments(file):
            axes = ", ".join(f"{k}={list(v)}" for k, v in e.axes.items())
            print(f"{file}\n    {e.describe or e.name}\n    axes: {axes}; {e.seeds} seeds, {e.precision}")
    return AGREE


def _bench(options: Bench) -> int:
    from jaxprune.sweep.experiment import load_file

    known = {p.stem.removeprefix("bench_"): p for p in sorted(options.sims.glob("bench_*.py"))}
    if options.name not in known:
        if options.name:
            raise ValueError(f"name: no benchmark {options.name!r}; there are: {', '.join(known) or 'none'}")
        for name, path in known.items():
            print(f"{name:20s} {path}")
        return AGREE
    load_file(known[options.name]).main()
    return AGREE
