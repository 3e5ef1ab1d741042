#!/usr/bin/env python3
"""Keeps what was measured in docs/measurements.json and draws the plots of docs/performance.md from it.

    Benchmarks/run.sh --only hot refused > /tmp/hot.json && Benchmarks/plot.py /tmp/hot.json
"""
import json, sys
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).resolve().parent.parent / "docs"
KEPT = DOCS / "measurements.json"

# A plot: its title, and bars as (what, path of the figure in the measurements, path of its goal or a number; more is better where `more`).
PLOTS = {
    "ratios": ("Requests a second and bytes a second ÷ those of the limit, in the same run (longer is better)", True, [
        ("row by key ÷ pgbench", "row_by_key.ratio_to_pgbench", "row_by_key.goal"),
        ("page of 100 ÷ pgbench", "page_100x12.ratio_to_pgbench", "page_100x12.goal"),
        ("aggregate of 2,000,000 rows ÷ pgbench", "aggregate.ratio_to_pgbench", "aggregate.goal"),
        ("live CSV ÷ psql \\copy", "csv_live.ratio_to_psql_copy", "csv_live.goal"),
        ("CSV of 10,000,000 rows ÷ psql \\copy", "large.csv.ratio_to_psql_copy", None),
        ("CSV file ÷ nginx", "csv_file.ratio_to_nginx", "csv_file.goal"),
        ("push to release ÷ COPY and INSERT", "push.ratio_to_copy_and_insert", "push.goal"),
        ("kept answer ÷ nginx", "hot_answer.ratio_to_nginx", "hot_answer.goal"),
        ("its 304 ÷ nginx", "hot_304.ratio_to_nginx", "hot_304.goal"),
        ("429 ÷ nginx limit_req", "refused.ratio_to_nginx", "refused.goal"),
        ("fast clients beside 64 slow ones ÷ alone", "beside_slow_clients.ratio", "beside_slow_clients.goal"),
    ]),
    "peers": ("Times as many requests a second as others, with the same rows on the same machine", True, [
        ("row by key ÷ FastAPI", "row_by_key.ratio_to_fastapi", "row_by_key.goal_to_fastapi"),
        ("row by key ÷ Datasette", "row_by_key.ratio_to_datasette", None),
        ("page of 100 ÷ FastAPI", "page_100x12.ratio_to_fastapi", "page_100x12.goal_to_fastapi"),
        ("page of 100 ÷ Datasette", "page_100x12.ratio_to_datasette", None),
        ("aggregate ÷ Datasette", "aggregate.ratio_to_datasette", None),
    ]),
    "first-byte": ("Milliseconds to the first byte of a stream over 10,000,000 rows (shorter is better)", False, [
        ("rows.csv, all rows", "large.first_byte_ms.csv", "large.goal_first_byte_ms"),
        ("rows.ndjson, all rows", "large.first_byte_ms.ndjson", "large.goal_first_byte_ms"),
        ("rows.csv of one city (an index)", "large.first_byte_ms.csv_of_one_city", "large.goal_first_byte_ms"),
        ("rows.csv, three fields, by city and time (an index)", "large.first_byte_ms.csv_by_city", "large.goal_first_byte_ms"),
        ("rows.csv behind a key", "large.first_byte_ms.csv_after_a_key", "large.goal_first_byte_ms"),
        ("rows.ndjson by a condition without an index", "large.first_byte_ms.ndjson_of_a_condition_without_index", "large.goal_first_byte_ms"),
        ("rows.csv in an order without an index (header)", "large.first_byte_ms.csv_in_an_order_without_index", "large.goal_first_byte_ms"),
    ]),
}


def find(measured, path):
    if not isinstance(path, str):
        return path
    for name in path.split("."):
        measured = measured.get(name) if isinstance(measured, dict) else None
    return measured


def draw(title, more, bars, measured):
    known = [(label, value, find(measured, goal)) for label, path, goal in bars if (value := find(measured, path)) is not None]
    if not known:
        return None
    left, width, step = 330, 360, 24
    scale = width / max(max(value, goal or 0) for _, value, goal in known)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} {48 + step * len(known)}" font-family="sans-serif" font-size="12">',
        '<style>text{fill:#444}.met{fill:#2b7a4b}.missed{fill:#b5482f}.goal{stroke:#888;stroke-dasharray:3 2}@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>',
        f'<text x="8" y="18" font-size="13">{escape(title)}</text>',
    ]
    for index, (label, value, goal) in enumerate(known):
        y = 34 + index * step
        met = goal is None or (value >= goal if more else value <= goal)
        lines.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        lines.append(f'<rect class="{"met" if met else "missed"}" x="{left}" y="{y}" width="{max(1, value * scale):.1f}" height="16"/>')
        if goal:
            lines.append(f'<line class="goal" x1="{left + goal * scale:.1f}" x2="{left + goal * scale:.1f}" y1="{y - 3}" y2="{y + 19}"/>')
        lines.append(f'<text x="{left + max(value, goal or 0) * scale + 6:.1f}" y="{y + 12}">{value:.3g}{f" (goal {goal:g})" if goal else ""}</text>')
    return "\n".join(lines + ["</svg>", ""])


def main():
    measured = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for file in sys.argv[1:]:
        measured |= json.loads(Path(file).read_text())
    for found in measured.values():
        # plans are for whoever measures
        found.pop("plan", None)
    if measured:
        KEPT.write_text(json.dumps(measured, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    (DOCS / "plots").mkdir(exist_ok=True)
    for name, (title, more, bars) in PLOTS.items():
        if picture := draw(title, more, bars, measured):
            (DOCS / "plots" / f"{name}.svg").write_text(picture)


main()
