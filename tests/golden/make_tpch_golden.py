"""Write Apache Spark's answers for the TPC-H queries as golden files.

Every query in examples/sql/tpch runs in a local Spark session over TPC-H
tables in Parquet; each answer becomes one JSON file (see README.md here).
"""

import argparse
import datetime
import decimal
import json
import os
import re
import sys
import time
from pathlib import Path

SPARK_VERSION = "4.2.0"
TABLES = [
    "customer",
    "lineitem",
    "nation",
    "orders",
    "part",
    "partsupp",
    "region",
    "supplier",
]
QUERIES = Path(__file__).resolve().parents[2] / "examples" / "sql" / "tpch"

EXAMPLES = """\
examples:
  all 22 queries at scale factor 0.1:
    python make_tpch_golden.py --data tpch/sf0.1 --scale 0.1 --out tests/golden/tpch/sf0.1

  two of them again:
    python make_tpch_golden.py --data tpch/sf0.1 --scale 0.1 --out tests/golden/tpch/sf0.1 --only q01,q02
"""


def log(message):
    print(message, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder with the 8 tables: lineitem.parquet or lineitem/*.parquet, and so on",
    )
    parser.add_argument(
        "--scale",
        required=True,
        type=float,
        metavar="SF",
        help="scale factor of the data, written into the files",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder for the qNN.json files; made if it is missing",
    )
    parser.add_argument(
        "--only",
        metavar="LIST",
        help="comma-separated queries, for example q01,q02 (default: all)",
    )
    return parser.parse_args()


def chosen_queries(only):
    """The query files to run, in order."""
    files = {path.stem: path for path in sorted(QUERIES.glob("q*.sql"))}
    if not files:
        sys.exit(f"no queries in {QUERIES}")
    if only is None:
        return files
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in files]
    if unknown or not names:
        sys.exit(f"unknown query in --only: {', '.join(unknown) or 'empty list'}; there are {', '.join(files)}")
    return {name: files[name] for name in names}


def table_path(data, table):
    """The Parquet file or folder that holds one table."""
    for path in (data / f"{table}.parquet", data / table):
        if path.is_file() or (path.is_dir() and any(path.glob("*.parquet"))):
            return str(path.resolve())
    sys.exit(f"no {table}.parquet and no {table}/*.parquet in {data}")


def start_spark():
    # Collected timestamps would follow the process's time zone.
    os.environ["TZ"] = "UTC"
    time.tzset()
    import pyspark
    from pyspark.sql import SparkSession

    if pyspark.__version__ != SPARK_VERSION:
        sys.exit(f"the golden files come from pyspark {SPARK_VERSION}; this is {pyspark.__version__}")
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("make_tpch_golden")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def is_ordered(sql):
    """Whether the statement has an ORDER BY outside all parentheses."""
    sql = re.sub(r"--[^\n]*", " ", sql)
    sql = re.sub(r"'(?:[^']|'')*'", "''", sql)
    inner = None
    while inner != sql:
        inner, sql = sql, re.sub(r"\([^()]*\)", " ", sql)
    return re.search(r"\border\s+by\b", sql, re.IGNORECASE) is not None


def text(value, data_type):
    """One value as null or a string."""
    from pyspark.sql.types import DecimalType

    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value
    if isinstance(value, decimal.Decimal):
        assert isinstance(data_type, DecimalType)
        # The default context keeps 28 digits; Spark's decimals have up to 38.
        with decimal.localcontext() as context:
            context.prec = 76
            exact = value.quantize(decimal.Decimal(1).scaleb(-data_type.scale))
        assert exact == value
        return format(exact, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"no text form for a value of type {data_type.simpleString()}")


def write_golden(path, query, scale, schema, ordered, rows):
    """JSON with one column and one row to a line, so that diffs stay readable."""

    def lines(items):
        return ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in items)

    columns = [{"name": f.name, "type": f.dataType.simpleString()} for f in schema.fields]
    cells = [[text(v, f.dataType) for v, f in zip(row, schema.fields)] for row in rows]
    body = (
        "{\n"
        f'  "query": {json.dumps(query)},\n'
        f'  "spark": {json.dumps(SPARK_VERSION)},\n'
        f'  "scale": {json.dumps(scale)},\n'
        f'  "columns": [\n{lines(columns)}\n  ],\n'
        f'  "ordered": {json.dumps(ordered)},\n'
        f'  "rows": [\n{lines(cells)}\n  ]\n'
        "}\n"
    )
    json.loads(body)
    path.write_text(body, encoding="utf-8")


def main():
    args = arguments()
    queries = chosen_queries(args.only)
    tables = {table: table_path(args.data, table) for table in TABLES}
    scale = int(args.scale) if args.scale.is_integer() else args.scale
    args.out.mkdir(parents=True, exist_ok=True)

    spark = start_spark()
    try:
        for table, path in tables.items():
            spark.read.parquet(path).createOrReplaceTempView(table)
        for number, (name, path) in enumerate(queries.items(), start=1):
            sql = path.read_text(encoding="utf-8")
            started = time.monotonic()
            frame = spark.sql(sql)
            rows = frame.collect()
            seconds = time.monotonic() - started
            write_golden(args.out / f"{name}.json", name, scale, frame.schema, is_ordered(sql), rows)
            log(f"[{number}/{len(queries)}] {name}: {len(rows)} rows in {seconds:.1f} s")
    finally:
        spark.stop()
    log(f"wrote {len(queries)} files to {args.out}")


if __name__ == "__main__":
    main()
