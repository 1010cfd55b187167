"""What the commands do; each takes its parsed options and returns an exit status."""

import dataclasses
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxprune import judge, sweep
from jaxprune.cli import selection
from jaxprune.cli.declared import BENCH, benchmarks, files
from jaxprune.cli.drawing import command, draw
from jaxprune.cli.options import AGREE, BAD_INPUT, CRASHED, DISAGREE, INCOMPLETE, Run
from jaxprune.cli.stating import found_in, state
from jaxprune.contracts import FIELDS, Metric
from jaxprune.sweep import Experiment, Stopped, Store, StoreError, load_experiments
from jaxprune.sweep.experiment import NoExperiment, load_file


def start_jax() -> None:
    """Refuse a device that is not here, before anything else is begun."""
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # JAX asserts that a platform without a plug-in is there
        if not (asked := os.environ.get("JAX_PLATFORMS")):
            raise
        raise ValueError(f"JAX_PLATFORMS: {asked!r} does not start here; unset it, or set it to cpu") from error


def run(options: Any) -> int:
    """Sweep, judge and draw every experiment of a file."""
    how = dict(
        root=options.root,
        workers=options.workers,
        shard=_shard(options.shard),
        time_limit=options.time_limit,
        budget=None if options.budget is None else options.budget * 2**30,
    )
    worst = AGREE
    for declared, asked in _selections(options):
        worst = max(worst, _sweep_and_judge(options, declared, asked, how))
    return worst


