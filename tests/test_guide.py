"""The guide: what docstrings cite of it is there, and its numbers are those of the code."""

import contextlib
import io
import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from jaxprune.theory import bounds, compression, matrices, stable, tails, two_layer
from jaxprune.theory.least_squares import diagonal, propositions
from jaxprune.theory.sde import explosion, ornstein_uhlenbeck
from jaxprune.theory.sgd import linear
from tests.places import ROOT, SUBJECTS

GUIDE = ROOT / "jaxprune" / "guide"
CODE = [p for folder in ("jaxprune", "sims", "figures", "tests") for p in sorted((ROOT / folder).rglob("*.py"))]
CODE.remove(Path(__file__).resolve())
CHAPTERS = {p.name: p.read_text() for p in sorted(GUIDE.glob("*.md"))}
HEADINGS = {name: re.findall(r"^## (.+)$", text, re.MULTILINE) for name, text in CHAPTERS.items()}
HOW_TO = {
    *("first_steps", "experiments", "data", "heavy_tailed_noise", "weights"),
    *("systems", "findings", "running", "performance", "architecture"),
}
CLOSED = ("our notes", "the notes", "working notes", "notes on wan", "notes on chang")  # what a reader cannot open
PRINTS = re.compile(r"```python\n((?:(?!```).)*)```\n\nprints\n\n```text\n(.*?)```", re.DOTALL)
NUMBERED = re.compile(r"\b[Ss]ections? \d|\b[Ss]ource: rows? \d")


def cited(text, chapter=r"guide/(\w+\.md)"):
    """(chapter, what follows the comma) of every citation; text may be broken into lines, with marks of comments."""
    flat = " ".join(text.replace("\n#", "\n").split())
    return [(found[1], flat[found.end() :]) for found in re.finditer(chapter + r"(?:, )?", flat)], flat


def broken(text, chapter=r"guide/(\w+\.md)"):
    """Citations of chapters or headings that do not exist."""
    wrong = []
    for name, rest in cited(text, chapter)[0]:
        if name not in CHAPTERS:
            wrong.append(name)
        elif not rest[:1].isalnum() or not rest[:1].isupper():
            continue  # the whole chapter
        elif not any(re.match(re.escape(heading) + r"(?!\w)", rest) for heading in HEADINGS[name]):
            wrong.append(f"{name}, {rest[:40]}")
    return wrong


def closed(text):
    """Whether a text cites what is not part of the project."""
    flat = " ".join(text.split())
    return [word for word in CLOSED if word in flat.lower()] + NUMBERED.findall(flat)


def test_every_subject_has_a_chapter_and_the_index_names_all():
    assert set(CHAPTERS) == {f"{name}.md" for name in SUBJECTS | HOW_TO} | {"README.md"}
    assert set(re.findall(r"\]\((\w+)\.md\)", CHAPTERS["README.md"])) == SUBJECTS | HOW_TO
    for name, headings in HEADINGS.items():
        assert len(headings) == len(set(headings)), name


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_code_cites_is_in_the_guide(path):
    text = path.read_text()
    assert broken(text) == []
    assert closed(text) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_chapters_cite_is_in_the_guide(name):
    assert broken(CHAPTERS[name], r"(?:guide/)?(?<![\w/(])(\w+\.md)") == []
    assert closed(CHAPTERS[name]) == []


EXAMPLES = [example for text in CHAPTERS.values() for example in PRINTS.findall(text)]


@pytest.mark.slow
@pytest.mark.parametrize("code, printed", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_prints_what_it_says(code, printed):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {})
    assert said.getvalue() == printed


def test_readers_find_the_guide():
    assert closed((ROOT / "README.md").read_text()) == []
    assert "jaxprune/guide/" in (ROOT / "README.md").read_text()
    assert (resources.files("jaxprune") / "guide" / "sde.md").is_file()


def test_enough_is_cited_and_wrong_citations_show():
    found = [name for path in CODE for name, _ in cited(path.read_text())[0]]
    assert len(found) > 200 and {f"{subject}.md" for subject in SUBJECTS} <= set(found)
    assert broken("Source: guide/sde.md, Strong\n    error.") == []
    assert broken("Source: guide/sde.md. Scalars give floats.") == []
    assert broken("Source: guide/sde.md, Weak error.") == ["sde.md, Weak error."]
    assert broken("Source: guide/sde.md, Strong errors.") == ["sde.md, Strong errors."]
    assert broken("Source: guide/optics.md, Strong error.") == ["optics.md"]
    assert (
        closed("Sections are those of our\nnotes on a paper.") and closed("Source: section 3.2.") and closed("Source: row 14.")
    )


def test_equations_that_least_squares_cites_are_numbered_there():
    numbers = set(re.findall(r" \((\d+[a-c]?)\)$", CHAPTERS["least_squares.md"], re.MULTILINE))
    assert numbers == {str(k) for k in range(1, 16) if k != 13} | {"13a", "13b", "13c"}


