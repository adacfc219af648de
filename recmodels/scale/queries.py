"""The steps of a preparation as SQL that DuckDB and Spark both understand, and their order.

Each engine has its own form of two expressions: `struct`, which orders as user, time and place do,
and `shard`, the hash of a user.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from recmodels.data.errors import require

DISTINCT = (
    "SELECT user_id, item_id, timestamp, min(place) AS place FROM parts "
    "GROUP BY user_id, item_id, timestamp"
)
RARE = "SELECT {name} FROM {events} GROUP BY {name} HAVING count(*) < {least}"
FREQUENT = (
    "SELECT * FROM {events} e "
    "WHERE NOT EXISTS (SELECT 1 FROM rare_user_id r WHERE r.user_id = e.user_id) "
    "AND NOT EXISTS (SELECT 1 FROM rare_item_id r WHERE r.item_id = e.item_id)"
)
# An item is numbered by its first event in the log sorted by user, time and place.
VOCABULARY = (
    "SELECT item_id, CAST(row_number() OVER (ORDER BY first) AS INT) AS item FROM "
    "(SELECT item_id, min({struct}) AS first FROM core GROUP BY item_id)"
)
ENCODED = (
    "SELECT {shard} AS shard, user_id, item, timestamp, place "
    "FROM core JOIN vocabulary ON core.item_id = vocabulary.item_id"
)


class SqlEngine(ABC):
    """A preparation by SQL; subclasses say how a query is run and where its rows go.

    Attributes:
        name: of the engine.
        struct: expression that orders as the user, the time and the place do.
        shard: expression with the shard of a user.
    """

    name: str
    struct: str
    shard: str

    @abstractmethod
    def version(self) -> str:
        """Version of the engine."""

    @abstractmethod
    def view(self, name: str, paths: list[Path], casts: dict[str, str] | None = None) -> None:
        """Name the rows of Parquet files; `casts` gives the SQL type of some columns."""

    @abstractmethod
    def keep(self, name: str, sql: str) -> int:
        """Compute a table once, and return its number of rows."""

    @abstractmethod
    def write(self, sql: str, folder: Path) -> None:
        """Write the rows of a query as Parquet files into a folder."""

    @abstractmethod
    def write_shards(self, sql: str, shards: int, folder: Path) -> None:
        """Write `shard-00000.parquet` and so on, each sorted by user, time and place."""

    def clean(self, parts: list[Path], integers: dict[str, bool], out: Path) -> None:
        """Write the first of the events that are equal in user, item and time."""
        casts = {name: "BIGINT" if whole else "STRING" for name, whole in integers.items()}
        self.view("parts", parts, casts)
        self.write(DISTINCT, out)

    def core(
        self, events: Path, user: int, item: int, out: Path, say: Callable[[str], None]
    ) -> None:
        """Write the events whose users and items are frequent among themselves."""
        self.view("clean", sorted(events.glob("*.parquet")))
        least, table, turn = {"user_id": user, "item_id": item}, "clean", 0
        while True:
            rare = {
                name: self.keep(f"rare_{name}", RARE.format(name=name, events=table, least=count))
                for name, count in least.items()
            }
            if not any(rare.values()):
                break
            turn += 1
            # Two names in turns, so that the disk holds the events of two passes at most.
            kept = self.keep(f"events_{turn % 2}", FREQUENT.format(events=table))
            table = f"events_{turn % 2}"
            say(f"k-core, pass {turn}: {kept:,} events left")
            message = "The k-core left nothing: lower `user_core` or `item_core`"
            require(kept, message, user_core=user, item_core=item)
        self.write(f"SELECT user_id, item_id, timestamp, place FROM {table}", out)

    def shards(self, core: Path, shards: int, out: Path) -> None:
        """Write `vocabulary.parquet` and the shards."""
        self.view("core", sorted(core.glob("*.parquet")))
        self.keep("vocabulary", VOCABULARY.format(struct=self.struct))
        self.write("SELECT item_id, item FROM vocabulary ORDER BY item", out / "vocabulary")
        self.write_shards(ENCODED.format(shard=self.shard.format(shards=shards)), shards, out)
