"""Describe how a log is prepared, independently of the engine that does it."""

from dataclasses import asdict, dataclass

from recmodels.data.errors import require
from recmodels.features.checks import check_whole

ENGINES = ("pandas", "duckdb", "spark")
DUCKDB_FROM = 1_000_000  # Events from which DuckDB prepares a log unless another engine is named.
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}  # Per second.
SHARD_HASH = "the first 8 hexadecimal digits of the MD5 of the id's UTF-8 bytes, modulo `shards`"


@dataclass(frozen=True)
class Preparation:
    """The settings of `prepare_shards`; every engine gives the same result for them.

    Args:
        user, item, timestamp: columns of the source.
        unit: of times that are numbers: `"s"`, `"ms"`, `"us"` or `"ns"`.
        user_core, item_core: events that every user and item left has at least (iterative k-core).
        shards: number of files of the result; the shard of a user is `SHARD_HASH`.

    Raises:
        ValueError: a setting is out of range.

    Example:
        >>> Preparation(user="visitor", user_core=3, item_core=3)
    """

    user: str = "user"
    item: str = "item"
    timestamp: str = "timestamp"
    unit: str = "s"
    user_core: int = 5
    item_core: int = 5
    shards: int = 16

    def __post_init__(self) -> None:
        for name in ("user_core", "item_core", "shards"):
            check_whole(name, getattr(self, name))
        require(self.unit in UNITS, f"`unit` must be one of {tuple(UNITS)}", unit=self.unit)

    def to_dict(self) -> dict[str, str | int]:
        """The settings as plain values, for the manifest."""
        return asdict(self)
