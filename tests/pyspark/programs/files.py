"""Files written and read: formats, modes, partitions, options, errors."""
import datetime
import decimal
import os

from shared import case, session, sorted_rows

from pyspark.sql import functions as F

spark, folder = session()

df = spark.createDataFrame([(1,"a",1.5,datetime.date(2020,1,2),True,decimal.Decimal("1.20")),(2,None,None,None,None,None),(3,"x,y \"q\"",2.0,datetime.date(1999,12,31),False,decimal.Decimal("-3.45"))],"id int, s string, d double, dt date, b boolean, dc decimal(10,2)")
def names(p):
    out=[]
    for r,_,fs in os.walk(p):
        for f in fs:
            if f.startswith(".") : continue
            out.append(os.path.join(os.path.relpath(r,p), f.split("-")[0]+"|"+".".join(f.split(".")[1:])))
    return sorted(out)
for fmt in ["parquet","csv","json"]:
    p=f"{folder}/{fmt}"
    case(fmt+" write", lambda: df.write.format(fmt).save(p))
    case(fmt+" files", lambda: len(names(p))>=2)
    case(fmt+" again", lambda: df.write.format(fmt).save(p))
    case(fmt+" ignore", lambda: df.write.mode("ignore").format(fmt).save(p))
    case(fmt+" read", lambda: sorted_rows(spark.read.format(fmt).load(p)))
    case(fmt+" schema", lambda: sorted_rows(spark.read.schema("id long, s string, zz int, d double").format(fmt).load(p)) if fmt!="csv" else sorted_rows(spark.read.schema(df.schema).csv(p)))
    case(fmt+" append", lambda: df.write.mode("append").format(fmt).save(p))
    case(fmt+" count", lambda: spark.read.format(fmt).load(p).count())
    case(fmt+" overwrite", lambda: df.limit(1).write.mode("overwrite").format(fmt).save(p))
    case(fmt+" count2", lambda: spark.read.format(fmt).load(p).count())
    q=f"{folder}/{fmt}_part"
    case(fmt+" partitionBy", lambda: df.write.partitionBy("b","s").format(fmt).save(q))
    case(fmt+" partition names", lambda: sorted({os.path.dirname(n) for n in names(q)}))
    case(fmt+" partition read", lambda: sorted_rows(spark.read.format(fmt).load(q)))
    case(fmt+" partition filter", lambda: sorted_rows(spark.read.format(fmt).load(q).where("b = 'true'").select("id" if fmt!="csv" else "s")))
case("csv header", lambda: df.write.option("header",True).csv(f"{folder}/h"))
case("csv header read", lambda: sorted_rows(spark.read.option("header",True).csv(f"{folder}/h")))
case("csv infer", lambda: sorted_rows(spark.read.csv(f"{folder}/h", header=True, inferSchema=True)))
case("csv infer noheader", lambda: sorted_rows(spark.read.csv(f"{folder}/h", inferSchema=True)))
case("text", lambda: df.select("s").write.text(f"{folder}/t"))
case("text read", lambda: sorted_rows(spark.read.text(f"{folder}/t")))
case("text whole", lambda: sorted_rows(spark.read.text(f"{folder}/t", wholetext=True).selectExpr("count(*) > 0 c")))
case("text two", lambda: df.write.text(f"{folder}/t2"))
case("gz", lambda: df.write.option("compression","gzip").json(f"{folder}/gz"))
case("gz read", lambda: sorted_rows(spark.read.json(f"{folder}/gz")))
case("nothing", lambda: spark.read.parquet(f"{folder}/none").count())
case("all part", lambda: df.select("id").write.partitionBy("id").parquet(f"{folder}/ap"))
case("no part", lambda: df.write.partitionBy("nope").parquet(f"{folder}/ap"))
case("dup", lambda: df.select("id",F.col("id").alias("ID")).write.parquet(f"{folder}/dup"))
case("empty", lambda: df.where("false").write.parquet(f"{folder}/empty"))
case("empty read", lambda: sorted_rows(spark.read.parquet(f"{folder}/empty")))
case("nested", lambda: spark.sql("select array(1,2) a, map('k', 1) m, named_struct('x', 1, 'y', 'z') s, timestamp'2020-01-01 10:00:00' t, timestamp_ntz'2020-01-01 10:00:00' n, interval '1' day i").write.parquet(f"{folder}/nested"))
case("nested read", lambda: sorted_rows(spark.read.parquet(f"{folder}/nested")))
case("nested csv", lambda: spark.sql("select array(1,2) a").write.csv(f"{folder}/nestedcsv"))
case("void", lambda: spark.sql("select null a").write.parquet(f"{folder}/void"))
open(f"{folder}/bad.json","w").write('{"a": 1}\n{"a": \n\n{"a": 3, "b": "x"}\n')
case("bad json", lambda: sorted_rows(spark.read.json(f"{folder}/bad.json")))
case("bad json drop", lambda: sorted_rows(spark.read.option("mode","DROPMALFORMED").schema("a int").json(f"{folder}/bad.json")))
open(f"{folder}/w.csv","w").write('id;name\n1;"a;b"\n\n2;"say \\"hi\\""\n3\n')
case("csv sep", lambda: sorted_rows(spark.read.csv(f"{folder}/w.csv", sep=";", header=True)))
case("csv drop", lambda: sorted_rows(spark.read.option("mode","DROPMALFORMED").csv(f"{folder}/w.csv", sep=";", header=True, schema="id int, name string")))
case("glob", lambda: spark.read.text(f"{folder}/*.csv").count())
case("sql path", lambda: sorted_rows(spark.sql(f"select count(*) c from json.`{folder}/bad.json`")))
case("dyn", lambda: (spark.range(4).selectExpr("id","id % 2 k").write.partitionBy("k").parquet(f"{folder}/dyn"), spark.range(10,12).selectExpr("id","1L k").write.option("partitionOverwriteMode","dynamic").mode("overwrite").partitionBy("k").parquet(f"{folder}/dyn"))[0])
case("dyn read", lambda: sorted_rows(spark.read.parquet(f"{folder}/dyn")))
case("over self", lambda: (spark.range(5).write.parquet(f"{folder}/p5"), spark.range(1000).repartition(3).write.mode("overwrite").parquet(f"{folder}/p5")) and spark.read.parquet(f"{folder}/p5").count())
case("insert dir", lambda: (spark.sql(f"insert overwrite directory '{folder}/idir' using json select 1 a, 'x' b").collect(), sorted_rows(spark.read.json(f"{folder}/idir")))[1])