def test_the_table_of_spikes_is_that_of_the_code():
    eigs = np.where(np.arange(2000) < 100, 25.0, 1.0)
    whole = eigs, np.full(2000, np.sum(eigs) ** -0.5), 0.5
    rows = re.findall(r"^\| (\d+) \| ([\d.| ]+) \|$", CHAPTERS["least_squares.md"], re.MULTILINE)
    assert len(rows) >= 5
    for width, numbers in rows:
        problem = *diagonal.reduce(*whole, int(width)), 200
        values = [diagonal.risk(*problem)]
        values += [diagonal.pruned_risk(*problem, 100, rule) for rule in ("magnitude", "hessian", "oracle")]
        values += [diagonal.retrained_risk(*problem, 100, "hessian", sample) for sample in ("same", "fresh")]
        values += [diagonal.retrained_risk(*problem, 100, "oracle")]
        assert [f"{value:.4f}" for value in values] == numbers.split(" | "), width


NUMBERS = {
    "least_squares.md": {
        "0.947333": lambda: propositions.identity_large(0.5, 2.5, 0.6, 0.5),
        "0.368": lambda: propositions.identity_least_kept_ratio(0.8, 0.5),
    },
    "stable.md": {"2.4387": lambda: stable.quantile_ratio(2.0), "3.1498": lambda: stable.quantile_ratio(1.5)},
    "sde.md": {
        "0.007498": lambda: explosion.lost_fraction(1.5, 1.0, 0.01, 100),
        "0.007445": lambda: explosion.explosion_fraction(1.5, 1.0, 0.01, 1.0),
    },
    "sgd.md": {
        "1.54640": lambda: linear.tail_index(0.8, 1, 1),
        "0.001183": lambda: linear.window_width(1, 100),
        "0.001153": lambda: linear.approximate_window_width(1, 100),
    },
    "compression.md": {
        "0.7488": lambda: compression.finite_moment_limit("normal", 0.1),
        "0.466": lambda: compression.error_cdf(0.3, 1.5, 0.1, 1000),
        "0.464414": lambda: compression.singular_value_limit_gaussian(0.2),
        "0.12877313": lambda: compression.stable_finite(2, 1, 1.0),
        "0.5554": lambda: compression.gaussian_pruning_ratio(1),
        "264": lambda: compression.kept_for_share(1.5, 2.0, 0.1),
    },
    "two_layer.md": {
        "0.07432554": lambda: two_layer.simplex_value(8),
        "0.14641": lambda: two_layer.cone_optimum(4, 0.2)[0],
        "0.15595": lambda: two_layer.optimum(4, 3, 0.2).bound,
        "1.25459744": lambda: two_layer.eta_switch(2),
        "1.8025": lambda: 1e3 * two_layer.eta_switch(10**6),
        "0.15624": lambda: two_layer.cone_optimum(8, 1.0)[0],
        "0.07539": lambda: two_layer.free_sign_optimum(8, 1.0)[0],
        "0.097113434": lambda: two_layer.frame_loss(two_layer.frames.petersen()).value,
        "0.152504050": lambda: two_layer.lower_bound(6, 3),
        "0.215029150": lambda: two_layer.quadrature_bound(4, 2),
        "0.214775053": lambda: two_layer.quadrature_bound(5, 2),
        "0.000280808": lambda: two_layer.limit_of(two_layer.quadrature_bound(5, 2), 2),
        "0.117218303": lambda: two_layer.frame_loss(two_layer.frames.hurwitz()).value,
        "0.001013496": lambda: two_layer.limit_of(two_layer.quadrature_bound(12, 4), 4),
        "0.079926107": lambda: two_layer.frame_loss(two_layer.frames.exceptional(6)).value,
        "0.000371355": lambda: two_layer.limit_of(two_layer.quadrature_bound(36, 6), 6),
        "0.060510813": lambda: two_layer.frame_loss(two_layer.frames.exceptional(8)).value,
        "0.000083877": lambda: two_layer.limit_of(two_layer.quadrature_bound(120, 8), 8),
    },
    "matrices.md": {
        "0.30665": lambda: matrices.expected_discarded_fraction(50, 1.8, 5000),
        "0.5017": lambda: matrices.expected_discarded_fraction(50, 1.8),
        "20.7": lambda: matrices.sign_threshold_count(0.1, 0.01, 1.0),
        "31.73": lambda: 100 * matrices.replacement.one_sd_split(np.inf).kept,
        "19.87": lambda: 100 * matrices.replacement.one_sd_split(np.inf).discarded,
        "26.7": lambda: 100 * matrices.replacement.one_sd_split(6.0).kept,
    },
    "bounds.md": {
        "0.4977": lambda: bounds.codes.file_nats(7) - bounds.codes.file_nats(7, "printed"),
        "0.3066": lambda: matrices.expected_discarded_fraction(50, 1.8, 5000),
        "0.5017": lambda: compression.expected_tail_share(1.8, 2.0, 50),
    },
    "tails.md": {"1.333": lambda: tails.hill_bias_slope(1.5), "1.66": lambda: tails.block_limit_student(3, 10)},
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_a_chapter_are_those_of_the_code(name):
    for printed, value in NUMBERS[name].items():
        digits = len(printed.partition(".")[2])
        assert re.search(rf"(?<![\d.]){re.escape(printed)}(?!\d)", CHAPTERS[name]), printed
        assert f"{float(value()):.{digits}f}" == printed


def test_the_overshooting_scheme_has_the_error_that_the_guide_says():
    alpha, rate, step = 1.6, 1.0, 1e-3
    error = ornstein_uhlenbeck.euler_stationary_scale(alpha, rate, 1.0, step)
    error = error / ornstein_uhlenbeck.stationary_scale(alpha, rate, 1.0) - 1
    assert error == pytest.approx((alpha - 1) * rate * step / (2 * alpha), rel=1e-2)
