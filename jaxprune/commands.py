"""What the commands do; each takes its parsed options and returns an exit status."""

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib

from jaxprune import sweep
from jaxprune.compare import Report, compare
from jaxprune.options import AGREE, DISAGREE, INCOMPLETE, Run
from jaxprune.predict import predict
from jaxprune.sweep import Stopped, Store, StoreError, load_experiments
from jaxprune.sweep.experiment import load_file

ENOUGH_SEEDS = 20  # for a pruning ratio, which runs do not agree on however wide the network


def run(options: Any) -> int:
    """Sweep, judge and draw every experiment of a file."""
    index, _, count = options.shard.partition("/")
    if not (index.isdigit() and count.isdigit()):
        raise ValueError(f"--shard: {options.shard!r} is not of the form k/K")
    own = {f.name for f in dataclasses.fields(Run)}
    asked = {f.name: getattr(options, f.name) for f in dataclasses.fields(options) if f.name not in own}
    worst = AGREE
    for experiment in _chosen(options):
        if options.smoke:
            experiment = experiment.smoke_size()
        changed = {name: values for name, values in asked.items() if name in experiment.axes and values is not None}
        experiment = experiment.resized(seeds=options.seeds, **changed)
        folder = _folder(options.out, experiment.name, options.smoke)
        how = dict(
            root=options.root,
            workers=options.workers,
            shard=(int(index), int(count)),
            time_limit=options.time_limit,
            budget=None if options.budget is None else options.budget * 2**30,
        )
        worst = max(worst, _sweep_and_judge(experiment, options.file, folder, how, cautious=not options.smoke))
    return worst


def _chosen(options: Any) -> list[sweep.Experiment]:
    """The experiments of the file, or the one that was named."""
    found = load_experiments(options.file)
    if options.only is None:
        return found
    if options.only not in (names := [e.name for e in found]):
        raise ValueError(f"--only: {options.only!r} is not in {options.file}; there are: {', '.join(names)}")
    return [e for e in found if e.name == options.only]


def _folder(out: Path, name: str, smoke: bool) -> Path:
    return out / (f"{name}-smoke" if smoke else name)


def _sweep_and_judge(experiment, file: Path, folder: Path, options: dict[str, Any], cautious: bool) -> int:
    """Sweep, then report and figure; a shard that leaves tasks to others stops after the sweep."""
    try:
        samples = sweep.run(experiment, store=folder, **options)
    except (Stopped, StoreError) as error:
        print(f"jaxprune: {error}", file=sys.stderr)
        return INCOMPLETE
    if options["shard"][1] > 1 and (missing := Store(folder).missing()):
        print(f"this shard is done; {len(missing)} tasks of {folder} are left to the others")
        return AGREE
    trials = int(samples["nonfinite"].size * samples.sizes["seed"])
    new = f"{samples.attrs['new_tasks']} new tasks in {samples.attrs['wall_seconds']:.1f} s"
    print(f"{experiment.name}: {trials} trials in {folder / 'data.zarr'}, {new}")
    report = _report(experiment, samples, folder)
    if cautious and (ratios := _few_seeds(samples)):
        seeds = f"{ENOUGH_SEEDS} seeds or more, these are {samples.sizes['seed']}"
        print(f"Few seeds: {', '.join(ratios)} differs widely between runs; a claim about it needs {seeds}.")
    _draw(file, experiment, samples, report, folder)
    return AGREE if report is None or report.ok else DISAGREE


def _few_seeds(samples) -> list[str]:
    """The pruning ratios, where there are too few of each."""
    enough = samples.sizes["seed"] >= ENOUGH_SEEDS
    return [] if enough else [str(name) for name in samples.data_vars if "pruning_ratio" in str(name)]


def _judge(experiment, samples) -> Report | None:
    """By the experiment's own theory, else by ours; None where no metric has a prediction."""
    own = experiment.predict
    prediction = predict(experiment.make, samples) if own is None else own(samples)
    return None if prediction is None else compare(samples, prediction)


