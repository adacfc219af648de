"""How events become questions: splits in time, shifted targets, masks."""

from drawing import BLUE, SMALL, TITLE, Drawing

# The users, and the times of their events, of notebook 03.
TIMES = {"1": (1, 2, 3, 4), "2": (3, 5, 6, 9), "3": (7, 8, 10, 11)}
ROW = 32
ITEMS = ("tent", "boots", "stove", "lamp")
SIZE = 20  # Width of a cell of a mask.


def split_timelines() -> Drawing:
    """Draw the same events under leave-one-out and under two moments for all."""
    drawing = Drawing(
        "split",
        "Two ways to split a log: per user, and by time",
        "Three users with four events each on a common time axis. Leave-one-out takes each "
        "user's last event as the test and the one before as validation, so that training "
        "events of user 3 lie after the test event of user 1. A temporal cutoff puts two "
        "moments through all users: before the first is training; after each, the next event "
        "of a user who was known by then is asked for.",
        398,
    )
    drawing.text(8, 22, "Leave-one-out: the end of each user", TITLE, "start", True)
    _events(drawing, 48, {"1": "..VT", "2": "..VT", "3": "..VT"})
    drawing.text(8, 176, "Temporal cutoff: two moments for all", TITLE, "start", True)
    for time, words in ((6.5, "validation"), (9.5, "test")):
        drawing.path((_at(time), 208), (_at(time), 208 + 3 * ROW), head=False, dashed=True)
        drawing.text(_at(time), 202, words, SMALL)
    _events(drawing, 224, {"1": "....", "2": "...V", "3": "ooTo"})
    for column, (mark, words) in enumerate(
        ((".", "training"), ("V", "validation"), ("T", "test"), ("o", "not asked"))
    ):
        x = (16, 112, 222, 286)[column]
        _mark(drawing, x, 346, mark)
        drawing.text(x + 14, 350, words, SMALL, "start")
    drawing.text(8, 378, "User 3 is unknown at the first moment; of several", SMALL, "start")
    drawing.text(8, 393, "later events only the next one is asked for.", SMALL, "start")
    return drawing


def _at(time: float) -> float:
    """Return where a moment lies on the time axis."""
    return 62 + 28 * (time - 1)


def _events(drawing: Drawing, top: float, marks: dict[str, str]) -> None:
    """Draw a row per user with one mark per event, and the axis of time below."""
    for row, (user, times) in enumerate(TIMES.items()):
        y = top + ROW * row
        drawing.text(8, y + 4, f"user {user}", SMALL, "start")
        drawing.path((_at(times[0]), y), (_at(times[-1]), y), head=False)
        for time, mark in zip(times, marks[user], strict=True):
            _mark(drawing, _at(time), y, mark)
    bottom = top + ROW * len(TIMES) - 8
    drawing.path((_at(1), bottom), (_at(11.5), bottom))
    drawing.text(_at(11.5), bottom + 14, "time", SMALL, "end")


def _mark(drawing: Drawing, x: float, y: float, mark: str) -> None:
    """Draw an event: a dot in training, a letter in a square where it is asked for."""
    if mark in ".o":
        drawing.dot(x, y, 6, "dark" if mark == "." else "paper")
        return
    fill = "light" if mark == "V" else "dark"
    drawing.area(x - 9, y - 9, 18, 18, fill, 2)
    drawing.text(x, y + 4.5, mark, SMALL, bold=True, colour="#ffffff" if mark == "T" else BLUE)


def shift_by_one() -> Drawing:
    """Draw a history as inputs, and below them the targets: the same items one place on."""
    drawing = Drawing(
        "shift",
        "Targets are the inputs shifted by one",
        "The history is tent, boots, stove, lamp. The inputs are padding, tent, boots, stove; "
        "the targets below them are nothing, boots, stove, lamp. The model reads all inputs up "
        "to a position and is asked for the item that came next.",
        262,
    )
    columns = [70 + 78 * column for column in range(4)]
    shown = (("input", 16, ("padding", *ITEMS[:3])), ("target", 186, ("nothing", *ITEMS[1:])))
    for name, top, items in shown:
        drawing.text(6, top + 24, name, anchor="start", bold=True)
        for x, item in zip(columns, items, strict=True):
            real = item not in ("padding", "nothing")
            fill = ("dark" if name == "target" else "light") if real else "paper"
            drawing.box(x, top, 70, 38, item, fill=fill)
    drawing.area(columns[0], 88, 304, 62)
    drawing.text(columns[0] + 152, 114, "model", TITLE, bold=True)
    drawing.text(columns[0] + 152, 135, "position t reads the inputs 1 to t")
    for x in columns:
        drawing.path((x + 35, 54), (x + 35, 88))
    for x in columns[1:]:
        drawing.path((x + 35, 150), (x + 35, 186))
    drawing.text(8, 250, "Where the input is padding, nothing is asked.", anchor="start")
    return drawing


def masks() -> Drawing:
    """Draw the causal mask, the padding mask, and what both together leave."""
    drawing = Drawing(
        "masks",
        "Causal mask, padding mask, and both together",
        "Three grids of five rows and five columns; a row looks at a column where the cell is "
        "dark. The causal mask is dark on and below the diagonal. The padding mask is dark in "
        "the last three columns, because the first two positions are padding. Together they "
        "leave a triangle of three real positions; a padding position looks at itself only, so "
        "that its row is not empty.",
        236,
    )
    padding = 2
    grids = (
        ("causal mask", lambda row, column: column <= row),
        ("padding mask", lambda row, column: column >= padding),
        ("both", lambda row, column: column == row or padding <= column <= row),
    )
    for place, (name, visible) in enumerate(grids):
        left = 22 + 122 * place
        drawing.text(left + 50, 40, name, bold=True)
        for row in range(5):
            for column in range(5):
                fill = "dark" if visible(row, column) else "paper"
                drawing.area(left + SIZE * column, 74 + SIZE * row, SIZE, SIZE, fill, 0)
        for column, item in enumerate("00123"):
            drawing.text(left + SIZE * column + 10, 66, item, SMALL)
            drawing.text(left - 9, 74 + SIZE * column + 14.5, item, SMALL)
    drawing.text(8, 18, "Columns are looked at, rows look; 0 is padding.", anchor="start")
    drawing.area(8, 194, SIZE, SIZE, "dark", 0)
    drawing.text(36, 208, "may look", anchor="start")
    drawing.area(116, 194, SIZE, SIZE, "paper", 0)
    drawing.text(144, 208, "hidden: weight 0 after the softmax", anchor="start")
    return drawing
