"""TF-IDF vectors of texts, made dense by a singular value decomposition."""

from collections.abc import Mapping

import numpy as np

from recmodels.data.errors import require
from recmodels.extras import import_extra

# Words of at least two letters or digits, and each character of Chinese, Japanese and Korean.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
TOKEN = rf"[{_UNSPACED}]|[^\W{_UNSPACED}]{{2,}}"


class Tfidf:
    """TF-IDF of words, reduced to `size` dimensions (latent semantic analysis).

    Deerwester et al., "Indexing by latent semantic analysis", JASIS 41, 1990, with the weights of
    scikit-learn. Chinese, Japanese and Korean are read by characters, because they have no blanks.

    Args:
        size: D of the vectors.
    """

    language, licence = "any", "none needed"

    def __init__(self, size: int) -> None:
        self.size = size
        self.words: list[str] | None = None

    def fit(self, texts: list[str]) -> None:
        """Learn the words, their weights and the directions from texts.

        Raises:
            ValueError: the texts have too few words for the size.
        """
        vectorizer = self._vectorizer()
        analyse = vectorizer.build_analyzer()
        words = {word for text in texts for word in analyse(text)}
        must = "`size` must be below the number of texts and of their different words"
        limit = min(len(texts), len(words))
        require(self.size < limit, must, size=self.size, texts=len(texts), words=len(words))
        matrix = vectorizer.fit_transform(texts)
        decomposition = import_extra("sklearn.decomposition", "text")
        svd = decomposition.TruncatedSVD(self.size, random_state=0).fit(matrix)
        words = vectorizer.get_feature_names_out().tolist()
        self.restore({"words": words}, {"idf": vectorizer.idf_, "directions": svd.components_})

    @property
    def fitted(self) -> bool:
        """Whether `fit` was called."""
        return self.words is not None

    def state(self) -> tuple[dict, dict[str, np.ndarray]]:
        """What `fit` learns: words; their inverse document frequencies, and (D, words)."""
        return {"words": self.words}, {"idf": self.idf, "directions": self.directions}

    def restore(self, recipe: Mapping, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `state` returned."""
        self.words = list(recipe["words"])
        self.idf, self.directions = arrays["idf"], arrays["directions"]
        self._fitted = self._vectorizer(vocabulary=self.words)
        self._fitted.idf_ = np.asarray(self.idf, np.float64)

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, float32 (N, D); zeros where no word is known."""
        return (self._fitted.transform(texts) @ self.directions.T).astype(np.float32)

    def count_tokens(self, texts: list[str]) -> tuple[int, int, int]:
        """Numbers of words, of unknown words, and of texts that are cut."""
        known, analyse = set(self.words), self._fitted.build_analyzer()
        words = [word for text in texts for word in analyse(text)]
        return len(words), sum(word not in known for word in words), 0

    @staticmethod
    def _vectorizer(**options):
        text = import_extra("sklearn.feature_extraction.text", "text")
        return text.TfidfVectorizer(token_pattern=TOKEN, **options)
