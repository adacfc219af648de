"""Prepare a log with Apache Spark, on this machine or on a cluster that exists already."""

import os
import shutil
from pathlib import Path

from recmodels.data.errors import require
from recmodels.extras import import_extra
from recmodels.scale.queries import SqlEngine

LOCAL = "local[2]"


class SparkEngine(SqlEngine):
    """A Spark session; the files must be on storage that driver and workers share.

    Args:
        master: address of the cluster, such as `"spark://host:7077"`; by default that of
            `SPARK_MASTER`, or two threads of this machine.

    Raises:
        ValueError: there is no Java.
    """

    name = "spark"
    struct = "struct(user_id, timestamp, place)"
    shard = (
        "CAST(CAST(conv(substring(md5(encode(CAST(user_id AS STRING), 'UTF-8')), 1, 8), 16, 10) "
        "AS BIGINT) % {shards} AS INT)"
    )

    def __init__(self, master: str | None = None) -> None:
        sql = import_extra("pyspark.sql", "cluster")
        java = shutil.which("java") or os.environ.get("JAVA_HOME")
        must = "`engine='spark'` needs Java 17 or later: install it, or set the variable JAVA_HOME"
        require(java, must, engine="spark", java=java)
        self.session = (
            sql.SparkSession.builder.master(master or os.environ.get("SPARK_MASTER", LOCAL))
            .appName("recmodels")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", os.environ.get("SPARK_PARTITIONS", "8"))
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )

    def version(self) -> str:
        return self.session.version

    def close(self) -> None:
        """End the session."""
        self.session.stop()

    def view(self, name: str, paths: list[Path], casts: dict[str, str] | None = None) -> None:
        frame = self.session.read.parquet(*(str(path.absolute()) for path in paths))
        for column, kind in (casts or {}).items():
            frame = frame.withColumn(column, frame[column].cast(kind))
        frame.createOrReplaceTempView(name)

    def keep(self, name: str, sql: str) -> int:
        # A checkpoint cuts the plan, which every pass of the k-core would otherwise make longer.
        frame = self.session.sql(sql).localCheckpoint()
        frame.createOrReplaceTempView(name)
        return frame.count()

    def write(self, sql: str, folder: Path) -> None:
        self.session.sql(sql).write.mode("overwrite").parquet(str(folder.absolute()))

    def write_shards(self, sql: str, shards: int, folder: Path) -> None:
        target = folder / "by_shard"
        (
            self.session.sql(sql)
            .repartition(shards, "shard")
            .sortWithinPartitions("shard", "user_id", "timestamp", "place")
            .drop("place")
            .write.mode("overwrite")
            .option("maxRecordsPerFile", 0)
            .partitionBy("shard")
            .parquet(str(target.absolute()))
        )
        for part in target.glob("shard=*"):
            (file,) = part.glob("*.parquet")
            file.rename(folder / f"shard-{int(part.name.split('=')[1]):05d}.parquet")
        shutil.rmtree(target)
