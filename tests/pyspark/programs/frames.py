"""What DataFrames do beyond SQL, and orders that Spark defines."""
from shared import case, rows, session

from pyspark.sql import functions as F

spark, _ = session()

df=spark.createDataFrame([(1,"a",1.0),(2,"b",None),(3,None,2.0),(1,"b",3.0)],"id int, s string, d double")
case("crosstab", lambda: rows(df.crosstab("id","s").sort("id_s")))
case("crosstab2", lambda: rows(df.crosstab("s","id").sort("s_id")))
case("freq", lambda: [sorted(map(str,x)) for x in df.freqItems(["id","s"],0.3).first()])
case("freq2", lambda: [sorted(map(str,x)) for x in spark.range(100).selectExpr("id % 7 a","if(id%2=0,1,id) b").freqItems(["a","b"],0.4).first()])
case("transpose", lambda: rows(spark.createDataFrame([("b",1,2),("a",3,4),(None,5,6)],"k string, x int, y long").transpose()))
case("transpose idx", lambda: rows(spark.createDataFrame([("b",1,2),("a",3,4),("a",7,8)],"k string, x int, y long").transpose("x")))
case("transpose bad", lambda: rows(spark.sql("select 1 a, array(1) b, 2 c").transpose()))
case("transpose bad idx", lambda: rows(spark.sql("select array(1) b, 2 c").transpose()))
L=spark.createDataFrame([(1,"x",10),(2,"y",20),(5,"x",50)],"a int, k string, lv int")
R=spark.createDataFrame([(1,"x",1),(2,"x",2),(3,"y",3),(6,"x",6)],"a int, k string, rv int")
for d in ["backward","forward","nearest"]:
    case("asof "+d, lambda: rows(L._joinAsOf(R,"a","a",direction=d,how="left").sort(L.a)))
    case("asof on "+d, lambda: rows(L._joinAsOf(R,"a","a",on="k",direction=d).sort(L.a)))
    case("asof tol "+d, lambda: rows(L._joinAsOf(R,"a","a",direction=d,tolerance=F.lit(1),allowExactMatches=False).sort(L.a)))
case("nearest", lambda: rows(L.nearestByJoin(R, F.abs(L.a-R.a),2,"exact","distance").sort(L.a,"rv")))
case("nearest left", lambda: rows(L.nearestByJoin(R, F.abs(L.a-R.a),1,"exact","similarity",joinType="leftouter").sort(L.a,"rv")))
case("lateral limit", lambda: rows(spark.sql("select * from values (1),(2) l(a), lateral (select b from values (1,10),(1,11),(1,12),(2,20) r(a,b) where r.a=l.a order by b desc limit 2) order by a,b")))
case("lateral limit left", lambda: rows(spark.sql("select * from values (1),(3) l(a) left join lateral (select b from values (1,10),(1,11),(1,12),(2,20) r(a,b) where r.a=l.a order by b desc limit 1) order by a,b")))
case("in rows", lambda: rows(spark.sql("select * from values (1,'a'),(2,'b'),(3,null) t(a,b) where (a,b) in (select * from values (1,'a'),(3,null) u(x,y)) order by a")))
case("not in rows", lambda: rows(spark.sql("select * from values (1,'a'),(2,'b'),(3,null),(4,'z') t(a,b) where (a,b) not in (select * from values (1,'a'),(3,'q') u(x,y)) order by a")))
case("not in rows null", lambda: rows(spark.sql("select * from values (1,'a'),(2,'b') t(a,b) where (a,b) not in (select * from values (1,cast(null as string)),(null,'b') u(x,y)) order by a")))
case("first sorted", lambda: rows(df.sort("d").groupBy("id").agg(F.first("s"),F.last("s"),F.collect_list("s")).sort("id")))
case("collect sorted", lambda: rows(df.sort(F.desc("d")).agg(F.collect_list("d"))))
case("union", lambda: rows(spark.range(2).union(spark.range(5,7)).union(spark.range(9,10)).limit(10)))
case("cross", lambda: rows(spark.range(3).crossJoin(spark.range(2).selectExpr("id b"))))
case("pivot in join", lambda: rows(L.groupBy("k").pivot("a").count().join(R,"k").sort("rv")))
df.groupBy("s").pivot("id").count().createOrReplaceTempView("pv")
case("pivot view", lambda: rows(spark.table("pv").sort("s")))
case("regex", lambda: df.select(df.colRegex("`(id)?+.+`")).columns)
case("lateral tvf", lambda: rows(spark.sql("select * from values (1, array(1,2)),(2,array(3)) t(a,xs), lateral (select col+a c from explode(xs)) order by 1,3")))