def _shard(words: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", words, re.ASCII)
    if found is None:
        raise ValueError(f"--shard: {words!r} is not of the form k/K")
    return int(found[1]), int(found[2])


def _selections(options: Any) -> list[tuple[Experiment, Experiment]]:
    """The experiments of the file, or the one that was named: as declared, and with the values and seeds asked for."""
    own = {f.name for f in dataclasses.fields(Run)}
    asked = {f.name: getattr(options, f.name) for f in dataclasses.fields(options) if f.name not in own}
    found = []
    for experiment in _chosen(options):
        declared = experiment.smoke_size() if options.smoke else experiment
        changed = {name: values for name, values in asked.items() if name in experiment.axes and values is not None}
        found.append((declared, selection.ordered(declared, declared.resized(seeds=options.seeds, **changed))))
    return found


def _chosen(options: Any) -> list[Experiment]:
    """The experiments of the file, or the one that was named."""
    found = load_experiments(options.file)
    if options.only is None:
        return found
    if options.only not in (names := [e.name for e in found]):
        raise ValueError(f"--only: {options.only!r} is not in {options.file}; there are: {', '.join(names)}")
    return [e for e in found if e.name == options.only]


def _folder(out: Path, name: str, smoke: bool) -> Path:
    return out / (f"{name}-smoke" if smoke else name)


def _sweep_and_judge(options: Any, declared: Experiment, asked: Experiment, how: dict[str, Any]) -> int:
    """Sweep, then report and figure; a shard that leaves tasks to others stops after the sweep."""
    store = _folder(options.out, declared.name, options.smoke)
    try:
        samples = sweep.run(asked, store=store, **how)
    except (Stopped, StoreError) as error:
        print(f"jaxprune: {error}", file=sys.stderr)
        return INCOMPLETE
    if how["shard"][1] > 1 and (missing := samples.attrs.get("missing", 0)):
        print(f"this shard is done; {missing} tasks of {store} are left to the others")
        return AGREE
    trials = int(samples["nonfinite"].size * samples.sizes["seed"])
    new = f"{samples.attrs['new_tasks']} new tasks in {samples.attrs['wall_seconds']:.1f} s"
    print(f"{asked.name}: {trials} trials in {store / 'data.zarr'}, {new}")
    folder = store / selection.folder(declared, asked)
    folder.mkdir(exist_ok=True)
    report = _report(asked, samples, folder)
    state(asked, samples, folder, not options.smoke and not selection.changes(declared, asked))
    if not options.smoke:
        _warn_of_few_seeds(samples)
    draw(options, folder, declared, asked, samples, report)
    return _status(report)


def _status(report: Any) -> int:
    return DISAGREE if report is not None and report.failed else AGREE


def _warn_of_few_seeds(samples) -> None:
    """Of metrics whose means say nothing yet."""
    for name, values in samples.data_vars.items():
        fewest = Metric.of(str(name), values.attrs).seeds
        if 2 < fewest > samples.sizes["seed"]:
            print(
                f"Few seeds: {name} differs widely between runs; a claim about it needs {fewest} seeds or more, these are "
                f"{samples.sizes['seed']}."
            )


def _judge(experiment, samples) -> Any:
    """A report by the experiment's own theory, else by ours; None where no metric has a prediction."""
    from jaxprune.predictions import predict  # with all of the theory, which status and list do without

    own = experiment.predict
    prediction = predict(experiment.make, samples) if own is None else own(samples)
    return None if prediction is None else judge.compare(samples, prediction)


def _report(experiment, samples, folder: Path) -> Any:
    """Compare with theory where there is any: print the table, keep every point as CSV."""
    report = _judge(experiment, samples)
    if report is None:
        bad = int(samples["nonfinite"].sum())
        print(f"no metric has a prediction to be judged by: nothing to compare. Non-finite trials: {bad}")
        return None
    print(report)
    if _status(report) != AGREE:
        for row in report.worst(5):
            print("  ", ", ".join(f"{k}={v:.5g}" if k in FIELDS else f"{k}={v}" for k, v in row.items()))
    for name, points in report.points.items():
        points.to_dataframe(dim_order=list(points["z"].dims)).to_csv(folder / f"report_{name}.csv", encoding="utf-8")
    print(f"every point: {folder / 'report_*.csv'}")
    return report


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


def _experiments(sims: Path) -> Iterator[tuple[Path, Experiment | None]]:
    """Those of a folder; a file without any, such as a helper module, is told and left out, and one that cannot be loaded is
    told and stands there without an experiment."""
    if not (found := files(sims)):
        raise ValueError(f"sims: no experiments in {sims}; run from the project's folder or name another")
    for file in found:
        try:
            yield from ((file, experiment) for experiment in load_experiments(file))
        except NoExperiment:
            print(f"{file}: no experiment in it")
        except Exception as error:
            print(f"{file}: it cannot be loaded: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
            yield file, None


def missing_data(experiment) -> str | None:
    """Why the experiment cannot run here, where its data set, or the package that brings it, is missing."""
    try:
        experiment.make(**experiment.smoke_size().points()[0])
    except (FileNotFoundError, ImportError) as error:
        return str(error)
    return None


def verify(options: Any) -> int:
    """Every experiment at its smoke size, one line each; those whose data are not here are skipped."""
    status = AGREE
    for _, experiment in _experiments(options.sims):
        started = time.perf_counter()
        if experiment is None:
            status = max(status, BAD_INPUT)
            continue
        if reason := missing_data(experiment):
            said = f"skipped: {reason}"
        else:
            found, said = verified(experiment, _folder(options.out, experiment.name, True), options.workers)
            said += f"   {time.perf_counter() - started:.1f} s"
            status = max(status, found)
        print(f"{experiment.name:32s} {said}", flush=True)
    return status


def verified(experiment: Experiment, folder: Path, workers: int | None) -> tuple[int, str]:
    """The exit status of one experiment, and what there is to say."""
    try:
        samples = sweep.run(experiment.smoke_size(), store=folder, workers=workers)
    except Stopped as error:
        return INCOMPLETE, f"FAILED  {error}"
    found, why = found_in(experiment, samples)
    stated = f", {len(found)} findings" if found else f", no findings: {why}" if why else ""
    report = _judge(experiment, samples)
    if report is None:
        return AGREE, f"ran, not judged{stated}"
    tests = f"{report.judged} tests"
    if report.judged:
        tests += f", worst |z| {abs(report.worst(1)[0]['z']):.2f} of {report.limit:.2f}"
    return _status(report), f"{report.verdict():10s}   {tests}{stated}"


def figure(options: Any) -> int:
    """Draw again from stored samples."""
    for declared, asked in _selections(options):
        folder = _folder(options.out, declared.name, options.smoke)
        if not (folder / "run.json").is_file():
            first = command("run", options, asked.name, selection.changes(declared, asked))
            raise ValueError(f"out: {folder} holds no samples (no run.json); run this first: {first}")
        store = Store(folder)
        store.check(declared)
        done = store.done()
        if selection.lacking(store, done, asked) and not selection.changes(declared, asked):
            asked = _only_other(options, store, declared)
        if missing := selection.lacking(store, done, asked):
            first = command("run", options, asked.name, selection.changes(declared, asked))
            raise ValueError(f"out: {missing} tasks of this selection are missing in {folder}; run this first: {first}")
        samples = sweep.read(asked, folder)
        if store.old:
            print(f"{folder} is of the old kind: whether its samples belong to the present code cannot be told")
        place = folder / selection.folder(declared, asked)
        place.mkdir(exist_ok=True)
        state(asked, samples, place, not options.smoke and not selection.changes(declared, asked))
        draw(options, place, declared, asked, samples, _judge(asked, samples))
    return AGREE


def _only_other(options: Any, store: Store, declared: Experiment) -> Experiment:
    """The only selection that a store was asked for, where it lacks samples of what the experiment declares."""
    there = selection.requests(store, declared)
    if len(there) == 1:
        return there[0]
    ways = "; or: ".join(command("figure", options, e.name, selection.changes(declared, e)) for e in there)
    raise ValueError(
        f"out: {store.path} does not hold all that the experiment declares; {len(there)} selections were run, draw one: {ways}"
    )


def listing(options: Any) -> int:
    """The experiments of a folder."""
    for file, e in _experiments(options.sims):
        if e is None:
            continue
        axes = ", ".join(f"{k}={list(v)}" for k, v in e.axes.items())
        print(f"{file}: {e.name}\n    {e.describe or e.name}\n    axes: {axes}; {e.seeds} seeds, {e.precision}")
        try:
            if reason := missing_data(e):
                print(f"    skipped by verify: {reason}")
        except Exception as error:
            print(f"    its make fails: {error}")
    return AGREE


def bench(options: Any) -> int:
    """One benchmark, or all of them."""
    known = benchmarks(options.sims)
    if not known or (options.name and options.name not in known):
        raise ValueError(f"name: no benchmark {options.name!r}; there are: {', '.join(known) or 'none'}")
    chosen = {options.name: known[options.name]} if options.name else known
    folder = options.sims.resolve()
    figure = folder.parent / "figures" / BENCH / "overview.py"
    failed = load_file(folder / BENCH / "_all.py").run(chosen, figure, options.out, options.quick)
    if failed:
        print(f"jaxprune: failed: {', '.join(failed)}", file=sys.stderr)
    return CRASHED if failed else AGREE
