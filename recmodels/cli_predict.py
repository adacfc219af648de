"""The commands `predict` and `predict-text`: forecast the next event, and parse histories."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from recmodels.cli_common import Json, bundle_in, show, start_backend
from recmodels.data.errors import invalid, require
from recmodels.data.events import from_frame
from recmodels.data.tables import read_table

ROLES = ("user", "item", "timestamp", "action", "duration", "value")
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
HISTORY_HELP = (
    "Oldest first: 'view:A,buy:B' (type:item, the first colon separates), or JSON: "
    '\'[["view", "A"], ["buy", "B"]]\', \'{"item": [...], "action": [...], ...}\'.'
)


def predict(
    folder: Path,
    history: Annotated[str | None, typer.Option(help=HISTORY_HELP)] = None,
    history_file: Annotated[
        Path | None,
        typer.Option(help="A .json file, or a table with the columns item, action, timestamp, ..."),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Known user, instead of a history.")] = None,
    at: Annotated[
        str | None,
        typer.Option(help="Start, UTC seconds or a date; by default the time of the last event."),
    ] = None,
    given: Annotated[
        str | None, typer.Option(help="List the items of the next event if it is of this type.")
    ] = None,
    within: Annotated[
        str | None, typer.Option(help="Add the probability of each type within '7d', '12h', ...")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Length of the table.")] = 10,
    as_json: Json = False,
) -> None:
    """Predict the type, the item and the time of the next event from a bundle.

    Filters and rules of lists do not apply: a forecast says what users will do, not what to show.
    """
    start_backend()
    from recmodels.recommend.recommender import Recommender

    must = "`--history` or `--history-file` must be given, not both"
    require(history is None or history_file is None, must, history=history, file=history_file)
    recommender = Recommender.load(bundle_in(folder))
    labels, items = _labels(recommender.scorer), recommender.vocabulary.raw_ids
    read, text = (parse_history, history) if history_file is None else (read_history, history_file)
    events = None if text is None else read(text, labels, items)
    users = getattr(recommender.histories, "users", items)
    answer = recommender.next_behaviour(
        events,
        k,
        user=None if user is None else _typed(user, users),
        at=None if at is None else (int(at) if at.isdecimal() else at),
        given=labels.get(given, given),
        within=None if within is None else parse_duration(within),
    )
    show(answer.to_dict() if as_json else answer, as_json)


def predict_text(
    folder: Path,
    sentences: Annotated[
        list[str], typer.Argument(help="Oldest first: '浏览 商品A' '购买 商品A', or one sentence.")
    ],
    k: Annotated[int, typer.Option("-k", help="Length of the table.")] = 10,
    as_json: Json = False,
) -> None:
    """Predict the next behaviour after events that are written as sentences.

    The bundle must hold a `NextEvent` of a `SentenceEncoder`, trained on the same language.
    """
    start_backend()
    from recmodels.models.sentence_encoder import SentenceEncoder
    from recmodels.recommend.recommender import Recommender

    recommender = Recommender.load(bundle_in(folder))
    model, items = recommender.scorer, recommender.vocabulary.raw_ids
    encoder = getattr(model, "encoder", None)
    must = "`folder` must hold a bundle whose model reads sentences; use `recmodels predict` else"
    require(isinstance(encoder, SentenceEncoder), must, model=type(model))
    labels, history = _labels(model), []
    for label, item in (event for text in sentences for event in encoder.template.read(text)):
        item = _typed(item, items)
        require(item in items, "`item` must be one of the catalogue", item=item)
        history.append((labels[label], item))
    answer = recommender.next_behaviour(history, k)
    show(answer.to_dict() if as_json else answer, as_json)


def _labels(model) -> dict[str, object]:
    """The types of a model by how they are typed; none for a model without types."""
    from recmodels.models.capabilities import PredictsEvents, can

    return {str(label): label for label in model.types} if can(model, PredictsEvents) else {}


def _typed(text: str, known: np.ndarray):
    """An id as a user typed it, of the type of the known ones; an empty one as it is."""
    from recmodels.recommend.raw_ids import typed_ids  # It imports Keras.

    return (typed_ids([text], known) or [text])[0]


def parse_history(text: str, labels: Mapping[str, object], items: np.ndarray) -> list | dict:
    """A history as it is typed: `view:A,buy:B`, or JSON as `next_behaviour` takes it.

    Args:
        text: as above.
        labels: the types of the model by how they are typed.
        items: raw ids of the catalogue, whose type typed ids get.

    Raises:
        ValueError: it is no JSON, or a part has no colon.
    """
    if text.lstrip()[:1] in ("[", "{"):
        return _from_json(text, "history")
    events = []
    for part in text.split(","):
        label, colon, item = (piece.strip() for piece in part.partition(":"))
        must = (
            "`history` must be written type:item,type:item; give ids or types with commas, and "
            "types with colons, as JSON or in `--history-file`"
        )
        require(label and colon and item, must, event=part, history=text)
        events.append((labels.get(label, label), _typed(item, items)))
    return events


def read_history(path: Path, labels: Mapping[str, object], items: np.ndarray) -> list | dict:
    """A history in a file: JSON, or a table of one user's events with the names of training.

    Times of a table may be written in any way that `read_events` understands; its rows are brought
    into their order.

    Args:
        path: `.json`, or what `read_table` reads.
        labels, items: see `parse_history`.

    Raises:
        ValueError: it is no JSON or no such table, or holds events of several users.
    """
    if path.suffix == ".json":
        return _from_json(path.read_text("utf-8"), "history_file")
    frame = read_table(path).frame
    if "user" not in frame:
        frame = frame.assign(user="0")
    order = None if "timestamp" in frame else "ordered"
    context = [name for name in frame if name not in ROLES]
    log = from_frame(frame, context=context, order=order, verbose=False)
    must = "`history_file` must hold the events of one user"
    require(log.events["user"].nunique() == 1, must, users=log.events["user"].unique()[:5])
    history = {name: log.events[name].tolist() for name in log.events if name != "user"}
    history["item"] = [_typed(str(item), items) for item in history["item"]]
    if "action" in history:
        history["action"] = [labels.get(label, label) for label in history["action"]]
    return history


def parse_duration(text: str) -> float:
    """Seconds of a number with a unit: `90`, `90s`, `30min`, `12h` or `7d`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)?\s*", text)
    must = "`within` must be a number with a unit, such as 90s, 30min, 12h or 7d"
    require(found, must, within=text)
    return float(found[1]) * SECONDS[found[2] or "s"]


def _from_json(text: str, option: str) -> list | dict:
    try:
        history = json.loads(text)
    except (ValueError, RecursionError) as error:
        must = f"`{option}` must be JSON: [[type, item], ...], or lists by the names of columns"
        raise invalid(must, error=error, text=text) from error
    must = f"`{option}` must be a list of pairs or an object of lists"
    require(isinstance(history, list | dict), must, text=text)
    return history
