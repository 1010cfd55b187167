"""The report of the judge: every point, and a table for people."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from jaxprune.contracts import FIELDS

REASONS = dict(
    rung="carry the extrapolation to the largest n",
    several="are of asymptotic theory, which needs samples of it at several n",
    seeds="have fewer seeds than a mean needs",
    lost="have lost so many trials that were not finite that too few are left",
    range="have no standard error to be tested by, and need 200 seeds to show their range",
    infinite="have an infinite mean, which cannot be tested",
    fixed='have a prediction of kind "none": it cannot be tested here, such as a limit that these sizes do not approach as 1/n',
    nan="have a prediction that is not finite (NaN)",
    silent="are not covered by theory",
)
HEAD = ("metric", "points", "judged", "worst |z|", "largest gap", "would detect", "non-finite", "verdict")
AGREE, WEAK, IN_RANGE, NOT_JUDGED = "agree", "weak", "in range", "not judged"
DISAGREE, REFUSED = "DISAGREE", "REFUSED"


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome. ``points``: metric -> dataset over grid and inner axes with the ``FIELDS``; ``limit``: the |z|
    that a point may reach; ``nonfinite``: metric -> how many trials are; ``refused``: metrics where nobody allowed them;
    ``unpredicted``: those that nothing was said of; ``typical``: metric -> the error of theory that its typical test would have
    shown, as a share of the prediction or, where all predictions are 0, of the largest value."""

    points: Mapping[str, xr.Dataset]
    limit: float
    nonfinite: Mapping[str, int]
    refused: tuple[str, ...]
    unpredicted: tuple[str, ...]
    typical: Mapping[str, float]

    @property
    def judged(self) -> int:
        """Number of tests made."""
        return int(sum(d["judged"].sum() for d in self.points.values()))

    @property
    def ok(self) -> bool:
        """Whether some mean was judged by seeds that could tell, nothing refused, and every test passed."""
        return self.verdict() == AGREE

    @property
    def failed(self) -> bool:
        """Whether a test failed, or non-finite trials make the report refuse."""
        return self.verdict() in (DISAGREE, REFUSED)

    def verdict(self, metric: str | None = None) -> str:
        """Of one metric, or of all: "agree"; "weak" where nothing disagrees, and the typical test of a mean would not have seen
        an error of 100 %; "in range" where no mean was judged; "DISAGREE"; "REFUSED"; or "not judged". Of all the gravest, else
        the first that any metric has."""
        if metric is None:
            found = {self.verdict(name) for name in self.points}
            return next(v for v in (REFUSED, DISAGREE, AGREE, WEAK, IN_RANGE, NOT_JUDGED) if v in found)
        if metric in self.refused:
            return REFUSED
        d = self.points[metric]
        if bool((~(abs(d["z"]) <= self.limit) & d["judged"]).any()):
            return DISAGREE
        judged = set(d["kind"].values[d["judged"]])
        if judged <= {"tail"}:
            return IN_RANGE if judged else NOT_JUDGED
        return WEAK if self.typical[metric] > 1 else AGREE

    def reasons(self) -> dict[str, int]:
        """Why points were not judged, in words, and of how many points each is true."""
        said = np.concatenate([d["reason"].values.ravel() for d in self.points.values()])
        return {words: count for name, words in REASONS.items() if (count := int(np.sum(said == name)))}

    def worst(self, count: int = 5) -> list[dict[str, Any]]:
        """The judged points with the largest |z|, worst first: metric, coordinates, mean, prediction, z, gap."""
        rows = []
        for name, d in self.points.items():
            where = np.argwhere(d["judged"].values)
            for index in where:
                place = {str(k): int(i) for k, i in zip(d["z"].dims, index, strict=True)}
                here = {str(k): v.item() for k, v in d.isel(place).coords.items()}
                values = {f: d[f].values[tuple(index)].item() for f in ("mean", "se", "prediction", "z", "gap")}
                rows.append(dict(metric=name, **here, **values))
        return sorted(rows, key=lambda r: -abs(r["z"]))[:count]

    def to_dataset(self) -> xr.Dataset:
        """Every field of every metric, as ``metric_field``."""
        return xr.merge([d.rename({f: f"{name}_{f}" for f in FIELDS}) for name, d in self.points.items()])

    def __str__(self) -> str:
        rows = [HEAD, *(self._row(name) for name in self.points)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
        lines = [
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        lines.insert(1, "  ".join("-" * w for w in widths))
        if self._extrapolated():
            lines.append("Gaps of limits include what is O(1/n); they are extrapolated to 1/n = 0.")
        if reasons := self.reasons():
            lines.append(f"Not judged: {(total := sum(reasons.values()))} point{'s' * (total != 1)}.")
            lines += [f"  {count} {words}" for words, count in reasons.items()]
        if self.unpredicted:
            lines.append(f"Without a prediction, so not compared: {', '.join(self.unpredicted)}.")
        return "\n".join([*lines, f"|z| may reach {self.limit:.2f}. {self._sentence()}"])

    def _extrapolated(self) -> bool:
        tested = [d["judged"] & (d["kind"] == "limit") & np.isfinite(d["prediction"]) for d in self.points.values()]
        return any(bool(at.any()) for at in tested)

    def _row(self, name: str) -> tuple[str, ...]:
        d = self.points[name]
        judged = d["judged"].values
        means = judged & (d["kind"].values != "tail")
        gaps = np.abs(d["gap"].values[means])
        z, known = np.abs(d["z"].values[means]), gaps[np.isfinite(gaps)]
        return (
            name,
            str(judged.size),
            str(int(judged.sum())),
            f"{np.max(z):.2f}" if z.size else "-",
            f"{np.max(known):.1%}" if known.size else "-",
            _share(self.typical[name] if d["resolution"].notnull().any() else np.nan),
            str(self.nonfinite.get(name, 0)),
            self.verdict(name),
        )

    def _sentence(self) -> str:
        verdict = self.verdict()
        if verdict == REFUSED:
            return (
                f"Refused: non-finite trials in {', '.join(self.refused)}; look at them, then allow them by name"
                " (allow_nonfinite)."
            )
        if verdict == NOT_JUDGED:
            return "Nothing was judged."
        if verdict == DISAGREE:
            return "Simulation and theory DISAGREE."
        weak, loose, unseen = ([n for n in self.points if self.verdict(n) == word] for word in (WEAK, IN_RANGE, NOT_JUDGED))
        told = []
        if weak:
            told.append(
                f"the samples are too few to say anything of {', '.join(weak)}: an error of 100 % would have gone unseen"
            )
        if loose:
            told.append(f"the predictions of {', '.join(loose)} lie in the range of the seeds, which is no agreement of means")
        if unseen:
            told.append(f"nothing was judged of {', '.join(unseen)}")
        more = ", and ".join(told)
        if verdict != AGREE:
            return f"{'No mean was judged' if verdict == IN_RANGE else 'Nothing disagrees, but nothing is shown'}: {more}."
        missed = [name for name in self.points if self.verdict(name) == AGREE and self.typical[name] > 0.1]
        few = f" (Few seeds: an error of 10 % would have gone unseen in {', '.join(missed)}.)" if missed else ""
        return f"Simulation and theory agree.{f' But {more}.' if more else ''}{few}"


def _share(error: float) -> str:
    """In percent."""
    return "-" if np.isnan(error) else f"{error:.1%}" if error < 10 else "> 1000%"
