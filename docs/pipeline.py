"""Draw the picture of the README.

python docs/pipeline.py    writes docs/static/pipeline.svg
"""

from pathlib import Path

PICTURE = Path(__file__).resolve().parent / "static" / "pipeline.svg"
# Title and lines of each box, left to right in rows of three.
STEPS = (
    ("Log of events", "users, items, times,", "behaviour, ratings"),
    ("Split", "training, validation,", "test; a leak report"),
    ("Histories", "padded windows (B, T)", "of items and columns"),
    ("Model", "SASRec, two towers,", "baselines; one fit"),
    ("Evaluation", "all items are ranked;", "intervals, paired tests"),
    ("Recommendations", "lists of raw item ids", "after any history"),
)
WIDTH, HEIGHT, GAP, MARGIN, COLUMNS = 180, 84, 28, 8, 3
STYLE = (
    "rect{fill:#f4f7fb;stroke:#2b5c8a}text{font-family:sans-serif;font-size:15px;fill:#222;"
    "text-anchor:middle}.title{font-size:17px;font-weight:bold;fill:#2b5c8a}"
    "path{stroke:#2b5c8a;stroke-width:2;fill:none;marker-end:url(#arrow)}.page{fill:white;stroke:none}"
    "path.head{fill:#2b5c8a;stroke:none;marker-end:none}"
)
ARROW = (
    '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
    'orient="auto"><path d="M0 0 8 4 0 8z" class="head"/></marker>'
)


def corner(number: int) -> tuple[int, int]:
    """Left upper corner of a box, in pixels."""
    row, column = divmod(number, COLUMNS)
    return MARGIN + column * (WIDTH + GAP), MARGIN + row * (HEIGHT + GAP)


def box(number: int, title: str, *lines: str) -> str:
    """A step with its title and what it holds."""
    left, top = corner(number)
    texts = [(title, "title", 26), (lines[0], "line", 50), (lines[1], "line", 69)]
    return f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>' + "".join(
        f'<text class="{kind}" x="{left + WIDTH // 2}" y="{top + y}">{text}</text>'
        for text, kind, y in texts
    )


def arrow(number: int) -> str:
    """From a box to the next; from the end of a row round to the start of the one below."""
    left, top = corner(number)
    middle = top + HEIGHT // 2
    if (number + 1) % COLUMNS:
        return f'<path d="M{left + WIDTH} {middle} h{GAP}"/>'
    start, below = corner(number + 1)
    return (
        f'<path d="M{left + WIDTH // 2} {top + HEIGHT} v{GAP // 2} H{start + WIDTH // 2} '
        f'V{below}"/>'
    )


def pipeline() -> str:
    """The picture as SVG."""
    right, bottom = (edge + MARGIN for edge in corner(len(STEPS) - 1))
    width, height = right + WIDTH, bottom + HEIGHT
    parts = [box(number, *step) for number, step in enumerate(STEPS)]
    parts += [arrow(number) for number in range(len(STEPS) - 1)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">'
        f"<title>From a log of events to recommendations</title><style>{STYLE}</style>{ARROW}"
        f'<rect class="page" width="{width}" height="{height}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(pipeline(), encoding="utf-8")
