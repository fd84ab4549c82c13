"""Python functions: of rows, of columns, of groups, of partitions, and of tables."""
import os
import sys

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)

from typing import Iterator, Tuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from shared import case, rows, session, sorted_rows

from pyspark.sql import Row, Window
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udf, pandas_udf, udf, udtf
from pyspark.sql.types import LongType

spark, _ = session()


def raised(name, run):
    """The kind of an error and the last line of its traceback."""
    try:
        print(name, "=>", run())
    except Exception as error:  # any error is an answer here
        lines = [line.strip() for line in str(error).splitlines() if "Error: " in line and "SQLSTATE" not in line]
        print(name, "=> ERROR", type(error).__name__, lines[-1:])


numbers = spark.createDataFrame([(1, "a", 1.5), (2, "b", None), (3, None, 2.5), (4, "a", -1.0)], "id int, s string, d double")

# Rows.
plus = udf(lambda x: None if x is None else x + 1, "int")
join = udf(lambda a, b="?": f"{a}-{b}", "string")
case("row", lambda: rows(numbers.select(plus("id"), join("id", "s"), join("s", b="id"), join(b=F.col("s"), a=F.col("d")))))
case("no argument", lambda: rows(spark.range(2).select(udf(lambda: 7, "int")().alias("x"))))
case("constant", lambda: rows(spark.range(1).select(plus(F.lit(41)).alias("x"))))
case("chained", lambda: rows(numbers.select(plus(plus("id")).alias("x"), (plus("id") * 2 + plus("id")).alias("y"))))
case("filter", lambda: rows(numbers.filter(plus("id") > 2).select("id")))
case("filter and", lambda: rows(numbers.filter((plus("id") > 2) & (F.col("s") == "a")).select("id")))
case("sort", lambda: rows(numbers.sort(udf(lambda x: -x, "int")("id")).select("id")))
case("group key", lambda: sorted_rows(numbers.groupBy(udf(lambda x: x % 2, "int")("id").alias("k")).agg(F.sum("id"))))
case("aggregate argument", lambda: rows(numbers.agg(F.sum(plus("id")).alias("x"), F.max(join("id", "s")).alias("y"))))
case("over aggregate", lambda: rows(numbers.groupBy().agg(plus(F.sum("id").cast("int")).alias("x"))))
case("join", lambda: sorted_rows(numbers.alias("a").join(numbers.alias("b"), plus("a.id") == F.col("b.id")).select("a.id", "b.id")))
case("join both", lambda: sorted_rows(numbers.alias("a").join(numbers.alias("b"), udf(lambda x, y: x + y == 5, "boolean")("a.id", "b.id")).select("a.id", "b.id")))
case("when", lambda: rows(numbers.select(F.when(F.col("s").isNull(), plus("id")).otherwise(0).alias("x"))))
case("window", lambda: rows(spark.sql("select id, row_number() over (order by id desc) r from range(3)").select("id", plus(F.col("r")).alias("x")).sort("id")))
case("nondeterministic", lambda: rows(numbers.select(udf(lambda x: x, "int").asNondeterministic()("id").alias("x"))))
case("names", lambda: spark.range(1).select(plus("id"), plus(x=F.col("id") + 1), join("id", F.lit("z"))).columns)

# Types, in and out.
values = spark.sql(
    "select true b, cast(1 as tinyint) i1, cast(2 as smallint) i2, 3 i4, 4L i8, cast(1.5 as float) f, 2.5D d, 1.25 dec, "
    "'t' s, binary('xy') bin, date'2024-02-29' dt, timestamp'2024-02-29 12:00:00.5' ts, timestamp_ntz'2024-02-29 12:00:00' tn, "
    "interval 1 day 2 hours iv, array(1, null) a, map('k', 1) m, named_struct('x', 1, 'y', 'z') st"
)
for column in values.columns:
    kind = values.schema[column].dataType
    case(f"type {column}", lambda: rows(values.select(udf(lambda v: v, kind)(column).alias("x"))))
    case(f"seen {column}", lambda: rows(values.select(udf(lambda v: repr(v), "string")(column).alias("x"))))
    case(f"pickled {column}", lambda: rows(values.select(udf(lambda v: v, kind, useArrow=False)(column).alias("x"))))
    case(f"null {column}", lambda: rows(values.select(udf(lambda v: None, kind)(column).alias("x"))))
