"""Exact and approximate nearest neighbours of a state, with the same interface."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recmodels.data.errors import invalid, require
from recmodels.data.files import written_whole
from recmodels.evaluation.ranking import top_items
from recmodels.extras import import_extra

# Candidates fetched for each item wanted, at first: some are seen, excluded or against a rule.
FIRST_FETCH = 2
# Beyond this share of the catalogue, looking through all of it costs no more.
LARGEST_FETCH = 0.2
_CHANGED = "was built before the weights changed: build it again from the vectors the model has now"
_HEADER = b"recmodels index 2 "
_DIGEST = 64  # Bytes of each checksum after the header: that of the vectors, that of the graph.


class ExactIndex:
    """Compare with every item.

    Args:
        vectors: of the items 1..V, float32 (V, D).

    Raises:
        ValueError: they are not vectors, or not finite.

    Example:
        >>> index = ExactIndex(catalogue_vectors(model))
        >>> item_ids, scores = index.search(model.query_vectors(queries), k=10)
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = _checked(vectors)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.vectors):,} items>"

    def check(self, vectors: np.ndarray) -> None:
        """Raise a `ValueError` unless the index holds exactly these vectors."""
        same = np.array_equal(self.vectors, vectors)
        require(same, f"`index` {_CHANGED}", index=self, vectors=np.shape(vectors))

    def search(
        self,
        queries: np.ndarray,
        k: int,
        allowed: np.ndarray | None = None,
        hidden: Sequence[np.ndarray] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the best k items per query that may be shown.

        Args:
            queries: states, float (B, D).
            k: length of the lists.
            allowed: which items may be shown at all, bool (V + 1,) with column 0 for padding.
            hidden: item ids left out for each query, B arrays.

        Returns:
            Item ids, int32, and scores, float32, (B, k) each, best first, the smaller id first
            among equals; filled up with 0 and minus infinity where fewer items are left.

        Raises:
            ValueError: `k` is below 1, or the queries are of another width.
        """
        queries = _checked_request(queries, k, self.vectors)
        scores = np.full((len(queries), len(self.vectors) + 1), -np.inf, np.float32)
        np.matmul(queries, self.vectors.T, out=scores[:, 1:])
        if allowed is not None:
            scores[:, ~allowed] = -np.inf
        for row, item_ids in enumerate(hidden or ()):
            scores[row, item_ids] = -np.inf
        items = top_items(scores, k)
        return items, np.where(items > 0, np.take_along_axis(scores, items, axis=1), -np.inf)


class ApproximateIndex(ExactIndex):
    """Search a graph of similar items and compare with few of them (HNSW, by Faiss).

    If some candidates may not be shown, more are fetched. If more than a fifth of the catalogue
    would be fetched for a list, the list is computed exactly, so that it is not shorter than
    necessary.

    Args:
        vectors: of the items 1..V, float32 (V, D).
        neighbours: links of an item in the graph; more find more and take more memory.
        effort: candidates kept while building and searching; more find more and take longer.

    Raises:
        ImportError: the package `faiss-cpu` is not installed.

    Paper: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
    hierarchical navigable small world graphs", 2018. Dot products become distances by one more
    coordinate, as in Bachrach et al., "Speeding up the Xbox recommender system using a Euclidean
    transformation for inner-product spaces", RecSys 2014, Section 3.

    Example:
        >>> index = ApproximateIndex(catalogue_vectors(model))
        >>> recall(index, ExactIndex(index.vectors), states, k=10)
        0.997
    """

    def __init__(self, vectors: np.ndarray, neighbours: int = 32, effort: int = 128) -> None:
        super().__init__(vectors)
        self.effort = effort
        self._faiss = import_extra("faiss", "faiss")
        points = _as_points(self.vectors)
        self._graph = self._faiss.IndexHNSWFlat(points.shape[1], neighbours)
        self._graph.hnsw.efConstruction = effort
        self._faiss.omp_set_num_threads(1)  # Links made by several threads differ every time.
        self._graph.add(points)

    def search(
        self,
        queries: np.ndarray,
        k: int,
        allowed: np.ndarray | None = None,
        hidden: Sequence[np.ndarray] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Approximate `ExactIndex.search`: a few of the best items may be missing."""
        queries = _checked_request(queries, k, self.vectors)
        hidden = [np.zeros(0, np.int32)] * len(queries) if hidden is None else list(hidden)
        items = np.zeros((len(queries), k), np.int32)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        open_rows, count = np.arange(len(queries)), FIRST_FETCH * k
        while len(open_rows) and count <= LARGEST_FETCH * len(self.vectors):
            fetched = self._nearest(queries[open_rows], count)
            short = []
            for row, item_ids in zip(open_rows, fetched, strict=True):
                left = item_ids[~np.isin(item_ids, hidden[row])]
                left = left if allowed is None else left[allowed[left]]
                if len(left) < k:
                    short.append(row)
                    continue
                items[row], scores[row] = self._best(queries[row], left, k)
            open_rows, count = np.array(short, int), 2 * count
        if len(open_rows):
            mine = [hidden[row] for row in open_rows]
            rest = super().search(queries[open_rows], k, allowed, mine)
            items[open_rows], scores[open_rows] = rest
        return items, scores

    def _nearest(self, queries: np.ndarray, count: int) -> list[np.ndarray]:
        """Item ids near each query, at most `count`."""
        points = np.pad(queries, ((0, 0), (0, 1)))  # The further coordinate of a query is 0.
        settings = self._faiss.SearchParametersHNSW(efSearch=max(self.effort, count))
        _, rows = self._graph.search(points, count, params=settings)
        return [row[row >= 0] + 1 for row in rows]

    def _best(self, query: np.ndarray, item_ids: np.ndarray, k: int):
        """The best k of some items by their dot products, the smaller id first among equals."""
        item_ids = np.sort(item_ids)
        scores = self.vectors[item_ids - 1] @ query
        order = np.argsort(-scores, kind="stable")[:k]
        return item_ids[order], scores[order]

    def save(self, path: str | Path) -> Path:
        """Write the graph with the checksums of the vectors it was built from and of itself.

        The file must not lie in the folder of a bundle, which holds no files but its own.
        """
        graph = self._faiss.serialize_index(self._graph).tobytes()
        with written_whole(path) as unfinished:
            digests = checksum(self.vectors) + hashlib.sha256(graph).hexdigest()
            unfinished.write_bytes(_HEADER + digests.encode() + graph)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path, vectors: np.ndarray, effort: int = 128) -> "ApproximateIndex":
        """The index a file holds.

        Args:
            path: that `save` wrote.
            vectors: those the model has now, (V, D).
            effort: of searching.

        Raises:
            ValueError: the file is no index, is damaged, or was built from other vectors.
        """
        content = Path(path).read_bytes()
        must = "`path` must hold a whole index, as this version saves it: build it again"
        damaged = invalid(must, path=path)
        if not content.startswith(_HEADER):
            raise damaged
        index = cls.__new__(cls)
        ExactIndex.__init__(index, vectors)
        digests, graph = np.split(np.frombuffer(content, np.uint8)[len(_HEADER) :], [2 * _DIGEST])
        if digests[:_DIGEST].tobytes() != checksum(index.vectors).encode():
            raise invalid(f"`path` holds an index that {_CHANGED}", path=path)
        whole = digests[_DIGEST:].tobytes() == hashlib.sha256(graph).hexdigest().encode()
        index.effort = effort
        index._faiss = import_extra("faiss", "faiss")
        index._graph = index._checked_graph(graph) if whole else None
        if index._graph is None:
            raise damaged
        return index

    def _checked_graph(self, content: np.ndarray):
        """The graph, or None where it is damaged or not of these vectors.

        Faiss itself refuses links that lead out of the graph, but not a top that is not there.
        """
        try:
            graph = self._faiss.deserialize_index(content)
        except RuntimeError:
            return None
        if not isinstance(graph, self._faiss.IndexHNSWFlat) or graph.ntotal != len(self.vectors):
            return None
        read, links = self._faiss.vector_to_array, graph.hnsw
        points = read(self._faiss.downcast_index(graph.storage).codes)
        same = points.tobytes() == _as_points(self.vectors).tobytes()
        return graph if same and links.max_level == max(read(links.levels)) - 1 else None


