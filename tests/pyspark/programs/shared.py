"""What the programs share: a session, cases, and rows as text."""
import sys

from pyspark.sql import SparkSession


def session():
    """`program.py REMOTE FOLDER`: of a server, or `local` for real Spark in this process."""
    remote, folder = sys.argv[1], sys.argv[2]
    builder = SparkSession.builder
    if remote == "local":
        builder = builder.master("local[1]").config("spark.sql.warehouse.dir", f"{folder}/warehouse")
    else:
        builder = builder.remote(remote)
    spark = builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark, folder


def case(name, run):
    """Prints what `run` answers, or the condition of its error."""
    try:
        print(name, "=>", run())
    except Exception as error:  # any error is an answer here
        condition = getattr(error, "getCondition", lambda: None)()
        print(name, "=> ERROR", type(error).__name__, condition)


def rows(frame):
    return frame.dtypes, [str(row) for row in frame.collect()]


def sorted_rows(frame):
    return frame.dtypes, sorted(map(str, frame.collect()))
