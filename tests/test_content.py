import numpy as np
import pytest
from test_baselines import make_histories, make_queries

from recmodels.models.content import Content

TEXTS = ["Green tea", "tea cup", "lamp", "Green green cup"]
TRAIN = make_histories([[3, 3, 1], [2, 3]])


def slow_vectors(texts):
    """TF-IDF a text and a word at a time; padding counts as a text without words."""
    texts = [text.lower().split() for text in ["", *texts]]
    words = sorted({word for text in texts for word in text})
    vectors = np.zeros((len(texts), len(words)))
    for i, text in enumerate(texts):
        for w, word in enumerate(words):
            texts_with = sum(word in other for other in texts)
            idf = 1 + np.log((1 + len(texts)) / (1 + texts_with))
            vectors[i, w] = text.count(word) * idf
    return vectors / np.maximum(np.sqrt((vectors**2).sum(axis=1, keepdims=True)), 1e-9)


def test_content_by_hand():
    # Four texts with that of padding: idf(tea) = 1 + log(5 / 3) = 1.5108, idf(green) = idf(cup) =
    # 1 + log(5 / 2) = 1.9163. cos(1, 2) = 1.5108^2 / (1.5108^2 + 1.9163^2) = 0.3833; the lamp
    # shares no word and is done by all there are: 3/3 - 1 = 0; cup, like tea, once: 1/3 - 1.
    model = Content(["green tea", "tea cup", "lamp"]).fit(make_histories([[3, 3, 1], [2, 3]]), 3)
    scores = model.score(make_queries([[1], [3]]))
    expected = [[1, 0.3833, 0], [-2 / 3, -2 / 3, 1]]
    np.testing.assert_allclose(scores[:, 1:], expected, atol=1e-4)


def test_content_equals_the_slow_way():
    model = Content(TEXTS, decay=0.5).fit(TRAIN, 4)
    vectors = slow_vectors(TEXTS)
    np.testing.assert_allclose(np.sort(model.vectors.toarray()), np.sort(vectors), atol=1e-6)
    # History 3, 2, 1, 2: item 2 at age 0, 1 at age 1, 3 at age 3.
    profile = vectors[2] + 0.5 * vectors[1] + 0.125 * vectors[3]
    scores = model.score(make_queries([[3, 2, 1, 2]]))
    np.testing.assert_allclose(scores[0, 1:], vectors[1:] @ profile, rtol=1e-5)


def test_an_item_without_events_is_scored_by_its_words():
    scores = Content(TEXTS).fit(TRAIN, 4).score(make_queries([[1]]))[0]
    assert scores[4] > scores[3]


def test_missing_texts_are_empty_and_follow():
    scores = Content(["green tea", None, float("nan"), "tea"]).fit(TRAIN, 4)
    scores = scores.score(make_queries([[1]]))[0]
    assert scores[4] > 0 >= scores[3] > scores[2]


def test_says_what_texts_it_needs():
    with pytest.raises(ValueError, match="`texts` must hold one text per item.*Received: 2 texts"):
        Content(["tea", "cup"]).fit(TRAIN, 4)
    with pytest.raises(ValueError, match="`texts` holds no word.*Received"):
        Content(["", "a", None, "-"]).fit(TRAIN, 4)
    with pytest.raises(ValueError, match="`decay` must .* Received: decay=0"):
        Content(["tea"], decay=0)