def _report(experiment, samples, folder: Path) -> Report | None:
    """Compare with theory where there is any: print the table, keep every point as CSV."""
    report = _judge(experiment, samples)
    if report is None:
        bad = int(samples["nonfinite"].sum())
        print(f"no metric has a prediction to be judged by: nothing to compare. Non-finite trials: {bad}")
        return None
    print(report)
    if not report.ok:
        for row in report.worst(5):
            print("  ", ", ".join(f"{k}={v:.5g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))
    for name, points in report.points.items():
        points.to_dataframe(dim_order=list(points["z"].dims)).to_csv(folder / f"report_{name}.csv")
    return report


def _draw(file: Path, experiment, samples, report, folder: Path) -> None:
    """figures/<stem>.py beside the folder of the experiment's file, if it is there: figure.pdf and figure.png."""
    script = file.resolve().parent.parent / "figures" / file.name
    if not script.exists():
        print(f"no figure: {script} does not exist")
        return
    print(f"drawing {script.parent.name}/{script.name}", flush=True)  # its theory may take half a minute
    matplotlib.use("Agg")
    figure = load_file(script).draw(samples, report)
    paths = load_file(script.with_name("style.py")).save(figure, folder)
    print("figure:", ", ".join(map(str, paths)))


def status(options: Any) -> int:
    """Tell what folders of samples hold; a damaged one is told, and the others follow."""
    stores = [options.folder] if (options.folder / "run.json").exists() else sorted(options.folder.glob("*/run.json"))
    folders = [p if p.is_dir() else p.parent for p in stores]
    if not folders:
        raise ValueError(f"folder: {options.folder} holds no samples (no run.json)")
    status = AGREE
    for folder in folders:
        try:
            whole = _tell(Store(folder))
        except StoreError as error:
            print(f"{folder}: {error}")
            whole = False
        status = status if whole else INCOMPLETE
    return status


def _tell(store: Store) -> bool:
    """What one store holds; whether it is complete."""
    receipts, expected = store.receipts(), store.expected()
    corrupt = [c for c, r in receipts.items() if not store.intact(c, r)]
    missing = [c for c in expected if c not in receipts]
    bad = {c: r["nonfinite"] for c, r in receipts.items() if r["nonfinite"]}
    run, kind = store.run, ", of the old kind: known by the text of its sources" if store.old else ""
    print(f"{store.path}: {run['name']}, root {run['root']}, {run['precision']}, jax {run['jax']}{kind}")
    print(f"  {len(expected)} tasks: {len(receipts) - len(corrupt)} done, {len(missing)} missing, {len(corrupt)} corrupt")
    if unasked := int((~store.asked()).sum()):
        print(f"  not asked for: {unasked} tasks of the grid that all runs together span")
    print(f"  non-finite trials: {sum(bad.values())}")
    for word, chunks in dict(missing=missing, corrupt=corrupt, nonfinite=list(bad)).items():
        for chunk in chunks[:10]:
            print(f"  {word}: {store.label(chunk)}")
        if len(chunks) > 10:
            print(f"  {word}: and {len(chunks) - 10} more")
    return not missing and not corrupt


def _experiment_files(sims: Path) -> list[Path]:
    files = sorted(p for p in sims.glob("*.py") if not p.name.startswith(("bench_", "_")))
    if not files:
        raise ValueError(f"sims: no experiments in {sims}; run from the project's folder or name another")
    return files


def _missing_data(experiment) -> str | None:
    """Why the experiment cannot run here, where its data set, or the package that brings it, is missing."""
    try:
        experiment.make(**experiment.smoke_size().points()[0])
    except (FileNotFoundError, ImportError) as error:
        return str(error)
    return None


def verify(options: Any) -> int:
    """Every experiment at its smoke size, one line each; those whose data are not here are skipped."""
    status = AGREE
    for file in _experiment_files(options.sims):
        for experiment in load_experiments(file):
            started = time.perf_counter()
            if reason := _missing_data(experiment):
                print(f"{experiment.name:32s} skipped: {reason}")
                continue
            try:
                samples = sweep.run(
                    experiment.smoke_size(), store=_folder(options.out, experiment.name, True), workers=options.workers
                )
            except Stopped as error:
                print(f"{experiment.name:32s} FAILED  {error}")
                status = INCOMPLETE
                continue
            report = _judge(experiment, samples)
            seconds = f"{time.perf_counter() - started:.1f} s"
            if report is None:
                print(f"{experiment.name:32s} ran, not judged  {seconds}")
                continue
            worst = abs(report.worst(1)[0]["z"]) if report.judged else float("nan")
            word = "agrees" if report.ok else "DISAGREES"
            print(
                f"{experiment.name:32s} {word}   {report.judged} tests, worst |z| {worst:.2f} of {report.limit:.2f}   {seconds}"
            )
            status = status if report.ok else max(status, DISAGREE)
    return status


def figure(options: Any) -> int:
    """Draw again from stored samples."""
    for experiment in load_experiments(options.file):
        folder = _folder(options.out, experiment.name, options.smoke)
        store = Store(folder)
        store.check(experiment)
        if missing := store.missing():
            raise ValueError(f"out: {len(missing)} tasks of {folder} are missing; run the experiment to its end first")
        if unasked := int((~store.asked()).sum()):
            raise ValueError(f"out: {unasked} tasks of the grid in {folder} were never asked for; run all its values together")
        samples = store.read()
        _draw(options.file, experiment, samples, _judge(experiment, samples), folder)
    return AGREE


def listing(options: Any) -> int:
    """The experiments of a folder."""
    for file in _experiment_files(options.sims):
        for e in load_experiments(file):
            axes = ", ".join(f"{k}={list(v)}" for k, v in e.axes.items())
            print(f"{file}: {e.name}\n    {e.describe or e.name}\n    axes: {axes}; {e.seeds} seeds, {e.precision}")
            if reason := _missing_data(e):
                print(f"    skipped by verify: {reason}")
    return AGREE


def bench(options: Any) -> int:
    """One benchmark, or all of them."""
    known = {p.stem.removeprefix("bench_"): p for p in sorted(options.sims.glob("bench_*.py"))}
    if not known or (options.name and options.name not in known):
        raise ValueError(f"name: no benchmark {options.name!r}; there are: {', '.join(known) or 'none'}")
    for name in [options.name] if options.name else known:
        load_file(known[name]).main()
    return AGREE