def recall(index: ExactIndex, exact: ExactIndex, queries: np.ndarray, k: int) -> float:
    """Return the share of the exact best k items that an index finds, over all queries.

    Example:
        >>> recall(ApproximateIndex(vectors), ExactIndex(vectors), states, k=10)
        0.997
    """
    items, _ = index.search(queries, k)
    wanted, _ = exact.search(queries, k)
    hits = (items[:, :, None] == wanted[:, None, :]) & (wanted[:, None, :] > 0)
    return float(hits.sum() / (wanted > 0).sum())


def checksum(vectors: np.ndarray) -> str:
    """SHA-256 of vectors and their shape."""
    vectors = np.ascontiguousarray(vectors, np.float32)
    return hashlib.sha256(repr(vectors.shape).encode() + vectors.tobytes()).hexdigest()


def _as_points(vectors: np.ndarray) -> np.ndarray:
    """All on one sphere, (V, D + 1): the nearest by distance is the largest by dot product."""
    squares = (vectors**2).sum(axis=1)
    further = np.sqrt(np.maximum(squares.max() - squares, 0))
    return np.concatenate([vectors, further[:, None]], axis=1).astype(np.float32)


def _checked(vectors: np.ndarray) -> np.ndarray:
    # A copy: the vectors of a model change in place while it trains.
    vectors = np.array(vectors, np.float32, order="C")
    finite = bool(np.isfinite(vectors).all())
    must = "`vectors` must be finite, (V, D), one per item of the catalogue"
    fits = vectors.ndim == 2 and vectors.size and finite
    require(fits, must, shape=vectors.shape, finite=finite)
    return vectors


def _checked_request(queries: np.ndarray, k: int, vectors: np.ndarray) -> np.ndarray:
    queries = np.ascontiguousarray(queries, np.float32)
    fits = queries.ndim == 2 and queries.shape[1] == vectors.shape[1] and k >= 1
    must = f"`queries` must be (B, {vectors.shape[1]}), and `k` at least 1"
    require(fits, must, shape=queries.shape, k=k)
    return queries
