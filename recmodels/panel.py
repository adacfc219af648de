"""An interactive widget: edit a history and see the recommendations."""

import base64
import html
import io
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from recmodels import plots
from recmodels.data.text import counted, one_line
from recmodels.explain.words import rename, write_sentence
from recmodels.extras import import_extra
from recmodels.recommend.recommendation import SENTENCE_WIDTH, Recommendation
from recmodels.recommend.recommender import Recommender

widgets = import_extra("ipywidgets", "course")


class Panel:
    """Show a history that can be edited by clicks, with its recommendations, in a notebook.

    A click on an item of the list, or on any other of the catalogue, adds it to the history. Below
    the list is a sentence for each item whose score depends on some events more than on others.
    Where nothing runs, as on a page, the panel is a picture of its state.

    Args:
        recommender: of a model whose scores are logits, such as a `SASRec` trained with softmax.
        history: raw ids to begin with, oldest first.
        k: length of the list.
        column: of the item table, with the names of the items; without the table or the column
            they are called by their ids.

    Example:
        >>> Panel(recommender, history=[1032, 1047])
    """

    def __init__(
        self, recommender: Recommender, history: Sequence = (), k: int = 8, column: str = "title"
    ) -> None:
        self.recommender, self.k = recommender, k
        raw_ids = recommender.vocabulary.raw_ids.tolist()
        named = recommender.items is not None and column in recommender.items
        names = recommender.items[column] if named else raw_ids
        self.names = dict(zip(raw_ids, map(one_line, names), strict=True))
        self.history = list(history)
        self._shown = widgets.HTML()
        # The picture becomes smaller, so that names on the buttons are never cut.
        self._picture = widgets.Image(format="png", layout={"min_width": "0", "max_width": "44em"})
        self._items = [_button("", self._add_item_of_list(place)) for place in range(k)]
        self._any = widgets.Dropdown(options=[(name, raw) for raw, name in self.names.items()])
        actions = [
            _button("add", lambda: self.add(self._any.value)),
            _button("take back", lambda: self.set_history(self.history[:-1])),
            _button("empty", lambda: self.set_history([])),
        ]
        rows = [self._shown, widgets.HBox([self._any, *actions])]
        listed = widgets.VBox(self._items, layout={"flex": "0 0 auto"})
        self._why = widgets.HTML()
        rows += [widgets.HBox([self._picture, listed]), self._why]
        self.widget = widgets.VBox(rows)
        self.set_history(self.history)

    def add(self, item) -> None:
        """Append an item to the history, by its raw id."""
        self.set_history([*self.history, item])

    def set_history(self, history: Sequence) -> None:
        """Replace the history by other raw ids, oldest first, and update the list."""
        self.answer, self.values, self.label = likely(self.recommender, history, self.k)
        self.history = list(history)
        words = " → ".join(self._name(item) for item in self.history) or "(nothing yet)"
        self._shown.value = f"<b>History</b>: {html.escape(words)}"
        listed = [self._name(item) for item in self.answer.items]
        for place, button in enumerate(self._items):
            button.layout.display = None if place < len(listed) else "none"
            button.description = f"+ {listed[place]}" if place < len(listed) else ""
        self._picture.value = self._draw(listed)
        facts = self.recommender.reasons(self.answer.items, self.history)
        # Where no event matters more to the score than others, there is nothing to say.
        why = [write_sentence(rename(one, self._name)) for one in facts if one.cited]
        self._why.value = "<br>".join(html.escape(one_line(w, SENTENCE_WIDTH)) for w in why)

    def _name(self, item) -> str:
        return self.names.get(item, one_line(item))

    def _add_item_of_list(self, place: int) -> Callable[[], None]:
        return lambda: self.add(self.answer.items[place])

    def _draw(self, listed: list[str]) -> bytes:
        figure, file = Figure(figsize=(6.4, 3.6), layout="constrained"), io.BytesIO()
        if listed:
            latest = f"after {self._name(self.history[-1])}" if self.history else "after nothing"
            title = f"{self.answer.source}, {latest}"
            plots.ranked_list(listed, self.values, self.label, title, figure.subplots())
        figure.savefig(file, format="png", dpi=110)
        return file.getvalue()

    def __repr__(self) -> str:
        return f"<Panel: {counted(len(self.history), 'event')}, then {self.answer!r}>"

    def _repr_mimebundle_(self, **kwargs) -> dict[str, str]:
        """What a notebook shows: the widget where one can be clicked, elsewhere the picture."""
        picture = base64.b64encode(self._picture.value).decode()
        alive = self.widget._repr_mimebundle_(**kwargs)
        return {**alive, "image/png": picture, "text/plain": repr(self)}


def likely(
    recommender: Recommender, history: Sequence, k: int
) -> tuple[Recommendation, np.ndarray, str]:
    """The best k items after a history, how likely each is, and what these numbers are called.

    Probabilities are a softmax over everything that may be listed. A fallback's scores need not be
    logits: they are left as they are.

    Returns:
        The list; probabilities or scores, (k,) or fewer; `"probability"` or `"score"`.
    """
    best = recommender.recommend(history, k)
    if best.source != recommender.name or not len(best):
        return best, best.table["score"].to_numpy(float), "score"
    everything = recommender.recommend(history, len(recommender.vocabulary))
    logits = everything.table["score"].to_numpy(float)
    shares = np.exp(logits - logits[0])
    return best, shares[: len(best)] / shares.sum(), "probability"


def _button(words: str, action: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=words, layout={"width": "auto"})
    button.on_click(lambda _: action())
    return button
