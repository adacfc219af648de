"""Segments of users as a mixture of Markov chains, learned by expectation-maximisation."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import logsumexp

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.extras import import_extra
from recmodels.features.checks import check_whole
from recmodels.features.histories import Histories
from recmodels.insights.log_columns import column_of


@dataclass(frozen=True, eq=False, repr=False)
class Sequences:
    """Labelled states of many users, such as the categories of their items, oldest first.

    Args:
        names: labels of the states, S of them.
        codes: state of each event of all users one after the other, int (N,); -1 for a label that
            is not in `names`, which no chain counts.
        offsets: user u owns `codes[offsets[u]:offsets[u + 1]]`, int64 (U + 1,).
        users: raw user id of each history, (U,).
    """

    names: tuple
    codes: np.ndarray
    offsets: np.ndarray
    users: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        return f"<Sequences of {len(self):,} users over {len(self.names)} states>"

    def select(self, rows: np.ndarray) -> "Sequences":
        """Some histories alone, such as a bootstrap sample, (B,)."""
        flat = Histories(self.users, self.codes, self.offsets, {}).select(rows)
        return Sequences(self.names, flat.items, flat.offsets, flat.users)

    @property
    def rows(self) -> np.ndarray:
        """Number of the history of each event, int64 (N,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def steps(self) -> np.ndarray:
        """Events that another of the same history follows, both with a known state, (M,)."""
        rows, known = self.rows, self.codes >= 0
        return np.flatnonzero((rows[:-1] == rows[1:]) & known[:-1] & known[1:])

    def counts(self) -> tuple[sparse.csr_array, sparse.csr_array]:
        """First states, sparse float64 (U, S), and transitions, (U, S * S), of each user.

        Column s * S + t of the transitions counts how often state t followed state s.

        An event whose state is unknown ends a run: what follows it is no transition.
        """
        states, rows = len(self.names), self.rows
        known = np.flatnonzero(self.codes >= 0)
        first = known[np.unique(rows[known], return_index=True)[1]]
        steps = self.steps()
        moves = self.codes[steps] * states + self.codes[steps + 1]
        return (
            _count(rows[first], self.codes[first], (len(self), states)),
            _count(rows[steps], moves, (len(self), states**2)),
        )


def _count(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    counts = sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    return sparse.csr_array(counts)  # Equal cells are added.


def label_sequences(
    log: Interactions,
    columns: str | tuple[str, ...],
    names: tuple | None = None,
    piece: int | None = None,
) -> Sequences:
    """The sequence of labels of each user.

    Args:
        log: with an order.
        columns: of the events or of the table of items, such as `"category"` or
            `("action", "category")`; of several, a label is the tuple of their values.
        names: labels to know; others become unknown. By default all labels of the log, sorted.
        piece: cut each history into pieces of so many events, which count as users of their own:
            clusters of them are intents, which change within a history. By default whole
            histories, whose clusters are segments of users.

    Raises:
        ValueError: the log has no order or no such column, more than 1,000 labels or none, or
            `piece` is no whole number from 1 on.

    Example:
        >>> sequences = label_sequences(log, ("action", "category"))
        >>> sequences.names[0]
        ('buy', 'Chairs')
    """
    log.require("`label_sequences`", ("timed", "ordered"))
    columns = (columns,) if isinstance(columns, str) else tuple(columns)
    values = [column_of(log, name) for name in columns]
    labels = pd.Series(values[0] if len(columns) == 1 else list(zip(*values, strict=True)))
    if names is None:
        names = tuple(sorted(labels.dropna().unique(), key=str))
    must = "`columns` must have 1 to 1,000 different labels: use types or categories, not items"
    require(1 <= len(names) <= 1_000, must, labels=len(names))
    codes = pd.Index(names, tupleize_cols=False).get_indexer(labels)
    users, offsets = log.user_offsets()
    if piece is not None:
        pieces = -(-np.diff(offsets) // check_whole("piece", piece))
        place = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts = np.repeat(offsets[:-1], pieces) + place * piece
        users, offsets = np.repeat(users, pieces), np.append(starts, offsets[-1])
    return Sequences(tuple(names), codes, offsets, users)


@dataclass(frozen=True, eq=False, repr=False)
class MarkovMixture:
    """K segments of users, each with its own Markov chain over labels.

    A user belongs to one segment, unknown and drawn with probability `weights`, whose chain made
    the whole history: P(history) = sum_k w_k start_k(s_1) prod_t move_k(s_t, s_t+1). Cadez et al.,
    "Model-Based Clustering and Visualization of Navigation Patterns on a Web Site", 2003.

    Args:
        names: labels of the states, S of them.
        weights: share of each segment, largest first, float64 (K,).
        starts: probability of each first state, rows sum to 1, float64 (K, S).
        moves: probability of each next state, rows sum to 1, float64 (K, S, S).
        history: the objective after each iteration of the best attempt, which never falls: the
            log-likelihood plus the log density of the prior, (I,).
        log_likelihood: of the histories it was fitted to, in nats.
        num_users: of those, U.

    Example:
        >>> mixture = fit_markov_mixture(label_sequences(log, "category"), 7)
        >>> mixture.assign(label_sequences(log, "category", mixture.names))
    """

    names: tuple
    weights: np.ndarray
    starts: np.ndarray
    moves: np.ndarray
    history: np.ndarray
    log_likelihood: float
    num_users: int

    def __repr__(self) -> str:
        shares = " ".join(f"{share:.0%}" for share in self.weights)
        return f"<MarkovMixture of {len(self.weights)} segments: {shares}>"

    @property
    def bic(self) -> float:
        """Bayesian information criterion; the number of segments with the lowest is preferred.

        -2 log likelihood + parameters * ln U, Schwarz, 1978. Segments without users count too.
        """
        segments, states = self.starts.shape
        parameters = segments - 1 + segments * (states - 1) * (states + 1)
        return float(-2 * self.log_likelihood + parameters * np.log(self.num_users))

    def responsibilities(self, sequences: Sequences) -> np.ndarray:
        """Probability of each segment given each user's history, float64 (U, K), rows sum to 1.

        A user without a known label has the shares of the segments.
        """
        self._check(sequences)
        logs = _joint(*sequences.counts(), self.weights, self.starts, self.moves)
        return np.exp(logs - logsumexp(logs, axis=1, keepdims=True))

    def assign(self, sequences: Sequences) -> np.ndarray:
        """The most probable segment of each user, int64 (U,); 0 is the largest segment."""
        return self.responsibilities(sequences).argmax(axis=1)

    def score(self, sequences: Sequences) -> float:
        """Log-likelihood of histories in nats, a sum over users."""
        self._check(sequences)
        logs = _joint(*sequences.counts(), self.weights, self.starts, self.moves)
        return float(logsumexp(logs, axis=1).sum())

    def _check(self, sequences: Sequences) -> None:
        must = "`sequences` must have the labels of the mixture: `label_sequences(..., names=...)`"
        require(sequences.names == self.names, must, names=sequences.names)


def fit_markov_mixture(
    sequences: Sequences,
    num_segments: int,
    *,
    prior: float = 0.1,
    attempts: int = 5,
    max_iterations: int = 200,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> MarkovMixture:
    """Fit a mixture of Markov chains by expectation-maximisation.

    Args:
        sequences: from `label_sequences`.
        num_segments: K.
        prior: pseudo-count of every first state, transition and segment, greater than 0 (a
            Dirichlet prior of 1 + `prior`): no probability becomes 0, and a segment that loses
            all its users falls back to uniform rows.
        attempts: random starts, by k-means++, of which the one with the highest objective is kept.
        max_iterations: at most, per attempt.
        tolerance: an attempt ends when the objective grows by less than this per user.
        seed: of the random starts.

    Raises:
        ValueError: an argument is out of range, or fewer users than segments have a known label.
    """
    check_whole("num_segments", num_segments)
    check_whole("attempts", attempts)
    check_whole("max_iterations", max_iterations)
    require(prior > 0, "`prior` must be greater than 0", prior=prior)
    starts, moves = sequences.counts()
    known = starts.sum(axis=1) > 0
    must = "`num_segments` must be at most the number of users with a known label"
    require(known.sum() >= num_segments, must, num_segments=num_segments, users=int(known.sum()))
    starts, moves = starts[known], moves[known]
    runs = [
        _fit_once(starts, moves, num_segments, prior, max_iterations, tolerance, rng)
        for rng in np.random.default_rng(seed).spawn(attempts)
    ]
    (weights, first, move), history = max(runs, key=lambda run: run[1][-1])
    order = np.argsort(-weights, kind="stable")
    found = (weights[order], first[order], move[order])
    total = float(logsumexp(_joint(starts, moves, *found), axis=1).sum())
    return MarkovMixture(sequences.names, *found, np.array(history), total, starts.shape[0])


def _fit_once(starts, moves, segments, prior, max_iterations, tolerance, rng):
    """Parameters and the objective after each iteration, from one random start."""
    belief, history = _first_belief(starts, moves, segments, rng), []
    for _ in range(max_iterations):
        parameters = _maximise(belief, starts, moves, prior)
        logs = _joint(starts, moves, *parameters)
        total = logsumexp(logs, axis=1, keepdims=True)
        density = prior * sum(np.log(values).sum() for values in parameters)
        history.append(float(total.sum() + density))
        belief = np.exp(logs - total)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * len(belief):
            break
    return parameters, history


def _first_belief(starts, moves, segments, rng) -> np.ndarray:
    """Each history given to the most similar of K histories that differ, float64 (U, K).

    Similar in the Hellinger sense: by the square roots of their shares of first states and
    transitions. From assignments at random EM often ends far below the best likelihood.
    """
    cluster = import_extra("sklearn.cluster", "insights")
    counts = sparse.hstack([starts, moves], format="csr")
    shares = sparse.csr_matrix(counts.multiply(1 / counts.sum(axis=1)[:, None])).sqrt()
    shares.indices, shares.indptr = shares.indices.astype("i4"), shares.indptr.astype("i4")
    seed = int(rng.integers(2**31))
    _, rows = cluster.kmeans_plusplus(shares, segments, random_state=seed)
    nearest = (shares @ shares[rows].T).toarray().argmax(axis=1)
    return np.eye(segments)[nearest]


def _maximise(belief, starts, moves, prior) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The parameters that fit best to soft assignments of users to segments, (U, K)."""
    states = starts.shape[1]
    weights = belief.sum(axis=0) + prior
    first = (starts.T @ belief).T + prior
    move = (moves.T @ belief).T.reshape(-1, states, states) + prior
    return (
        weights / weights.sum(),
        first / first.sum(axis=1, keepdims=True),
        move / move.sum(axis=2, keepdims=True),
    )


def _joint(starts, moves, weights, first, move) -> np.ndarray:
    """Log probability of each history together with each segment, (U, K)."""
    logs = np.log(move).reshape(len(weights), -1)
    return np.log(weights) + starts @ np.log(first).T + moves @ logs.T
