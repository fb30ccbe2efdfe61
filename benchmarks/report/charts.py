"""The charts of the report: SVG on a white ground, so that a dark page shows them as well."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pygal
from pygal.style import Style

from benchmarks.report.driver import DRIVER
from benchmarks.report.figures import Figures
from benchmarks.report.operations import FILTER, FOUR, SEARCH
from benchmarks.report.redmine import REDMINE
from benchmarks.report.servers import BARE, NAIVE, PASTIS, PASTIS_TWO, PLAIN

# Told apart by those who do not see all colours, too (Okabe and Ito).
COLOURS = ("#0072B2", "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#555555")
STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    foreground="#222222",
    foreground_strong="#000000",
    foreground_subtle="#777777",
    colors=COLOURS,
    font_family="sans-serif",
    opacity=".95",
    label_font_size=14,
    major_label_font_size=14,
    legend_font_size=14,
    title_font_size=18,
    guide_stroke_color="#cccccc",
    major_guide_stroke_color="#cccccc",
)
_SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)
LATENCY = ((PASTIS, "p50_ms"), (PASTIS, "p99_ms"), (NAIVE, "p50_ms"), (NAIVE, "p99_ms"))
PEER = ((REDMINE, "p50_ms"), (REDMINE, "p99_ms"))
Series = tuple[str, Sequence[float | None]]


def write(figures: Figures, tasks: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    has_peer = bool(figures.of(REDMINE, FOUR[0], tasks))
    peer = (REDMINE,) if has_peer else ()
    throughput = [
        (what, [figures.median("rate", what, one, tasks) for one in FOUR])
        for what in (PASTIS, PASTIS_TWO, DRIVER, PLAIN, NAIVE, *peer, BARE)
    ]
    latency = [
        (f"{what}, {number[:3]}", [figures.median(number, what, one, tasks) for one in FOUR])
        for what, number in (*LATENCY, *(PEER if has_peer else ()))
    ]
    sizes = figures.sizes()
    growth = [
        (one, [figures.median("p50_ms", PASTIS, one, size) for size in sizes])
        for one in (*FOUR, SEARCH, FILTER)
    ]
    at = f"16 connections, {tasks:,} tasks"
    bars, lines = pygal.Bar, pygal.Line
    _draw(folder / "throughput.svg", bars, f"Requests a second, {at}", "requests/s", FOUR, throughput)
    _draw(folder / "latency.svg", bars, f"Time until the answer, {at}", "ms", FOUR, latency)
    labels = [f"{size:,} tasks" for size in sizes]
    _draw(folder / "growth.svg", lines, "Median time, 16 connections", "ms", labels, growth)


def _draw(
    path: Path, kind: Any, title: str, unit: str, labels: Sequence[str], series: Sequence[Series]
) -> None:
    steps = _steps([value for _, values in series for value in values if value])
    chart = kind(
        style=STYLE,
        title=title,
        y_title=f"{unit} (logarithmic)",
        y_labels=steps,
        logarithmic=True,
        range=(steps[0], steps[-1]),
        zero=steps[0],
        width=960,
        height=460,
        margin_right=70,
        legend_at_bottom=True,
        legend_at_bottom_columns=4,
        js=(),  # it would be fetched from elsewhere
        no_prefix=True,  # the same figures give the same file
        disable_xml_declaration=True,
        truncate_legend=-1,
        value_formatter=lambda value: f"{value:,.0f}" if value >= 10 else f"{value:.2g}",
    )
    chart.x_labels = labels
    for name, values in series:
        chart.add(name, values)
    path.write_text(f"{_SCRIPT.sub('', chart.render(is_unicode=True))}\n")


def _steps(values: Sequence[float]) -> list[float]:
    """1, 3, 10, 30 and so on, from below the smallest value to above the largest."""
    powers = [10.0**power for power in range(-3, 7)]
    steps = [step * power for power in powers for step in (1, 3)]
    first = max(step for step in steps if step < min(values))
    last = min(step for step in steps if step >= max(values))
    return steps[steps.index(first) : steps.index(last) + 1]
