"""Content-based recommendation by the words of the items in the history."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from recmodels.extras import import_extra
from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix


class Content(Baseline):
    """Cosine-like similarity between the words of an item and those of the history.

        tfidf(i, w) = times w occurs in text i * (1 + log((1 + V) / (1 + texts with w)))
        t(i) = tfidf(i) / |tfidf(i)|
        profile = sum over the items i of the history of  decay ** age(i) * t(i)
        score(j) = profile . t(j)

    Words are runs of at least two letters or digits, lower-cased. The only thing learnt from
    training histories is the popularity of items: items that share no word with the history follow
    in that order. So it can score an item without any event.

    Args:
        texts: one text per item in the order of the item ids 1..V, such as its title and category:
            `items["title"].reindex(data.vocabulary.raw_ids)`. Missing texts are empty.
        decay: weight of an event against the one after it, above 0 and at most 1. With 1 1 the
            history is a set.

    Paper: Salton and Buckley, "Term-weighting approaches in automatic text retrieval",
    Information Processing and Management 24, 1988; the logarithm with ones added is that of
    scikit-learn. Profiles as sums: Pazzani and Billsus, "Content-based recommendation systems",
    2007, Section 10.3.

    Example:
        >>> Content(["green tea", "tea cup", "lamp"], decay=0.5).fit(train, 3).score(queries)
        item_ids [[1]]; tea occurs in two of three texts, green in one
        [[-1, 1, 0.363, -1]]      the lamp shares no word
    """

    learnt = {"vectors": "VF"}
    grows = False  # New items have no texts.

    def __init__(self, texts: Sequence[str | None], decay: float = 0.8) -> None:
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` must be in (0, 1]. Received: decay={decay}")
        self.texts = [text if isinstance(text, str) else "" for text in texts]
        self.decay = decay

    def _learn(self, train: Histories) -> None:
        if len(self.texts) != self.num_items:
            raise ValueError(
                "`texts` must hold one text per item, in the order of the item ids. "
                f"Received: {len(self.texts)} texts for {self.num_items} items"
            )
        self.vectors = self.text_vectors()

    def text_vectors(self) -> sparse.csr_array:
        """TF-IDF vectors of the texts, of length 1, (V + 1, words); row 0 is that of padding.

        Raises:
            ValueError: no text has a word.
        """
        text = import_extra("sklearn.feature_extraction.text", "text")
        vectorizer = text.TfidfVectorizer(dtype=np.float32)
        if not any(map(vectorizer.build_analyzer(), self.texts)):
            raise ValueError(
                "`texts` holds no word of two letters. Give each item its title or category. "
                f"Received: texts={self.texts[:3]}"
            )
        # The text of padding has no word.
        return sparse.csr_array(vectorizer.fit_transform(["", *self.texts]))

    def covered_items(self) -> np.ndarray:
        """Return whether each item has a known word, bool, (V + 1,)."""
        return np.diff(self.vectors.indptr) > 0

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        histories = history_matrix(queries["item_ids"], self.num_items, self.decay)
        scores = (histories @ self.vectors @ self.vectors[columns].T).toarray()
        return self._popular_below(scores, columns)
