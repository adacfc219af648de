"""From a log of events to recommendations."""

from drawing import Drawing

# Title and lines of each box, left to right in rows of two.
STEPS = (
    ("Log of events", "users, items, times,", "behaviour, ratings"),
    ("Split", "training, validation,", "test; a leak report"),
    ("Histories", "padded windows (B, T)", "of items and columns"),
    ("Model", "SASRec, two towers,", "baselines; one fit"),
    ("Evaluation", "all items are ranked;", "paired tests"),
    ("Recommendations", "lists of raw item ids", "after any history"),
)
WIDTH, HEIGHT, GAP, MARGIN = 173, 76, 18, 8


def pipeline() -> Drawing:
    """Draw the six steps of the library, each with what it holds."""
    drawing = Drawing(
        "pipeline",
        "From a log of events to recommendations",
        "Six boxes in the order in which data pass: log of events, split, histories, model, "
        "evaluation, recommendations.",
        2 * MARGIN + 3 * HEIGHT + 2 * GAP,
    )
    corners = [
        (MARGIN + column * (WIDTH + GAP), MARGIN + row * (HEIGHT + GAP))
        for row in range(3)
        for column in range(2)
    ]
    for (x, y), (title, *lines) in zip(corners, STEPS, strict=True):
        drawing.box(x, y, WIDTH, HEIGHT, *lines, title=title)
    for (x, y), (to_x, to_y) in zip(corners, corners[1:], strict=False):
        if to_y == y:
            drawing.path((x + WIDTH, y + HEIGHT / 2), (to_x, to_y + HEIGHT / 2))
        else:  # From the end of a row to the start of the one below.
            start, turn, end = x + WIDTH / 2, y + HEIGHT + GAP / 2, to_x + WIDTH / 2
            drawing.path((start, y + HEIGHT), (start, turn), (end, turn), (end, to_y))
    return drawing