case("struct out", lambda: rows(spark.range(2).select(udf(lambda x: (x, str(x)), "a long, b string")("id").alias("x")).select("x.*")))
case("row out", lambda: rows(spark.range(2).select(udf(lambda x: Row(a=x, b=[x]), "a long, b array<long>")("id").alias("x"))))
case("dict out", lambda: rows(spark.range(2).select(udf(lambda x: {"k": x}, "map<string,long>")("id").alias("x"))))
case("struct in", lambda: rows(values.select(udf(lambda v: v.y * 2 + str(v["x"]), "string")("st").alias("x"))))
given = [1, 1.5, "a", None, True, [1], "7", 2**40]
for kind in ["int", "long", "string", "double", "boolean"]:
    for index in range(len(given)):
        returns = udf(lambda x, index=index: given[index], kind, useArrow=False)
        case(f"pickled {given[index]!r} as {kind}", lambda: rows(spark.range(1).select(returns("id").alias("x"))))

# Errors.
raised("raise", lambda: rows(numbers.select(udf(lambda x: 1 // (x - 1), "int")("id"))))
raised("stop", lambda: rows(numbers.select(udf(lambda x: next(iter([])), "int")("id"))))
raised("arguments", lambda: rows(numbers.select(udf(lambda x: x, "int")("id", "s"))))
raised("lengths", lambda: rows(numbers.select(pandas_udf(lambda v: v[:1], "int")("id"))))

# Columns, by pandas and by Arrow.


@pandas_udf("long")
def add(a: pd.Series, b: pd.Series) -> pd.Series:
    return a + b


@pandas_udf("long")
def add_iterated(batches: Iterator[Tuple[pd.Series, pd.Series]]) -> Iterator[pd.Series]:
    for a, b in batches:
        yield a + b


@pandas_udf("long")
def twice(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for batch in batches:
        yield batch * 2


@pandas_udf("a long, b string")
def both(a: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"a": a, "b": a.astype(str)})


@pandas_udf("string")
def of_struct(a: pd.DataFrame) -> pd.Series:
    return a["id"].astype(str) + a["s"].fillna("-")


@arrow_udf("long")
def add_arrow(a: pa.Array, b: pa.Array) -> pa.Array:
    return pc.add(a, b)


@arrow_udf("long")
def twice_arrow(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    for batch in batches:
        yield pc.multiply(batch, 2)


case("pandas", lambda: rows(spark.range(3).select(add("id", "id"), add("id", b="id"), add_iterated("id", "id"), twice("id"))))
case("pandas struct", lambda: rows(spark.range(2).select(both("id").alias("x")).select("x.*")))
case("pandas of struct", lambda: rows(numbers.select(of_struct(F.struct("id", "s")).alias("x"))))
case("arrow", lambda: rows(spark.range(3).select(add_arrow("id", "id"), twice_arrow("id"))))
case("mixed", lambda: rows(spark.range(3).select(add(plus("id"), twice_arrow("id")).alias("x"))))
case("many rows", lambda: rows(spark.range(30000).select(plus(twice("id")).alias("x"), add_arrow("id", "id").alias("y")).agg(F.sum("x"), F.sum("y"))))

# Groups.
grouped = numbers.groupBy("s")


@pandas_udf("double")
def mean(v: pd.Series) -> float:
    return v.mean()


@pandas_udf("double")
def weighted(v: pd.Series, w: pd.Series) -> float:
    return float((v * w).sum())


@pandas_udf("long")
def total_iterated(batches: Iterator[pd.Series]) -> int:
    return int(sum(batch.sum() for batch in batches))


@arrow_udf("long")
def most(v: pa.Array) -> int:
    return pc.max(v)


@arrow_udf("long")
def total_arrow(batches: Iterator[pa.Array]) -> int:
    return sum(pc.sum(batch).as_py() for batch in batches)


case("aggregate", lambda: sorted_rows(grouped.agg(mean("id"), mean(F.col("id") + 1) + 1, weighted("id", F.lit(2)))))
case("aggregate all", lambda: rows(numbers.agg(mean("id"), weighted("id", "id"))))
case("aggregate none", lambda: rows(numbers.filter("id > 9").groupBy("s").agg(mean("id"))))
case("aggregate iterated", lambda: sorted_rows(grouped.agg(total_iterated("id").alias("x"))))
case("aggregate arrow", lambda: sorted_rows(grouped.agg(most("id").alias("x"))))
case("aggregate arrow iterated", lambda: sorted_rows(grouped.agg(total_arrow("id").alias("x"))))
case("aggregate with key", lambda: sorted_rows(numbers.groupBy((F.col("id") % 2).alias("k")).agg(mean("id"))))

by_s = Window.partitionBy("s")
case("window all", lambda: sorted_rows(numbers.select("id", mean("id").over(by_s).alias("x"))))
case("window running", lambda: sorted_rows(numbers.select("id", mean("id").over(Window.orderBy("id")).alias("x"))))
case("window sliding", lambda: sorted_rows(numbers.select("id", mean("id").over(Window.orderBy("id").rowsBetween(-1, 0)).alias("x"))))
case("window arrow", lambda: sorted_rows(numbers.select("id", most("id").over(by_s.orderBy("id")).alias("x"))))

case("applyInPandas", lambda: sorted_rows(grouped.applyInPandas(lambda f: f.assign(d=f.d - f.d.mean()), numbers.schema)))
case("applyInPandas key", lambda: sorted_rows(grouped.applyInPandas(lambda k, f: pd.DataFrame([(str(k[0]), len(f))]), "k string, n long")))
case("applyInPandas none", lambda: rows(numbers.groupBy().applyInPandas(lambda f: pd.DataFrame({"n": [len(f)]}), "n long")))
case("applyInPandas expression", lambda: sorted_rows(numbers.groupBy((F.col("id") % 2).alias("k")).applyInPandas(lambda k, f: pd.DataFrame([(int(k[0]), f.id.sum())], columns=["k", "n"]), "k int, n long")))
case("applyInPandas order", lambda: sorted_rows(grouped.applyInPandas(lambda f: pd.DataFrame({"b": f.s, "a": f.id}), "a int, b string")))
raised("applyInPandas names", lambda: rows(grouped.applyInPandas(lambda f: pd.DataFrame({"z": f.s}), "a string")))


def per_group(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield batch[["id"]]


def per_arrow_group(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.select(["id"])


case("applyInPandas iterated", lambda: sorted_rows(grouped.applyInPandas(per_group, "id int")))
case("applyInArrow", lambda: sorted_rows(grouped.applyInArrow(lambda t: t.select(["id", "s"]), "id int, s string")))
case("applyInArrow key", lambda: sorted_rows(grouped.applyInArrow(lambda k, t: pa.table({"k": [str(k[0].as_py())], "n": [t.num_rows]}), "k string, n long")))
case("applyInArrow iterated", lambda: sorted_rows(grouped.applyInArrow(per_arrow_group, "id int")))
others = spark.createDataFrame([("a", 10), ("c", 30), (None, 5)], "s string, v long")
pair = grouped.cogroup(others.groupBy("s"))
case("cogroup", lambda: sorted_rows(pair.applyInPandas(lambda a, b: pd.DataFrame({"n": [len(a)], "v": [int(b.v.sum())]}), "n long, v long")))
case("cogroup key", lambda: sorted_rows(pair.applyInPandas(lambda k, a, b: pd.DataFrame([(str(k[0]), len(a), len(b))], columns=["k", "a", "b"]), "k string, a long, b long")))
case("cogroup arrow", lambda: sorted_rows(pair.applyInArrow(lambda a, b: pa.table({"n": [a.num_rows], "m": [b.num_rows]}), "n long, m long")))
case("groups then groups", lambda: sorted_rows(grouped.applyInPandas(lambda f: f, numbers.schema).groupBy("s").agg(F.count("*"))))

# Partitions.


def kept(batches):
    for batch in batches:
        yield batch[batch.id > 1]


def kept_arrow(batches):
    for batch in batches:
        yield batch.filter(pc.greater(batch["id"], 1))


case("mapInPandas", lambda: rows(numbers.mapInPandas(kept, numbers.schema).select("id", "s")))
case("mapInArrow", lambda: rows(numbers.mapInArrow(kept_arrow, numbers.schema).select("id", "s")))
case("mapInPandas columns", lambda: rows(spark.range(3).mapInPandas(lambda bs: (pd.DataFrame({"b": b.id * 2, "a": b.id.astype(str)}) for b in bs), "a string, b long")))
case("mapInPandas many", lambda: rows(spark.range(50000).mapInPandas(lambda bs: bs, "id long").agg(F.sum("id"))))
case("mapInPandas empty", lambda: rows(spark.range(0).mapInPandas(lambda bs: bs, "id long")))
case("mapInPandas then limit", lambda: rows(spark.range(50000).mapInPandas(lambda bs: bs, "id long").limit(1).select(F.lit(1))))
raised("mapInPandas raises", lambda: rows(spark.range(3).mapInPandas(lambda bs: (1 // 0 for _ in bs), "id long")))

# Tables.


@udtf(returnType="n int, square int")
class Squares:
    def eval(self, start: int, end: int):
        for n in range(start, end):
            yield n, n * n


@udtf(returnType="word string")
class Words:
    def __init__(self):
        self.count = 0

    def eval(self, text: str):
        for word in text.split():
            self.count += 1
            yield (word,)

    def terminate(self):
        yield (f"{self.count} words",)


@udtf(returnType="total long")
class Total:
    def __init__(self):
        self.total = 0

    def eval(self, row: Row):
        self.total += row["id"]

    def terminate(self):
        yield (self.total,)


case("table", lambda: rows(Squares(F.lit(1), F.lit(4))))
case("table named", lambda: rows(Squares(end=F.lit(3), start=F.lit(1))))
case("table terminate", lambda: rows(Words(F.lit("a b"))))
spark.udtf.register("squares", Squares)
spark.udtf.register("words", Words)
spark.udtf.register("total", Total)
case("table by name", lambda: rows(spark.sql("select * from squares(1, 3)")))
case("table lateral", lambda: sorted_rows(spark.sql("select a, n from values (1), (2) t(a), lateral squares(0, a)")))
case("table words", lambda: rows(spark.sql("select * from words('x y z')")))
case("table argument", lambda: rows(spark.sql("select * from total(table(select id from range(5)))")))
case("table partitions", lambda: sorted_rows(spark.sql("select * from total(table(select id, id % 2 k from range(5)) partition by k)")))

# By name.
spark.udf.register("plus_one", plus)
spark.udf.register("plain", lambda x: str(x))
spark.udf.register("typed", lambda x: x * 2, LongType())
spark.udf.register("add_pandas", add)
spark.udf.register("mean_pandas", mean)
case("sql", lambda: rows(spark.sql("select plus_one(1), plain(2), typed(3L), add_pandas(1L, id) x from range(2)")))
case("sql where", lambda: rows(spark.sql("select id from range(5) where typed(id) > 4")))
case("sql aggregate", lambda: sorted_rows(spark.sql("select id % 2 k, mean_pandas(id) m from range(5) group by id % 2")))
case("sql name", lambda: spark.sql("select plus_one(1), PLAIN(id) from range(1)").columns)
case("call", lambda: rows(spark.range(2).select(F.call_udf("typed", "id").alias("x"), F.call_function("plain", F.col("id")).alias("y"))))
case("selectExpr", lambda: rows(spark.range(2).selectExpr("typed(id) as x")))
case("unknown", lambda: rows(spark.sql("select not_there(1)")))
