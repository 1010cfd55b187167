"""The report of the judge: every point, and a table for people."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

FIELDS = ("mean", "se", "median", "low", "high", "prediction", "gap", "z", "resolution", "judged", "kind")


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome. ``points``: metric -> dataset over grid and inner axes with the ``FIELDS``; ``limit``: the |z|
    that a point may reach; ``refused``: metrics with non-finite trials that nobody allowed."""

    points: Mapping[str, xr.Dataset]
    limit: float
    nonfinite: Mapping[str, int]
    refused: tuple[str, ...]

    @property
    def judged(self) -> int:
        """Number of tests made."""
        return int(sum(d["judged"].sum() for d in self.points.values()))

    @property
    def ok(self) -> bool:
        """Whether something was judged, nothing refused, and every test passed."""
        return self.judged > 0 and not self.refused and all(self.passes(name) for name in self.points)

    def passes(self, metric: str) -> bool:
        """Whether every test of one metric passed."""
        d = self.points[metric]
        return metric not in self.refused and not bool((~(abs(d["z"]) <= self.limit) & d["judged"]).any())

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
        head = ("metric", "points", "judged", "worst |z|", "largest gap", "would detect", "non-finite", "verdict")
        rows = [head, *(self._row(name) for name in self.points)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = [
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        lines.insert(1, "  ".join("-" * w for w in widths))
        if self._extrapolated():
            lines.append("Gaps of limits include what is O(1/n); they are extrapolated to 1/n = 0.")
        return "\n".join([*lines, f"|z| may reach {self.limit:.2f}. {self._sentence()}{self._unknown()}"])

    def _extrapolated(self) -> bool:
        tested = [d["judged"] & (d["kind"] == "limit") & np.isfinite(d["prediction"]) for d in self.points.values()]
        return any(bool(at.any()) for at in tested)

    def _unknown(self) -> str:
        """How many predictions are NaN where theory was to say something."""
        count = int(sum((d["prediction"].isnull() & (d["kind"] != "none")).sum() for d in self.points.values()))
        return f" {count} prediction{'s are' if count > 1 else ' is'} not finite (NaN): not judged." if count else ""

    def _row(self, name: str) -> tuple[str, ...]:
        d = self.points[name]
        judged, predicted = d["judged"].values, np.isfinite(d["prediction"].values)
        z = np.max(np.abs(d["z"].values[judged]), initial=0.0)
        mean_exists = judged & predicted & (d["kind"].values != "tail")
        gaps = np.abs(d["gap"].values[mean_exists])
        known = gaps[np.isfinite(gaps)]  # not where zero, or infinity, is predicted
        sharp = d["resolution"].values[judged & np.isfinite(d["resolution"].values)]
        detect = f"{np.median(sharp):.1%}" if sharp.size else "-"
        verdict = "agree" if self.passes(name) else "REFUSED" if name in self.refused else "DISAGREE"
        verdict = verdict if judged.any() else "not judged"
        return (
            name,
            str(judged.size),
            str(int(judged.sum())),
            f"{z:.2f}" if judged.any() else "-",
            f"{np.max(known):.1%}" if known.size else "-",
            detect,
            str(self.nonfinite.get(name, 0)),
            verdict,
        )

    def _sentence(self) -> str:
        if self.refused:
            return (
                f"Refused: non-finite trials in {', '.join(self.refused)}; look at them, then allow them by name"
                " (allow_nonfinite)."
            )
        if not self.judged:
            return f"Nothing was judged: {'; '.join(self._reasons())}."
        if not self.ok:
            return "Simulation and theory DISAGREE."
        missed = [name for name, d in self.points.items() if d["resolution"].notnull().any() and self._blunt(d)]
        if missed:
            return f"Simulation and theory agree. (Few seeds: an error of 10 % would have gone unseen in {', '.join(missed)}.)"
        return "Simulation and theory agree."

    def _reasons(self) -> list[str]:
        """Why points were not judged: the reasons that apply to some."""
        found = []
        for d in self.points.values():
            single, infinite = d["se"].isnull(), np.isinf(d["prediction"])
            kind = d["kind"].where(d["prediction"].notnull(), "none")
            reasons = {
                "every test needs at least 2 seeds": single & kind.isin(["exact", "limit"]),
                "asymptotic predictions need samples at several n": ~single & (kind == "limit"),
                "a mean that is not tested by its standard error needs 200 seeds": (kind == "tail") & ~infinite,
                "an infinite mean cannot be tested": (kind == "tail") & infinite,
                "theory does not cover some points": d["kind"] == "none",
            }
            found += [words for words, applies in reasons.items() if bool(applies.any())]
        return list(dict.fromkeys(found))

    @staticmethod
    def _blunt(points: xr.Dataset) -> bool:
        return bool(points["resolution"].median() > 0.1)
