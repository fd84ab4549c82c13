#!/usr/bin/env python3
"""An unmodified PySpark program: reads CSV, joins, ranks with windows, writes partitioned Parquet, and prints.

    firesteel serve &
    pip install -r examples/pyspark/requirements.txt
    python examples/pyspark/trips.py --out /tmp/trips

Any Spark 4.2 runs it too: --remote local with the pyspark package, or the address of another Spark Connect server.
"""
import argparse
import pathlib

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

TRIPS = """trip_id,vendor,day,distance,fare
1,A,2026-01-01,3.5,14.00
2,A,2026-01-01,1.2,7.50
3,B,2026-01-01,8.0,31.25
4,B,2026-01-02,2.2,9.75
5,A,2026-01-02,5.1,19.00
6,C,2026-01-02,0.8,6.00
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--remote", default="sc://localhost:15002")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a folder for the data and the result")
    arguments = parser.parse_args()

    builder = SparkSession.builder
    builder = builder.master("local[1]") if arguments.remote == "local" else builder.remote(arguments.remote)
    spark = builder.getOrCreate()

    source = arguments.out.resolve() / "trips.csv"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(TRIPS)
    result = str(arguments.out.resolve() / "best")

    trips = spark.read.option("header", True).option("inferSchema", True).csv(str(source))
    vendors = spark.createDataFrame([("A", "Ash"), ("B", "Birch")], "vendor string, name string")

    by_fare = Window.partitionBy("day").orderBy(F.desc("fare"))
    best = (
        trips.join(vendors, "vendor", "left")
        .withColumn("name", F.coalesce("name", F.lit("unknown")))
        .withColumn("rank", F.row_number().over(by_fare))
        .withColumn("per_km", F.round(F.col("fare") / F.col("distance"), 2))
        .where("rank <= 2")
    )
    best.write.partitionBy("day").mode("overwrite").parquet(result)

    print("The two best trips of each day:")
    spark.read.parquet(result).orderBy("day", "rank").select("day", "rank", "name", "fare", "per_km").show()
    print("Fares by vendor:")
    trips.groupBy("vendor").agg(F.count("*").alias("trips"), F.sum("fare").alias("fares")).orderBy("vendor").show()


if __name__ == "__main__":
    main()
