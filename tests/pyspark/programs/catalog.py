"""Databases, tables and views by SQL."""
from shared import case, rows, session

spark, folder = session()

STATEMENTS = [
    "show databases",
    "create database d1 comment 'hello' with dbproperties (a=1,b='x')",
    "create database d1",
    "create database if not exists d1",
    "show databases like 'd*'",
    "show tables",
    "create table t1 (a int comment 'the a', b string, p int) using parquet partitioned by (p) comment 'tab' tblproperties ('k'='v')",
    "create table t1 (a int) using csv",
    "create table if not exists t1 (a int) using csv",
    "show tables",
    "show tables in d1",
    "show tables like 't*'",
    "describe t1",
    "describe t1 a",
    "show columns in t1",
    "show create table t1",
    "show tblproperties t1",
    "show tblproperties t1 ('k')",
    "show tblproperties t1 ('zz')",
    "insert into t1 values (1,'x',10),(2,'y',20)",
    "insert into t1 partition (p=30) values (3,'z')",
    "insert into t1 partition (p) values (4,'w',10)",
    "select * from t1 order by a",
    "show partitions t1",
    "insert overwrite t1 partition (p=10) values (9,'nine')",
    "select * from t1 order by a",
    "insert into t1 (b,a,p) values ('q',7,7)",
    "insert into t1 (b,p) values ('only',8)",
    "select * from t1 order by a,b",
    "insert into t1 values (1,2)",
    "insert into t1 values (1,2,3,4)",
    "insert into t1 values ('notint','x',1)",
    "insert into t1 select 'abc','x',1",
    "insert into t1 select 1L,true,1",
    "insert into nope values (1)",
    "insert into t1 by name select 5 p, 'bn' b, 100 a",
    "insert into t1 by name select 5 p, 'bn' b",
    "alter table t1 add columns (c double)",
    "select * from t1 order by a,b",
    "alter table t1 set tblproperties ('x'='y')",
    "alter table t1 add partition (p=99)",
    "show partitions t1",
    "alter table t1 drop partition (p=7)",
    "select count(*) from t1",
    "truncate table t1",
    "select count(*) from t1",
    "create table t2 as select 1 a, 'x' b",
    "select * from t2",
    "create table d1.t3 using json as select 1 a, array(1,2) b",
    "select * from d1.t3",
    "select * from spark_catalog.d1.t3",
    "use d1",
    "select current_database()",
    "show tables",
    "select * from t3",
    "select * from default.t2",
    "alter table t3 rename to t4",
    "select * from t4",
    "drop table t4",
    "drop table t4",
    "drop table if exists t4",
    "use default",
    "create view v1 as select a, b from t2 where a = 1",
    "select * from v1",
    "show views",
    "describe v1",
    "create or replace view v1 (x comment 'xc', y) as select a+1, b from t2",
    "select * from v1",
    "describe v1",
    "show create table v1",
    "drop table v1",
    "drop view t2",
    "drop view v1",
    "drop view v1",
    "insert overwrite t2 values (5,'five')",
    "select * from t2",
    "create table t5 like t1",
    "describe t5",
    "drop database d1",
    "create table d1.x (a int) using parquet",
    "drop database d1",
    "drop database d1 cascade",
    "drop database d1",
    "drop database if exists d1",
    "show functions like 'abs*'",
    "show catalogs",
    "create temp view tv as select 1 z",
    "show tables",
    "describe query select 1 a, 'x' b",
    "analyze table t2 compute statistics",
    "refresh table t2",
    "select * from nope.t",
    "use nope",
    "create table ext (a int) using csv location '{folder}/ext_csv'",
    "insert into ext values (1),(2)",
    "select * from ext order by a",
    "drop table ext",
    "create table ext2 using csv location '{folder}/ext_csv'",
    "select * from ext2 order by 1",
    "drop table ext2",
    "drop table t1",
    "drop table t2",
    "drop table t5",
    "drop view tv",
    "show tables",
    "create table bad (a int, A int) using parquet",
    "create table bad (a int) using parquet partitioned by (q)",
    "update t1 set a=1",
    "delete from t1",
    "msck repair table t1",
    "show databases",
]

for statement in STATEMENTS:
    case(statement, lambda: rows(spark.sql(statement.replace("{folder}", folder))))

# The same by the DataFrame API.
df = spark.createDataFrame([(1, "a"), (2, "b")], "id int, s string")
case("save", lambda: df.write.saveAsTable("saved"))
case("save again", lambda: df.write.saveAsTable("saved"))
case("ignore", lambda: df.write.mode("ignore").saveAsTable("saved"))
case("append by name", lambda: df.select("s", "id").write.mode("append").saveAsTable("saved"))
case("insertInto by position", lambda: df.selectExpr("id + 10 x", "upper(s) y").write.insertInto("saved"))
case("insertInto wrong type", lambda: df.select("s", "id").write.insertInto("saved"))
case("read", lambda: rows(spark.table("saved").orderBy("id", "s")))
case("overwrite", lambda: df.limit(1).write.mode("overwrite").saveAsTable("saved"))
case("read overwritten", lambda: rows(spark.read.table("saved")))
case("partitioned", lambda: df.write.partitionBy("s").format("json").saveAsTable("parted"))
case("read partitioned", lambda: rows(spark.table("parted").orderBy("id")))
case("overwrite partition", lambda: (
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic"),
    spark.sql("insert overwrite parted select 9, 'b'"),
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static"),
) and rows(spark.table("parted").orderBy("id")))
case("exists", lambda: [spark.catalog.tableExists(name) for name in ("saved", "nope", "default.saved")])
case("list", lambda: [(t.name, t.namespace, t.tableType) for t in spark.catalog.listTables()])
case("columns", lambda: [(c.name, c.dataType, c.isPartition) for c in spark.catalog.listColumns("parted")])
for name in ("saved", "parted"):
    case("drop", lambda: rows(spark.sql(f"drop table {name}")))
