"""Counts, digests and the leak report of prepared shards, in passes over one shard at a time."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recmodels.data.leakage import LeakReport
from recmodels.scale.shards import ShardDigest, Users, read_users, shard_path


class Targets:
    """The events that leave-one-out holds out of some users.

    The last event of a user with three or more is the test target, the one before the validation
    target, and what is before that is training. Users with fewer events are training only.

    Args:
        users: of a shard.
    """

    def __init__(self, users: Users) -> None:
        ends = users.offsets[1:][np.diff(users.offsets) >= 3]
        self.test, self.validation = ends - 1, ends - 2
        self.is_training = np.ones(len(users.items), bool)
        self.is_training[self.test] = self.is_training[self.validation] = False
        self.ties = int((users.timestamps[self.test] == users.timestamps[self.validation]).sum())
        self.known_pairs = self._known_pairs(users)

    def _known_pairs(self, users: Users) -> int:
        """Test targets whose user has the same item in training."""
        lengths = np.diff(users.offsets)
        target = np.full(len(lengths), -1, np.int64)
        target[lengths >= 3] = users.items[self.test]
        same = self.is_training & (users.items == np.repeat(target, lengths))
        return len(np.unique(np.repeat(np.arange(len(lengths)), lengths)[same]))


def measure_shards(folder: Path, shards: int, name: str, say: Callable[[str], None]) -> dict:
    """Read all shards twice: for counts and targets, and for what lies after them.

    Args:
        folder: with the shards.
        shards: their number.
        name: of the log, for the leak report.
        say: receives a line of progress.

    Returns:
        `counts`, `shards` (events, users and digest of each), `digest` of all of them,
        `vocabulary_digest` and `leaks`, a `LeakReport` as plain values.
    """
    vocabulary = pq.read_table(folder / "vocabulary.parquet")
    items = vocabulary["item_id"].to_pylist()
    trained = np.zeros(len(items) + 1, np.int64)
    rows, times, targets, totals = [], [], [], np.zeros(3, np.int64)
    for shard in range(shards):
        digest, events, users = ShardDigest(), 0, 0
        for part in read_users(shard_path(folder, shard), digest):
            held_out = Targets(part)
            trained += np.bincount(part.items[held_out.is_training], minlength=len(trained))
            times.append(part.timestamps[held_out.test])
            targets.append(part.items[held_out.test])
            totals += (held_out.is_training.sum(), held_out.ties, held_out.known_pairs)
            events, users = events + len(part.items), users + len(part.ids)
        rows.append({"events": events, "users": users, "digest": digest.hexdigest()})
    times, targets = np.concatenate([[], *times]), np.concatenate([[], *targets]).astype(np.int64)
    counts = {name: sum(row[name] for row in rows) for name in ("events", "users")}
    say(f"measured {counts['events']:,} events of {counts['users']:,} users in {shards} shards")
    leaks = LeakReport(
        name=name,
        protocol="leave-one-out",
        part="test",
        train_events=int(totals[0]),
        users=len(times),
        **_future_shares(folder, shards, times, int(totals[0])),
        own_future_events=0,  # Every target is the user's last event.
        ties_at_cut=int(totals[1]),
        known_pairs=int(totals[2]),
        cold_users=0,  # Three events are one of training at least.
        cold_targets=int((trained[targets] == 0).sum()),
        newcomers=0,
    )
    return {
        "counts": {**counts, "items": len(items), "cases": len(times)},
        "shards": rows,
        "digest": _digest([row["digest"] for row in rows]),
        "vocabulary_digest": _digest(map(str, items)),
        "leaks": leaks.to_dict(),
    }


def _digest(texts) -> str:
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(4, "little") + encoded)
    return digest.hexdigest()


def _future_shares(folder: Path, shards: int, times: np.ndarray, training: int) -> dict:
    """Shares of training events after the median target and after a target on average."""
    if not len(times):
        return {"future_share_median": None, "future_share_mean": None}
    ordered, median = np.sort(times), np.median(times)
    after_median, earlier_targets = 0, 0
    for shard in range(shards):
        for part in read_users(shard_path(folder, shard)):
            moments = part.timestamps[Targets(part).is_training]
            after_median += int((moments > median).sum())
            # Pairs of a training event and a target before it.
            earlier_targets += int(np.searchsorted(ordered, moments, side="left").sum())
    return {
        "future_share_median": after_median / training,
        "future_share_mean": earlier_targets / training / len(times),
    }
