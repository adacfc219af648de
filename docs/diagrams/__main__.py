"""Draw all diagrams.

python docs/diagrams    writes notebooks/diagrams/*.svg
"""

from pathlib import Path

from logs import masks, shift_by_one, split_timelines
from models import block, two_towers
from pipeline import pipeline
from systems import feedback_loop, retrieve_then_rank

ROOT = Path(__file__).resolve().parent.parent.parent
# Beside the notebooks, because Jupyter shows no file from outside of the folder it was started in.
FOLDER = ROOT / "notebooks" / "diagrams"
DIAGRAMS = (
    pipeline, split_timelines, shift_by_one, masks,
    block, two_towers, retrieve_then_rank, feedback_loop,
)  # fmt: skip


def main() -> None:
    """Write a file per diagram."""
    for draw in DIAGRAMS:
        drawing = draw()
        (FOLDER / f"{drawing.name}.svg").write_text(drawing.svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
