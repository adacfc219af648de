"""How lists are made and what they do to later data."""

from drawing import Drawing


def retrieve_then_rank() -> Drawing:
    """Draw the two stages of a service between catalogue and list."""
    drawing = Drawing(
        "stages",
        "Retrieve, then rank",
        "From top to bottom the boxes become narrower: a catalogue of a million items, retrieval "
        "by a fast model which leaves a hundred candidates, rules which remove what must not be "
        "shown, ranking by a slow model that reads more, and a list of ten items.",
        424,
    )
    stages = (
        (364, "Catalogue", "a million items", "paper"),
        (320, "Retrieve", "fast: dot products with an index", "dark"),
        (276, "Candidates", "a hundred items", "paper"),
        (240, "Filter", "seen, sold out, forbidden", "light"),
        (216, "Rank", "slow: reads more inputs", "dark"),
        (150, "List", "ten items", "paper"),
    )
    for row, (width, title, line, fill) in enumerate(stages):
        y = 8 + 70 * row
        drawing.box(190 - width / 2, y, width, 50, line, title=title, fill=fill)
        if row + 1 < len(stages):
            drawing.path((190, y + 50), (190, y + 70))
    return drawing


def feedback_loop() -> Drawing:
    """Draw how lists become the data of the next training."""
    drawing = Drawing(
        "loop",
        "The feedback loop of a recommender",
        "A circle of four boxes: the model makes lists, people see lists and click, clicks are "
        "written to the log, and the log trains the next model. In the middle: what is not "
        "shown cannot be clicked, so that popular items become more popular.",
        350,
    )
    boxes = {
        "List": (106, 8, "what is shown"),
        "Click": (230, 136, "what is chosen"),
        "Log": (106, 264, "what is recorded"),
        "Model": (8, 136, "what is learned"),
    }
    widths = {"List": 168, "Log": 168, "Click": 142, "Model": 142}
    for title, (x, y, line) in boxes.items():
        drawing.box(x, y, widths[title], 58, line, title=title, fill="light")
    drawing.path((274, 37), (301, 37), (301, 136))
    drawing.path((301, 194), (301, 293), (274, 293))
    drawing.path((106, 293), (79, 293), (79, 194))
    drawing.path((79, 136), (79, 37), (106, 37))
    drawing.lines(190, 96, ("What is not shown", "cannot be clicked:"), "middle")
    drawing.lines(190, 222, ("popular items become", "more popular."), "middle")
    drawing.text(190, 342, "Random places in lists let the log see other items.")
    return drawing
