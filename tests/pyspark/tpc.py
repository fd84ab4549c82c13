#!/usr/bin/env python3
"""TPC-H and TPC-DS as Spark SQL through PySpark, compared with real Spark's rows.

    tpc.py REMOTE tpcds DATA golden/tpcds-sf0.01.json            run all queries and compare
    tpc.py REMOTE tpcds DATA golden/tpcds-sf0.01.json --every 10 each tenth only
    tpc.py local  tpcds DATA golden/tpcds-sf0.01.json --write    write the expected rows, by real Spark

DATA has a folder of Parquet files for each table; they become tables of the catalog. The texts of the queries are those that the pysail package carries.
Rows are compared in their order, or sorted on both sides alike where the query's own order leaves ties.
"""
import argparse
import importlib.util
import json
import pathlib
import sys
import time

from pyspark.sql import SparkSession


def queries(name):
    package = pathlib.Path(importlib.util.find_spec("pysail").origin).parent
    files = (package / "data" / name / "queries").glob("q*.sql")
    return sorted(files, key=lambda path: int("".join(letter for letter in path.stem if letter.isdigit())))


def cell(value):
    return None if value is None else repr(value) if isinstance(value, float) else str(value)


def run(spark, path):
    """The rows of the last statement that has columns."""
    rows = []
    for statement in path.read_text().split(";"):
        lines = [line for line in statement.splitlines() if line.strip() and not line.strip().startswith("--")]
        if not lines:
            continue
        # Of TPC-H's query 15: Spark keeps no view of columns without names in its catalog.
        statement = "\n".join(lines).replace("create view", "create temporary view")
        frame = spark.sql(statement)
        if frame.columns:
            rows = [[cell(value) for value in row] for row in frame.collect()]
    return rows


def is_same_cell(left, right):
    if left == right:
        return True
    try:
        left, right = float(left), float(right)
    except (TypeError, ValueError):
        return False
    # Sums of doubles depend on the order in which partitions come.
    return abs(left - right) <= 1e-9 * max(1.0, abs(left), abs(right))


def is_same(left, right):
    if len(left) != len(right):
        return False
    def equal(left, right):
        return all(len(a) == len(b) and all(map(is_same_cell, a, b)) for a, b in zip(left, right))
    def by_text(row):
        return [str(value) for value in row]
    return equal(left, right) or equal(sorted(left, key=by_text), sorted(right, key=by_text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("remote")
    parser.add_argument("set", choices=["tpch", "tpcds"])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("golden", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--queries", help="some by name, such as q10,q35")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    builder = SparkSession.builder
    if arguments.remote == "local":
        builder = builder.master("local[1]").config("spark.sql.shuffle.partitions", "2").config("spark.driver.memory", "4g")
    else:
        builder = builder.remote(arguments.remote)
    spark = builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    for table in sorted(path for path in arguments.data.iterdir() if path.is_dir()):
        spark.sql(f"DROP TABLE IF EXISTS {table.name}")
        spark.sql(f"CREATE TABLE {table.name} USING parquet LOCATION '{table.resolve()}'")
    expected = json.loads(arguments.golden.read_text()) if arguments.golden.exists() else {}
    chosen = arguments.queries.split(",") if arguments.queries else None
    found, different = {}, []
    for path in queries(arguments.set)[:: arguments.every]:
        if chosen is not None and path.stem not in chosen:
            continue
        started = time.time()
        try:
            found[path.stem] = run(spark, path)
            same = arguments.write or is_same(found[path.stem], expected[path.stem])
            outcome = "" if same else "OTHER ROWS"
        except Exception as error:  # an error is another answer
            outcome = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        if outcome:
            different.append(path.stem)
        rows = len(found.get(path.stem, []))
        print(f"{path.stem:5} {rows:5} rows {time.time() - started:6.2f} s {outcome}", flush=True)
    if arguments.write:
        all_rows = sorted((expected | found).items(), key=lambda item: int("".join(filter(str.isdigit, item[0]))))
        lines = (f"{json.dumps(name)}: {json.dumps(rows, separators=(',', ':'))}" for name, rows in all_rows)
        arguments.golden.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    if different:
        sys.exit(f"{len(different)} of {len(found)} differ: {' '.join(different)}")


if __name__ == "__main__":
    main()
