"""What models are made of: the Transformer block, two towers."""

from drawing import TITLE, Drawing


def block() -> Drawing:
    """Draw one block of SASRec, in the order of its published code."""
    drawing = Drawing(
        "block",
        "One Transformer block of SASRec",
        "From the bottom up: the input states are normed and become the queries of a masked "
        "self-attention, whose keys and values come from the input itself. Its output is added "
        "to the normed states, a residual connection. The sum is normed, passes through a "
        "feed-forward network, and the output of that is added to the normed sum.",
        470,
    )
    middle, left, width = 170, 70, 200

    def layer(y: float, *lines: str, fill: str = "light") -> None:
        drawing.box(left, y, width, 26 + 18 * (len(lines) - 1), *lines, fill=fill)

    def add(y: float) -> None:
        drawing.dot(middle, y, 11, "paper")
        drawing.text(middle, y + 6, "+", TITLE + 2, bold=True)

    layer(436, "input states (B, T, D)", fill="paper")
    drawing.path((middle, 436), (middle, 402))
    layer(376, "layer normalisation")
    drawing.path((middle, 376), (middle, 326))
    drawing.text(middle + 6, 345, "queries", anchor="start")
    layer(282, "self-attention with masks", "then dropout", fill="dark")
    drawing.path((middle, 282), (middle, 243))
    add(232)
    drawing.path((middle, 221), (middle, 190))
    layer(164, "layer normalisation")
    drawing.path((middle, 164), (middle, 130))
    layer(86, "feed-forward network", "then dropout", fill="dark")
    drawing.path((middle, 86), (middle, 67))
    add(56)
    drawing.path((middle, 45), (middle, 34))
    layer(8, "output states (B, T, D)", fill="paper")
    # The residual connections leave after a norm and pass beside the layers.
    for start, end in ((356, 232), (148, 56)):
        drawing.path((middle, start), (40, start), (40, end), (middle - 11, end))
    drawing.path((middle, 418), (320, 418), (320, 304), (left + width, 304))
    drawing.text(316, 292, "keys, values", anchor="middle")
    for y in (226, 50):
        drawing.text(96, y, "residual")
    return drawing


def two_towers() -> Drawing:
    """Draw the two towers, which meet in a dot product only."""
    drawing = Drawing(
        "towers",
        "Two towers meet in a dot product",
        "On the left a user, given by an id, ratings or a history, passes through the query "
        "tower and becomes a vector q. On the right an item passes through the candidate tower "
        "and becomes a vector c. The dot product of q and c is the score. In training it is "
        "compared with those of the other items of the batch; in service an index of all item "
        "vectors finds the largest.",
        384,
    )
    for x, name, inputs, vector in (
        (8, "Query tower", ("user id, ratings", "or history"), "vector q (D)"),
        (204, "Candidate tower", ("item id, raters", "or features"), "vector c (D)"),
    ):
        drawing.box(x, 8, 168, 50, *inputs, fill="paper")
        drawing.path((x + 84, 58), (x + 84, 84))
        drawing.box(x, 84, 168, 58, "embedding and layers", title=name, fill="dark")
        drawing.path((x + 84, 142), (x + 84, 166))
        drawing.box(x + 20, 166, 128, 30, vector)
        drawing.path((x + 84, 196), (x + 84, 222))
    drawing.box(62, 222, 256, 34, "score = dot product of q and c", fill="paper")
    drawing.path((130, 256), (92, 290))
    drawing.path((250, 256), (288, 290))
    drawing.box(
        8,
        290,
        168,
        84,
        "softmax over the items",
        "of the batch, with",
        "the logQ correction",
        title="Training",
    )
    drawing.box(
        204,
        290,
        168,
        84,
        "an index of all item",
        "vectors finds the",
        "highest scores",
        title="Service",
    )
    return drawing
