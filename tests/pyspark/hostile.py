"""Queries that no sensible program sends: very long, very wide, and nested thousands of levels deep.

    python hostile.py sc://localhost:15002

Each has to be answered as written here, or refused with a condition; and after each the server has to answer another
query. Run in a process of its own: PySpark itself goes down into DataFrames by recursion.
"""

import sys
import threading

LEVELS = 2_000
# PySpark decodes expressions of its own to a depth of 100 only, so that deep ones come as SQL.
CHAIN = 2_000


def cases(spark):
    import pyarrow as pa
    from pyspark.sql import functions as F

    def chained(step, count=CHAIN):
        frame = spark.range(2)
        for index in range(count):
            frame = step(frame, index)
        return frame

    sql = lambda text: lambda: [tuple(row) for row in spark.sql(text).collect()]  # noqa: E731
    one = [(1,)]
    yield "parentheses", sql("SELECT " + "(" * LEVELS + "1" + ")" * LEVELS), one
    yield "a chain of +", sql("SELECT " + "+".join(["id"] * LEVELS) + " FROM range(1, 2)"), [(LEVELS,)]
    yield "NOT NOT …", sql("SELECT " + "NOT " * LEVELS + "id = 1 FROM range(1, 2)"), [(True,)]
    yield "a chain of AND", sql("SELECT " + " AND ".join(["id >= 0"] * LEVELS) + " FROM range(1)"), [(True,)]
    yield "functions in functions", sql("SELECT " + "abs(" * LEVELS + "id" + ")" * LEVELS + " FROM range(1, 2)"), one
    case = "CASE WHEN id = 1 THEN 1 ELSE "
    yield "CASE in CASE", sql("SELECT " + case * 500 + "0" + " END" * 500 + " FROM range(1, 2)"), one
    yield "subqueries in subqueries", sql("SELECT * FROM " + "(SELECT * FROM " * LEVELS + "range(1, 2)" + ")" * LEVELS), one
    yield "deeper than the parser goes", sql("SELECT " + "(" * 20_000 + "1" + ")" * 20_000), "FAILED_TO_PARSE_TOO_COMPLEX"
    yield "a chain longer than the parser goes", sql("SELECT " + "+".join(["1"] * 20_000)), "FAILED_TO_PARSE_TOO_COMPLEX"
    yield "arrays in arrays", sql("SELECT " + "array(" * LEVELS + "1" + ")" * LEVELS), "UNSUPPORTED_FEATURE"
    yield "a type of arrays", sql("SELECT CAST(NULL AS " + "ARRAY<" * LEVELS + "INT" + ">" * LEVELS + ")"), "UNSUPPORTED_FEATURE"
    yield "a thousand tables", sql(
        "WITH t0 AS (SELECT 1)" + "".join(f", t{i} AS (SELECT * FROM t{i - 1})" for i in range(1, 1_000)) + " SELECT * FROM t999"
    ), one
    yield "an open quote", sql("SELECT 'x"), "PARSE_SYNTAX_ERROR"
    yield "no text at all", sql("SELECT \0"), "PARSE_SYNTAX_ERROR"
    yield "100,000 values in IN", sql(
        "SELECT count(*) FROM range(10) WHERE id IN (" + ",".join(map(str, range(5, 100_005))) + ")"
    ), [(5,)]
    yield "100,000 rows of VALUES", sql("SELECT count(*) FROM VALUES " + ",".join(f"({i})" for i in range(100_000))), [(100_000,)]
    yield "a text of 20 MB", sql("SELECT length('" + "x" * 20_000_000 + "') AS n"), [(20_000_000,)]
    yield "withColumn of withColumn", lambda: [
        tuple(row) for row in chained(lambda frame, i: frame.withColumn("a", F.lit(i))).collect()
    ], [(0, CHAIN - 1), (1, CHAIN - 1)]
    yield "filters of filters", lambda: chained(lambda frame, _: frame.filter("id >= 0")).count(), 2
    yield "unions of unions", lambda: chained(lambda frame, _: frame.union(spark.range(1)), 500).count(), 502
    rows = pa.table({"a": pa.array(range(1_000_000)), "b": pa.array([str(i) for i in range(1_000_000)])})
    yield "a million rows from the client", lambda: tuple(
        spark.createDataFrame(rows).agg(F.count("*"), F.sum("a"), F.max(F.length("b"))).first()
    ), (1_000_000, 499_999_500_000, 6)
    wide = spark.range(2).select(*[(F.col("id") + i).alias(f"c{i}") for i in range(10_000)])
    yield "10,000 columns", lambda: (len(wide.columns), sum(wide.first())), (10_000, sum(range(10_000)))


def outcome(run):
    """What a case answers, or the condition of its refusal."""
    from pyspark.errors import PySparkException

    try:
        return run()
    except PySparkException as error:
        return error.getCondition() or f"{type(error).__name__} without a condition: {error}"


def main():
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
    failures = []
    for name, run, expected in cases(spark):
        found = outcome(run)
        if found != expected:
            failures.append(f"{name}: {str(found)[:300]} instead of {str(expected)[:300]}")
        if spark.range(3).count() != 3:
            failures.append(f"{name}: the server answers no more")
        print(name, flush=True)
    if failures:
        sys.exit("\n".join(failures))


def run_main(endings: list) -> None:
    try:
        main()
        endings.append(None)
    except SystemExit as end:
        endings.append(end.code)


if __name__ == "__main__":
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(1 << 29)
    endings: list = []
    thread = threading.Thread(target=run_main, args=(endings,))
    thread.start()
    thread.join()
    sys.exit(endings[0] if endings else "the program failed")
