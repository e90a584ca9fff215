"""Draws what `attention.py` found: AP against images and against time, by size of the object, and costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {"deformable": "#0072b2", "dense": "#d55e00", "dense, scores stored": "#999999"}  # Okabe and Ito
GIB = 2**30


def draw(result: dict[str, Any], path: Path) -> None:
    """Write an SVG: three charts of learning above, three of cost below, if both were measured."""
    rows = [bool(result["variants"]), bool(result["costs"])]
    figure = Figure(figsize=(13, 4 * sum(rows)), layout="constrained")
    charts = figure.subplots(sum(rows), 3, squeeze=False)
    if rows[0]:
        _learning(result, charts[0])
    if rows[1]:
        _costs(result["costs"], charts[-1])
    for chart in charts.flat:
        chart.grid(alpha=0.3)
        chart.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"{result['device']}, PyTorch {result['torch']}, {result['precision']}, batch {result['batch']}, "
        f"sampler {'compiled' if result['compiled'] else 'in plain PyTorch'}",
        fontsize=9,
    )
    with matplotlib.rc_context({"svg.hashsalt": "vidtrack"}):  # the same file from the same figures
        figure.savefig(path, metadata={"Date": None})


def _learning(result: dict[str, Any], charts: Sequence[Axes]) -> None:
    for name, variant in result["variants"].items():
        lines = variant["curve"]
        for chart, across in ((charts[0], "images"), (charts[1], "seconds")):
            chart.plot(
                [line[across] for line in lines],
                [line["mean"]["ap50"] for line in lines],
                marker="o",
                markersize=3,
                color=COLOURS[name],
                label=name,
            )
    charts[0].set(xlabel="training images", ylabel="AP50", title="by images seen")
    charts[1].set(xlabel="training seconds", ylabel="AP50", title="by training time")
    charts[0].legend(frameon=False)
    sizes = ("small", "medium", "large")
    width = 0.8 / len(result["variants"])
    for index, (name, variant) in enumerate(result["variants"].items()):
        values = [variant["curve"][-1]["mean"][f"ap_{size}"] for size in sizes]
        places = np.arange(len(sizes)) + (index - (len(result["variants"]) - 1) / 2) * width
        bars = charts[2].bar(places, np.nan_to_num(values), width, color=COLOURS[name], label=name)
        charts[2].bar_label(bars, [f"{value:.3f}" for value in values], fontsize=8)
    charts[2].set_xticks(range(len(sizes)), [f"{size} objects" for size in sizes])
    charts[2].set(ylabel="AP (IoU .50:.95)", title="by size of the object, at the end")


def _costs(rows: Sequence[dict[str, Any]], charts: Sequence[Axes]) -> None:
    names = list(dict.fromkeys(row["variant"] for row in rows))
    panels = (
        ("attention_seconds", 1e-3, "ms", "one encoder self-attention"),
        ("network_seconds", 1e-3, "ms", "whole network"),
        ("network_bytes", GIB, "GiB", "peak memory, whole network"),
    )
    for chart, (key, unit, label, title) in zip(charts, panels, strict=True):
        for name in names:
            points = [(row["pixels"], row[key] / unit) for row in rows if row["variant"] == name and row[key]]
            if not points:
                continue
            pixels, values = np.array(points).T
            slope = np.polyfit(np.log(pixels[-3:]), np.log(values[-3:]), 1)[0] if len(points) > 2 else np.nan
            chart.plot(
                pixels / 1e6,
                values,
                marker="o",
                markersize=3,
                color=COLOURS[name],
                label=f"{name} (~ pixels$^{{{slope:.1f}}}$)",
            )
        chart.set(xscale="log", yscale="log", xlabel="megapixels", ylabel=label, title=f"forward and backward, {title}")
        chart.legend(frameon=False, fontsize=8)
