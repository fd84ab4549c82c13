"""Rows that are kept: cache, persist, checkpoint. What is kept does not change when its source does."""
from shared import case, rows, session

from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

spark, folder = session()


def write(count):
    spark.range(count).write.mode("overwrite").parquet(f"{folder}/kept")


write(3)
df = spark.read.parquet(f"{folder}/kept")
case("level", lambda: str(df.storageLevel))
case("cached level", lambda: str(df.cache().storageLevel))
case("count", lambda: df.count())
case("a part", lambda: rows(df.where("id > 0").orderBy("id")))
write(5)
case("an overwrite by the session is seen", lambda: spark.read.parquet(f"{folder}/kept").count())
case("unpersisted", lambda: str(df.unpersist().storageLevel))
case("disk", lambda: str(spark.range(2).persist(StorageLevel.DISK_ONLY).storageLevel))

spark.range(3).createOrReplaceTempView("v")
case("view", lambda: spark.catalog.isCached("v"))
spark.catalog.cacheTable("v")
case("cached view", lambda: (spark.catalog.isCached("v"), spark.table("v").count()))
spark.sql("uncache table v")
case("uncached view", lambda: spark.catalog.isCached("v"))
spark.sql("cache table w as select 1 as one")
case("cache table as", lambda: (spark.catalog.isCached("w"), rows(spark.table("w"))))
spark.catalog.clearCache()
case("cleared", lambda: spark.catalog.isCached("w"))
case("no table", lambda: spark.catalog.isCached("nope"))

a = spark.createDataFrame([(1, "x"), (2, "y")], "id int, a string")
b = spark.createDataFrame([(1, "z")], "id int, b string")
joined = a.join(b, a.id == b.id, "left").cache()
case("columns of the sides", lambda: rows(joined.select(a.id, b.b).orderBy(a.id)))
case("hidden key", lambda: rows(a.join(b, "id").cache().select(b.id)))
types = spark.sql(
    "select array(1, null) a, named_struct('x', 1) s, map(1, 2) m, timestamp_ntz'2020-01-01 00:00:00' n, x'01' b, "
    "cast(1.5 as decimal(20, 3)) dc, null nn, interval '1' day d, make_interval(1, 2) i, interval '1' month im"
).cache()
case("types", lambda: types.count())
case("types again", lambda: rows(types.drop("i", "im")))
kept = spark.range(3).withColumn("r", F.rand(1)).localCheckpoint()
case("checkpoint", lambda: kept.collect() == kept.collect())
case("checkpoint columns", lambda: kept.columns)
