"""Prepare a log with pandas, in memory, by the same functions as everywhere else."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.cleaning import drop_exact_duplicates, k_core
from recmodels.data.interactions import Interactions
from recmodels.features.vocabulary import Vocabulary

NAMES = {"user_id": "user", "item_id": "item"}


class PandasEngine:
    """The reference: `Interactions`, `k_core` and `Vocabulary` of this package."""

    name = "pandas"

    def version(self) -> str:
        """Version of the engine."""
        return pd.__version__

    def close(self) -> None:
        """Release nothing: there is neither a file nor a session."""

    def clean(self, parts: list[Path], integers: dict[str, bool], out: Path) -> None:
        """Write the first of the events that are equal in user, item and time."""
        table = pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
        for name, whole in integers.items():
            table[name] = table[name].astype("int64" if whole else "str")
        log = Interactions(table.rename(columns=NAMES).drop(columns="place"), "timed")
        cleaned, _ = drop_exact_duplicates(log)
        _write(cleaned, out)

    def core(
        self, events: Path, user: int, item: int, out: Path, say: Callable[[str], None]
    ) -> None:
        """Write the events whose users and items are frequent among themselves."""
        kept, _ = k_core(_read(events), user, item)
        say(f"k-core: {len(kept):,} events left")
        _write(kept, out)

    def shards(self, core: Path, shards: int, out: Path) -> None:
        """Write `vocabulary` and the shards."""
        events = _read(core).events
        vocabulary = Vocabulary(events["item"].unique())
        (out / "vocabulary").mkdir()
        items = np.arange(1, len(vocabulary) + 1, dtype=np.int32)
        table = pd.DataFrame({"item_id": vocabulary.raw_ids, "item": items})
        table.to_parquet(out / "vocabulary" / "part-00000.parquet", index=False)
        encoded = pd.DataFrame(
            {
                "user_id": events["user"],
                "item": vocabulary.encode(events["item"]),
                "timestamp": events["timestamp"],
            }
        )
        codes, users = pd.factorize(events["user"])
        of_user = np.array([shard_of(user, shards) for user in users])
        for shard in range(shards):
            path = out / f"shard-{shard:05d}.parquet"
            encoded[of_user[codes] == shard].to_parquet(path, index=False)


def shard_of(user: str | int, shards: int) -> int:
    """The shard of a user: `SHARD_HASH`.

    Example:
        >>> shard_of("u7", 16)
        15
    """
    return int(hashlib.md5(str(user).encode(), usedforsecurity=False).hexdigest()[:8], 16) % shards


def _read(folder: Path) -> Interactions:
    return Interactions(pd.read_parquet(folder / "part-00000.parquet"), "timed")


def _write(log: Interactions, folder: Path) -> None:
    log.events.to_parquet(folder / "part-00000.parquet", index=False)
