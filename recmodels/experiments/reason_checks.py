"""What explanations are checked against: exact probabilities, and lists after shorter histories."""

import itertools
import json
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from recmodels.data.interactions import Interactions
from recmodels.data.shop import Shop
from recmodels.explain.explainers import LIST_LENGTH, MARGIN, SHAPLEY, most_faithful
from recmodels.explain.words import CONFIDENCE
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.recommender import Recommender

_NAME = r'"(?:[^"\\]|\\.)*"'
SENTENCES = {
    "en": (
        rf"(?P<item>{_NAME}) is at rank (?P<rank>\d+) (?P<word>\w+) because of (?P<events>.*), "
        rf"which adds? (?P<about>(?:about )?)(?P<share>\d+) % of the support for {_NAME}; "
        rf"without \w+ (?P<instead>{_NAME}) would (?:be|stay) there\."
    ),
    "zh": (
        rf"(?P<item>{_NAME}) 排第 (?P<rank>\d+) 位(?P<word>\w+)因为 (?P<events>.*)，"
        rf"(?P<about>约?)占历史支持的 (?P<share>\d+) %；若没有这些事件，"
        rf"(?:该位将是 )?(?P<instead>{_NAME})(?: 仍在该位)?。"
    ),
}
ORDERS = 30  # In which events are added to check Shapley values.
AND = {"en": " and ", "zh": "和"}


