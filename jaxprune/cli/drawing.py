"""Figures of a selection of samples, what they leave out, and what to type for the rest."""

import shlex
import sys
from pathlib import Path
from typing import Any

from jaxprune.cli import selection
from jaxprune.cli.declared import named
from jaxprune.cli.options import Run
from jaxprune.sweep import Experiment, load_experiments
from jaxprune.sweep.experiment import load_file


def command(verb: str, options: Any, name: str, changed: dict[str, list[Any]]) -> str:
    """What to type for a selection of the experiment ``name``."""
    file = options.file
    words = ["jaxprune", verb, file.stem if named(file.stem) == file else str(file)]
    if len(load_experiments(options.file)) > 1:
        words += ["--only", name]
    words += ["--smoke"] * options.smoke
    if options.out != Run.out:
        words += ["--out", str(options.out)]
    return shlex.join([*words, *selection.options(changed)])


def _scripts(file: Path) -> list[tuple[Path, Path]]:
    """Where the figure of an experiment may be, and the folder of the project that it is then of: where its file stands in
    ``sims/`` there is one place in ``figures/``; elsewhere the figure may stand beside it."""
    file = file.resolve()
    if sims := next((p for p in file.parents if p.name == "sims"), None):
        return [(sims.parent, sims.parent / "figures" / file.relative_to(sims))]
    here, above = file.parent, file.parent.parent
    beside = [(here, here / "figures" / file.name), (here, here / f"{file.stem}_figure.py")]
    return [*beside, (above, above / "figures" / file.name)]


def draw(options: Any, folder: Path, declared: Experiment, asked: Experiment, samples, report) -> None:
    """figure.pdf and figure.png, by the file of the experiment's figure, if there is one."""
    places = _scripts(options.file)
    found = next(((project, script) for project, script in places if script.exists()), None)
    if found is None:
        looked = " or ".join(str(script) for _, script in places)
        print(f"no figure: there is no {looked}; a figure is such a file, with draw(samples, report) -> Figure")
        return
    project, script = found
    import matplotlib
    from matplotlib.figure import Figure

    from jaxprune.plots import style

    print(f"drawing {script.relative_to(project)}", flush=True)  # its theory may take half a minute
    matplotlib.use("Agg")
    if str(project) not in sys.path:
        sys.path.insert(0, str(project))  # a figure may import its experiment, and other figures
    module = load_file(script)
    if not callable(getattr(module, "draw", None)):
        raise ValueError(f"figure: {script} has no function draw(samples, report) that returns a Figure")
    figure = module.draw(samples, report)
    if not isinstance(figure, Figure):
        raise ValueError(f"figure: draw of {script} returned {type(figure).__name__}, not a Figure of Matplotlib")
    print("figure:", ", ".join(map(str, style.save(figure, folder))))
    if said := _left_out(options, declared, asked, getattr(module, "SHOWN", {}), samples):
        print(said)


def _left_out(options: Any, declared: Experiment, asked: Experiment, shown: dict[str, Any], samples) -> str:
    """Which values of the axes a figure does not draw, and what draws them; empty where it draws all."""
    drawn, left = {}, {}
    for name in (name for name in shown if name in asked.axes):
        picked = shown[name](samples, name)
        drawn[name] = picked if isinstance(picked, list) else [picked]
        left[name] = [value for value in asked.axes[name] if value not in drawn[name]]
    left = {name: values for name, values in left.items() if values}
    if not left:
        return ""
    here = ", ".join(f"{name}={', '.join(map(str, drawn[name]))}" for name in left)
    away = "; ".join(f"{name}={', '.join(map(str, values))}" for name, values in left.items())
    name, values = list(left.items())[-1]
    other = command("figure", options, asked.name, selection.changes(declared, asked.resized(**{name: values[-1:]})))
    return f"figure at {here} (left out: {away}); draw another with: {other}"
