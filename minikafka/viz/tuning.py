"""Whether a setting that was found in the simulator holds outside: a chart of a stored benchmark.

  requests a second             │limit
             ○╌■ 4 ms           │            ○ predicted   ■ measured    ◉ chosen
                    ○╌■ 5 ms ◉  │
                              ○╌┼■ 7 ms      down is better, right of the line is forbidden
        └──────── median, ms ───┴────

minikafka bench tuning --json build/tuning.json
python -m minikafka.viz.tuning build/tuning.json      figures/tuning.json, cut to what is drawn
make figures                                          figures/tuning.svg and its dark twin
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from minikafka.bench.tuning import DEFAULTS, GOALS, MEASURES
from minikafka.viz.charts import LogScale, store
from minikafka.viz.shapes import Picture
from minikafka.viz.trade import NAMES, measured_mark, predicted_mark

NAME = "tuning"
TOP, ROW, HEAD, FOOT = 74, 236, 62, 40
LEFT, RIGHT = 44, 18
KINDS = "predicted", "measured"


def cut(results: dict[str, Any]) -> dict[str, Any]:
    """What the chart needs of the results of `bench tuning`, in their own form."""

    def figures(given: dict[str, float]) -> dict[str, float]:
        return {measure: float(f"{given[measure]:.4g}") for measure in MEASURES}

    brokers = {
        name: [
            goal
            | {
                "rows": [
                    {name: row[name] for name in ("batch_size", "linger_ms")}
                    | {kind: figures(row[kind]) for kind in KINDS}
                    for row in goal["rows"]
                ]
            }
            for goal in goals
        ]
        for name, goals in results["brokers"].items()
    }
    machine = {"cpus": results["machine"]["cpus"]}
    return {"plan": results["plan"], "machine": machine, "brokers": brokers}


def chart(table: dict[str, Any], width: float) -> Picture:
    """The table as a picture: a row of plots for each broker, a plot for each goal."""
    brokers = table["brokers"]
    picture = Picture(width, TOP + ROW * len(brokers), in_words(table))
    picture.text(0, 15, "Does what is tuned in the simulator hold outside?", size=17, bold=1)
    rounds, cpus = table["plan"]["rounds"], table["machine"]["cpus"]
    setting = (
        "the best batch.size and linger.ms that the simulator finds, its neighbours, and Kafka’s"
    )
    picture.text(0, 36, f"{setting} defaults; {cpus} CPUs", "ink-2")
    measured_mark(picture, 6, 54)
    picture.text(18, 58, f"measured, median of {rounds} rounds", "ink-2")
    predicted_mark(picture, 232, 54)
    picture.text(244, 58, "predicted", "ink-2")
    _chosen_mark(picture, 338, 54)
    picture.text(354, 58, "chosen in the simulator", "ink-2")
    picture.line(530, 46, 530, 62, stroke="lost", stroke_width=2)
    picture.text(538, 58, "the limit", "ink-2")
    wide = width / len(GOALS)
    for row, (name, goals) in enumerate(brokers.items()):
        top = TOP + row * ROW
        picture.text(0, top + 14, NAMES[name], size=14, bold=1)
        for column, told in enumerate(goals):
            every = [other[column] for other in brokers.values()]
            _plot(picture, told, every, column, (column * wide, top, wide))
    return picture


def _plot(
    picture: Picture,
    told: dict[str, Any],
    every: list[dict[str, Any]],
    column: int,
    place: tuple[float, float, float],
) -> None:
    """One goal at one broker: what is limited to the right, what is wished for upwards."""
    goal, (left, top, wide) = GOALS[column], place
    first, last, bottom = left + LEFT, left + wide - RIGHT, top + ROW - FOOT
    across = _scale(every, goal.limited, first, last)
    up = _scale(every, goal.wish, bottom, top + HEAD)
    head, tail = told["goal"].split(", ", 1)
    picture.text(first - 8, top + 32, head, size=12)
    picture.text(first - 8, top + 47, tail, "ink-2")
    picture.text(last, top + 32, "held" if told["held"] else "did not hold", text_anchor="end")
    for tick in up.ticks():
        picture.line(first, up.x(tick), last, up.x(tick), stroke="line")
        picture.text(first - 6, up.x(tick) + 4, f"{tick:g}", "ink-3", 11, text_anchor="end")
    for tick in across.ticks():
        picture.text(across.x(tick), bottom + 15, f"{tick:g}", "ink-3", 11, text_anchor="middle")
    names = f"{MEASURES[goal.limited]} →   ↑ {MEASURES[goal.wish]}"
    picture.text((first + last) / 2, bottom + 31, names, "ink-3", 11, text_anchor="middle")
    x = across.x(goal.limit)
    picture.line(x, top + HEAD - 6, x, bottom, stroke="lost", stroke_width=2)
    for i, row in enumerate(told["rows"]):
        before, after = (
            (across.x(row[kind][goal.limited]), up.x(row[kind][goal.wish])) for kind in KINDS
        )
        picture.line(*before, *after, stroke="edge")
        predicted_mark(picture, *before)
        measured_mark(picture, *after)
        if i == 0:
            _chosen_mark(picture, *after)
        if (row["batch_size"], row["linger_ms"]) == DEFAULTS:
            away = -12 if before[1] > after[1] else 21  # from the ring
            picture.text(after[0], after[1] + away, "defaults", "ink-2", 11, text_anchor="middle")
        else:
            picture.text(after[0] + 11, after[1] + 4, f"{row['linger_ms']} ms", "ink-2", 11)


def _chosen_mark(picture: Picture, x: float, y: float) -> None:
    picture.rect(x - 8, y - 8, 16, 16, fill="none", stroke="ink", stroke_width=1.5)


def _scale(every: list[dict[str, Any]], measure: str, left: float, right: float) -> LogScale:
    """Room for what all brokers did, so that their plots can be compared."""
    values = [row[k][measure] for told in every for row in told["rows"] for k in KINDS]
    return LogScale(min(values) / 1.2, max(values) * 1.35, left, right)


def in_words(table: dict[str, Any]) -> str:
    """The picture for who cannot see it."""
    said = []
    for name, goals in table["brokers"].items():
        for told in goals:
            chosen = told["rows"][0]
            setting = f"batch.size {chosen['batch_size']}, linger.ms {chosen['linger_ms']}"
            held = "held" if told["held"] else "did not hold"
            said.append(f"{NAMES[name]}: {told['goal']}: {setting} {held}")
    return "; ".join(said)


if __name__ == "__main__":
    print(store(NAME, cut(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