class ExactShop:
    """The shop's exact probabilities of the next item, after any history.

    Unlike `BayesCeiling` it also answers histories that no user of the shop has, such as those
    without one of their events.

    Args:
        shop: whose process it is.
        vocabulary: of the split.
    """

    max_length = None
    columns = ("timestamp",)

    def __init__(self, shop: Shop, vocabulary: Vocabulary) -> None:
        self.shop, self.vocabulary = shop, vocabulary

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Probabilities of the items, float64 (B, V + 1) or (B, K); see `Scores`."""
        item_ids = queries["item_ids"]
        users, places = np.nonzero(item_ids)
        known = self.vocabulary.decode(item_ids[users, places])
        log = pd.DataFrame(
            {"user": users, "item": known, "timestamp": queries["timestamp"][users, places]}
        )
        # The event to predict closes each log; its item is not read.
        asked = pd.DataFrame(
            {"user": np.arange(len(item_ids)), "item": known[0], "timestamp": queries["at"]}
        )
        log = pd.concat([log, asked]).sort_values("user", kind="stable", ignore_index=True)
        log = log.astype({"timestamp": np.int64}).assign(user=log["user"] + 1)
        changed = (log["item"] != log["item"].shift()) | (log["user"] != log["user"].shift())
        runs = log.groupby(changed.cumsum()).cumcount().to_numpy() + 1
        events = Interactions(log, "timed", "shop", self.shop.interactions.items)
        intents = np.zeros(len(log), np.int8)
        shorter = Shop(events, self.shop.process, intents, runs)
        positions = (item_ids > 0).sum(axis=1)
        found = shorter.bayes(np.arange(1, len(item_ids) + 1), positions)
        scores = np.zeros((len(item_ids), len(self.vocabulary) + 1))
        scores[:, 1:] = found[:, shorter.items_at(self.vocabulary.raw_ids)]
        return scores if items is None else scores[:, items]


def check_sentences(
    recommender: Recommender, history: dict, listed: Sequence, sentences: Sequence[str],
    language: str,
) -> list[bool]:  # fmt: skip
    """Whether each sentence about a list is true, by what `recommend` answers to other histories.

    The sentences are read word by word, and none of the code that wrote them is used: the lists
    are made again after the history without the events that a sentence cites, and the support of
    an event follows from the scores in lists after shorter histories; see `_support`.

    Args:
        recommender: that made the list, without a filter of seen items and with scores of all
            items in its lists.
        history: dict of `item` and `action`.
        listed: raw ids of the list.
        sentences: one per item.
        language: "en" or "zh".
    """
    support = _support(recommender, history, listed)
    told = _tell_events(recommender, history)
    joined = {(place,): text for place, text in enumerate(told)}
    for early, late in itertools.combinations(range(len(told)), 2):
        joined[early, late] = f"{told[late]}{AND[language]}{told[early]}"
    found, estimated = [], most_faithful(recommender.scorer) == SHAPLEY
    for rank, (item, sentence) in enumerate(zip(listed, sentences, strict=True), 1):
        if sentence.startswith(("No reason found", "未找到")):
            found.append(json.dumps(str(item), ensure_ascii=False) in sentence)
            continue
        match = re.fullmatch(SENTENCES[language], sentence)
        stated = match and match.groupdict()
        found.append(
            bool(match)
            and json.loads(stated["item"]) == str(item)
            and int(stated["rank"]) == rank
            and bool(stated["about"]) == estimated
            and any(
                _holds(recommender, history, cited, support[item], stated, rank, language)
                for cited, text in joined.items()
                if text == stated["events"]
            )
        )
    return found


def _support(recommender, history, listed) -> dict[object, tuple[np.ndarray, np.ndarray]]:
    """The support of each event for each item, with standard errors, (T,) each.

    It is the fall of the score without the event, or of its margin above the 10th best other item,
    or the Shapley value, estimated from other orders than those of the sentences: whatever is
    the explainer of the family of the model.
    """
    explainer, count = most_faithful(recommender.scorer), len(history["item"])
    if explainer == SHAPLEY:
        rng = np.random.default_rng(1)
        orders = np.array([rng.permutation(count) for _ in range(ORDERS)])
        left_out = {tuple(sorted(order[n:])) for order in orders for n in range(count + 1)}
    else:
        left_out = {(), *((place,) for place in range(count))}
    left_out = list(left_out)
    lists = _lists(recommender, history, left_out, len(recommender.vocabulary))
    tables, support = dict(zip(left_out, lists, strict=True)), {}

    def value(places, item) -> float:
        table = tables[tuple(sorted(places))]
        others = (score for other, score in table.items() if other != item)
        best = next(itertools.islice(others, LIST_LENGTH - 1, None)) if explainer == MARGIN else 0
        return table[item] - best

    for item in listed:
        if explainer == SHAPLEY:
            sample = np.zeros((len(orders), count))
            for row, order in zip(sample, orders, strict=True):
                row[order] = np.diff([value(order[n:], item) for n in range(count + 1)])
            # The sentences are written from 20 orders.
            errors = sample.std(axis=0) * np.sqrt(1 / len(orders) + 1 / 20)
            support[item] = sample.mean(axis=0), errors
        else:
            falls = [value((), item) - value((place,), item) for place in range(count)]
            support[item] = np.array(falls), np.zeros(count)
    return support


def _holds(recommender, history, cited, support, stated, rank, language) -> bool:
    """Share, word and the item that takes the place are those without the cited events."""
    (values, errors), cited = support, list(cited)
    positive = np.maximum(values, 0).sum()
    share = np.maximum(values, 0)[cited].sum() / positive
    slack = 4 * (np.sqrt((errors[cited] ** 2).sum()) + share * errors.sum()) / positive
    close = abs(100 * share - int(stated["share"])) <= 0.51 + 100 * slack
    # A share on the border of two words has either.
    told = int(stated["share"]) / 100 if slack else share
    border = 5e-3 if slack else 1e-3
    words = {_word(max(0.0, told + change), language) for change in (-border, border)}
    (ranked,) = _lists(recommender, history, [cited], rank)
    named = json.loads(stated["instead"])
    return close and stated["word"] in words and str(list(ranked)[rank - 1]) == named


def _word(share: float, language: str) -> str:
    return next(
        {"en": english, "zh": chinese}[language]
        for least, english, chinese in CONFIDENCE
        if share >= least
    )


def _tell_events(recommender, history) -> list[str]:
    """Each event of a history as a sentence names it."""
    categories = recommender.items["category"].to_dict()
    values = zip(*(history[name] for name in ("item", "action")), strict=True)
    quoted = (
        [json.dumps(str(name), ensure_ascii=False) for name in (item, action, categories[item])]
        for item, action in values
    )
    return [f"{item} ({', '.join(about)})" for item, *about in quoted]


def _lists(recommender, history, left_out, k: int) -> list[dict]:
    """Scores by raw id, best first, after the history without the events at some places."""
    shorter = [
        {name: [v for p, v in enumerate(values) if p not in places]
         for name, values in history.items()}
        for places in left_out
    ]  # fmt: skip
    answers = recommender.recommend_many(shorter, k)
    return [dict(zip(a.items, a.scores.tolist(), strict=True)) for a in answers]
