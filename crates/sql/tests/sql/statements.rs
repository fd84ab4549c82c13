//! Commands, in the form of the plan's own `Debug` where that is short, and by field where it is not.

use firesteel_spec::*;
use firesteel_sql::*;

use crate::render;

fn command(text: &str) -> Command {
    match parse_statement(text, &Parameters::None) {
        Ok(Plan::Command(command)) => *command,
        Ok(Plan::Query(_)) => panic!("{text} is a query"),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn name(parts: &[&str]) -> Name {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

fn pairs(entries: &[(&str, &str)]) -> Options {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn short_commands() {
    for (text, expected) in [
        (
            "CREATE DATABASE IF NOT EXISTS d COMMENT 'c' LOCATION '/x' WITH DBPROPERTIES ('a' = 'b')",
            r#"CreateDatabase { name: ["d"], if_not_exists: true, comment: Some("c"), location: Some("/x"), properties: [("a", "b")] }"#,
        ),
        (
            "CREATE SCHEMA d",
            r#"CreateDatabase { name: ["d"], if_not_exists: false, comment: None, location: None, properties: [] }"#,
        ),
        (
            "CREATE NAMESPACE a.b WITH PROPERTIES (a = 1)",
            r#"CreateDatabase { name: ["a", "b"], if_not_exists: false, comment: None, location: None, properties: [("a", "1")] }"#,
        ),
        ("DROP DATABASE d", r#"DropDatabase { name: ["d"], if_exists: false, cascade: false }"#),
        ("DROP SCHEMA IF EXISTS d CASCADE", r#"DropDatabase { name: ["d"], if_exists: true, cascade: true }"#),
        ("DROP DATABASE d RESTRICT", r#"DropDatabase { name: ["d"], if_exists: false, cascade: false }"#),
        (
            "ALTER DATABASE d SET DBPROPERTIES ('a' = 'b')",
            r#"AlterDatabase { name: ["d"], properties: [("a", "b")], location: None }"#,
        ),
        ("ALTER SCHEMA d SET LOCATION '/x'", r#"AlterDatabase { name: ["d"], properties: [], location: Some("/x") }"#),
        ("USE d", r#"Use { name: ["d"], catalog: false }"#),
        ("USE DATABASE d", r#"Use { name: ["d"], catalog: false }"#),
        ("USE a.b", r#"Use { name: ["a", "b"], catalog: false }"#),
        ("USE NAMESPACE d", r#"Use { name: ["d"], catalog: false }"#),
        ("SET CATALOG c", r#"Use { name: ["c"], catalog: true }"#),
        ("SET CATALOG 'c'", r#"Use { name: ["c"], catalog: true }"#),
        ("SHOW DATABASES", "ShowDatabases { pattern: None }"),
        ("SHOW SCHEMAS LIKE 'a*'", r#"ShowDatabases { pattern: Some("a*") }"#),
        ("SHOW NAMESPACES 'x'", r#"ShowDatabases { pattern: Some("x") }"#),
        ("SHOW TABLES", "ShowTables { database: None, pattern: None, extended: false }"),
        ("SHOW TABLES IN d LIKE 'a*'", r#"ShowTables { database: Some(["d"]), pattern: Some("a*"), extended: false }"#),
        (
            "SHOW TABLES FROM a.b 'x|y'",
            r#"ShowTables { database: Some(["a", "b"]), pattern: Some("x|y"), extended: false }"#,
        ),
        ("SHOW TABLE EXTENDED LIKE 'x'", r#"ShowTables { database: None, pattern: Some("x"), extended: true }"#),
        ("SHOW VIEWS", "ShowViews { database: None, pattern: None }"),
        ("SHOW VIEWS IN d 'x'", r#"ShowViews { database: Some(["d"]), pattern: Some("x") }"#),
        ("SHOW COLUMNS FROM t", r#"ShowColumns { table: ["t"] }"#),
        ("SHOW COLUMNS IN d.t", r#"ShowColumns { table: ["d", "t"] }"#),
        ("SHOW COLUMNS FROM t FROM d", r#"ShowColumns { table: ["d", "t"] }"#),
        ("SHOW FUNCTIONS", "ShowFunctions { scope: None, pattern: None }"),
        ("SHOW USER FUNCTIONS", r#"ShowFunctions { scope: Some("user"), pattern: None }"#),
        ("SHOW SYSTEM FUNCTIONS LIKE 'a*'", r#"ShowFunctions { scope: Some("system"), pattern: Some("a*") }"#),
        ("SHOW FUNCTIONS abs", r#"ShowFunctions { scope: None, pattern: Some("abs") }"#),
        ("SHOW PARTITIONS t", r#"ShowPartitions { table: ["t"] }"#),
        ("SHOW CREATE TABLE t", r#"ShowCreateTable { table: ["t"] }"#),
        ("SHOW TBLPROPERTIES t", r#"ShowTableProperties { table: ["t"], key: None }"#),
        ("SHOW TBLPROPERTIES t ('a.b')", r#"ShowTableProperties { table: ["t"], key: Some("a.b") }"#),
        ("SHOW TBLPROPERTIES t (a.b)", r#"ShowTableProperties { table: ["t"], key: Some("a.b") }"#),
        ("SHOW CATALOGS", "ShowCatalogs { pattern: None }"),
        ("SHOW CATALOGS LIKE 'x'", r#"ShowCatalogs { pattern: Some("x") }"#),
        ("DESCRIBE t", r#"DescribeTable { table: ["t"], extended: false, column: None }"#),
        ("DESC TABLE t", r#"DescribeTable { table: ["t"], extended: false, column: None }"#),
        ("DESC EXTENDED t", r#"DescribeTable { table: ["t"], extended: true, column: None }"#),
        ("DESCRIBE FORMATTED a.b", r#"DescribeTable { table: ["a", "b"], extended: true, column: None }"#),
        ("DESC TABLE EXTENDED t", r#"DescribeTable { table: ["t"], extended: true, column: None }"#),
        ("DESC t a", r#"DescribeTable { table: ["t"], extended: false, column: Some(["a"]) }"#),
        ("DESC t a.b", r#"DescribeTable { table: ["t"], extended: false, column: Some(["a", "b"]) }"#),
        ("DESC EXTENDED t a", r#"DescribeTable { table: ["t"], extended: true, column: Some(["a"]) }"#),
        ("DESC DATABASE d", r#"DescribeDatabase { name: ["d"], extended: false }"#),
        ("DESCRIBE SCHEMA EXTENDED d", r#"DescribeDatabase { name: ["d"], extended: true }"#),
        ("DESC FUNCTION abs", r#"DescribeFunction { name: ["abs"], extended: false }"#),
        ("DESC FUNCTION EXTENDED abs", r#"DescribeFunction { name: ["abs"], extended: true }"#),
        ("DESC FUNCTION '+'", r#"DescribeFunction { name: ["+"], extended: false }"#),
        ("DESC FUNCTION +", r#"DescribeFunction { name: ["+"], extended: false }"#),
        ("DESC FUNCTION a.b", r#"DescribeFunction { name: ["a", "b"], extended: false }"#),
        ("DESC extended", r#"DescribeTable { table: ["extended"], extended: false, column: None }"#),
        ("DESC table", r#"DescribeTable { table: ["table"], extended: false, column: None }"#),
        ("DESC function", r#"DescribeTable { table: ["function"], extended: false, column: None }"#),
        ("DESC query", r#"DescribeTable { table: ["query"], extended: false, column: None }"#),
        ("DESC database", r#"DescribeTable { table: ["database"], extended: false, column: None }"#),
        ("SET", "Set { key: None, value: None }"),
        ("SET -v", r#"Set { key: Some("-v"), value: None }"#),
        ("SET a", r#"Set { key: Some("a"), value: None }"#),
        ("SET a.b.c", r#"Set { key: Some("a.b.c"), value: None }"#),
        (
            "SET spark.sql.shuffle.partitions=10",
            r#"Set { key: Some("spark.sql.shuffle.partitions"), value: Some("10") }"#,
        ),
        ("SET spark.sql.x = a b c", r#"Set { key: Some("spark.sql.x"), value: Some("a b c") }"#),
        ("SET a =", r#"Set { key: Some("a"), value: Some("") }"#),
        ("SET a='b'", r#"Set { key: Some("a"), value: Some("'b'") }"#),
        ("SET `a b`=`c d`", r#"Set { key: Some("a b"), value: Some("c d") }"#),
        ("SET `a-b`", r#"Set { key: Some("a-b"), value: None }"#),
        ("SET spark.sql.ansi.enabled=true;", r#"Set { key: Some("spark.sql.ansi.enabled"), value: Some("true") }"#),
        ("SET TIME ZONE LOCAL", "SetTimeZone { zone: None }"),
        ("SET TIME ZONE 'America/Los_Angeles'", r#"SetTimeZone { zone: Some("America/Los_Angeles") }"#),
        (r#"SET TIME ZONE "+01:00""#, r#"SetTimeZone { zone: Some("+01:00") }"#),
        ("SET TIME ZONE INTERVAL 3 HOURS", r#"SetTimeZone { zone: Some("+03:00") }"#),
        ("SET TIME ZONE INTERVAL '03:30' HOUR TO MINUTE", r#"SetTimeZone { zone: Some("+03:30") }"#),
        ("SET VAR x = 1", r#"SetVariable { assignments: [(["x"], Literal(Integer(1)))] }"#),
        ("RESET", "Reset { key: None }"),
        ("RESET a.b", r#"Reset { key: Some("a.b") }"#),
        ("RESET `a b`", r#"Reset { key: Some("a b") }"#),
        ("CACHE TABLE t", r#"CacheTable { name: ["t"], query: None, lazy: false }"#),
        ("CACHE LAZY TABLE t", r#"CacheTable { name: ["t"], query: None, lazy: true }"#),
        ("UNCACHE TABLE t", r#"UncacheTable { name: ["t"], if_exists: false }"#),
        ("UNCACHE TABLE IF EXISTS t", r#"UncacheTable { name: ["t"], if_exists: true }"#),
        ("CLEAR CACHE", "ClearCache"),
        ("REFRESH TABLE t", r#"RefreshTable { name: ["t"] }"#),
        ("REFRESH '/path'", r#"Catalog(RefreshByPath { path: "/path" })"#),
        (r#"REFRESH "/path""#, r#"Catalog(RefreshByPath { path: "/path" })"#),
        ("REFRESH /path/x", r#"Catalog(RefreshByPath { path: "/path/x" })"#),
        ("TRUNCATE TABLE t", r#"TruncateTable { name: ["t"], partition: [] }"#),
        (
            "TRUNCATE TABLE t PARTITION (a = 1)",
            r#"TruncateTable { name: ["t"], partition: [("a", Some(Literal(Integer(1))))] }"#,
        ),
        ("ANALYZE TABLE t COMPUTE STATISTICS", r#"AnalyzeTable { name: ["t"], no_scan: false }"#),
        ("ANALYZE TABLE t COMPUTE STATISTICS NOSCAN", r#"AnalyzeTable { name: ["t"], no_scan: true }"#),
        ("ANALYZE TABLE t PARTITION (a = 1, b) COMPUTE STATISTICS", r#"AnalyzeTable { name: ["t"], no_scan: false }"#),
        ("ANALYZE TABLE t COMPUTE STATISTICS FOR COLUMNS a, b", r#"AnalyzeTable { name: ["t"], no_scan: false }"#),
        ("ANALYZE TABLE t COMPUTE STATISTICS FOR ALL COLUMNS", r#"AnalyzeTable { name: ["t"], no_scan: false }"#),
        ("MSCK REPAIR TABLE t", r#"AlterTable { name: ["t"], change: RecoverPartitions, view: false }"#),
        ("MSCK REPAIR TABLE t ADD PARTITIONS", r#"AlterTable { name: ["t"], change: RecoverPartitions, view: false }"#),
        (
            "COMMENT ON DATABASE d IS 'x'",
            r#"AlterDatabase { name: ["d"], properties: [("comment", "x")], location: None }"#,
        ),
        (
            "COMMENT ON TABLE t IS NULL",
            r#"AlterTable { name: ["t"], change: UnsetProperties { keys: ["comment"], if_exists: true }, view: false }"#,
        ),
        ("DROP TABLE t", r#"DropTable { name: ["t"], if_exists: false, purge: false, view: false }"#),
        (
            "DROP TABLE IF EXISTS a.t PURGE",
            r#"DropTable { name: ["a", "t"], if_exists: true, purge: true, view: false }"#,
        ),
        ("DROP VIEW v", r#"DropTable { name: ["v"], if_exists: false, purge: false, view: true }"#),
        ("DROP VIEW IF EXISTS v", r#"DropTable { name: ["v"], if_exists: true, purge: false, view: true }"#),
        ("DROP FUNCTION f", r#"DropFunction { name: ["f"], if_exists: false, temporary: false }"#),
        ("DROP TEMPORARY FUNCTION IF EXISTS f", r#"DropFunction { name: ["f"], if_exists: true, temporary: true }"#),
        ("DROP TEMPORARY VARIABLE x", r#"DropVariable { name: ["x"], if_exists: false }"#),
        ("DROP TEMPORARY VAR IF EXISTS x", r#"DropVariable { name: ["x"], if_exists: true }"#),
        ("ALTER TABLE t RENAME TO u", r#"AlterTable { name: ["t"], change: Rename(["u"]), view: false }"#),
        (
            "ALTER TABLE t ADD COLUMN a INT",
            r#"AlterTable { name: ["t"], change: AddColumns([StructField { name: "a", data_type: Integer, nullable: true, metadata: None }]), view: false }"#,
        ),
        (
            "ALTER TABLE t DROP COLUMN a",
            r#"AlterTable { name: ["t"], change: DropColumns { columns: [["a"]], if_exists: false }, view: false }"#,
        ),
        (
            "ALTER TABLE t DROP COLUMNS (a, b.c)",
            r#"AlterTable { name: ["t"], change: DropColumns { columns: [["a"], ["b", "c"]], if_exists: false }, view: false }"#,
        ),
        (
            "ALTER TABLE t DROP COLUMN IF EXISTS a",
            r#"AlterTable { name: ["t"], change: DropColumns { columns: [["a"]], if_exists: true }, view: false }"#,
        ),
        (
            "ALTER TABLE t RENAME COLUMN a TO b",
            r#"AlterTable { name: ["t"], change: RenameColumn { from: ["a"], to: "b" }, view: false }"#,
        ),
        (
            "ALTER TABLE t SET TBLPROPERTIES ('a' = 'b')",
            r#"AlterTable { name: ["t"], change: SetProperties([("a", "b")]), view: false }"#,
        ),
        (
            "ALTER TABLE t UNSET TBLPROPERTIES IF EXISTS ('a', b.c)",
            r#"AlterTable { name: ["t"], change: UnsetProperties { keys: ["a", "b.c"], if_exists: true }, view: false }"#,
        ),
        ("ALTER TABLE t SET LOCATION '/x'", r#"AlterTable { name: ["t"], change: SetLocation("/x"), view: false }"#),
        ("ALTER TABLE t RECOVER PARTITIONS", r#"AlterTable { name: ["t"], change: RecoverPartitions, view: false }"#),
        (
            "ALTER TABLE t ADD PARTITION (a = 1)",
            r#"AlterTable { name: ["t"], change: AddPartitions { partitions: [([("a", Literal(Integer(1)))], None)], if_not_exists: false }, view: false }"#,
        ),
        (
            "ALTER TABLE t DROP PARTITION (a = 1), PARTITION (a = 2)",
            r#"AlterTable { name: ["t"], change: DropPartitions { partitions: [[("a", Literal(Integer(1)))], [("a", Literal(Integer(2)))]], if_exists: false }, view: false }"#,
        ),
        (
            "ALTER TABLE t DROP IF EXISTS PARTITION (a = 1) PURGE",
            r#"AlterTable { name: ["t"], change: DropPartitions { partitions: [[("a", Literal(Integer(1)))]], if_exists: true }, view: false }"#,
        ),
        ("ALTER VIEW v RENAME TO w", r#"AlterTable { name: ["v"], change: Rename(["w"]), view: true }"#),
        (
            "ALTER VIEW v SET TBLPROPERTIES ('a' = 'b')",
            r#"AlterTable { name: ["v"], change: SetProperties([("a", "b")]), view: true }"#,
        ),
        ("DELETE FROM t", r#"Delete { table: ["t"], alias: None, condition: None }"#),
        (
            "UPDATE t AS u SET u.a = 1",
            r#"Update { table: ["t"], alias: Some("u"), assignments: [(["u", "a"], Literal(Integer(1)))], condition: None }"#,
        ),
        (
            "DECLARE x INT",
            r#"DeclareVariable { name: ["x"], data_type: Some(Integer), default: None, replace: false }"#,
        ),
        (
            "DECLARE VARIABLE x INT DEFAULT 1",
            r#"DeclareVariable { name: ["x"], data_type: Some(Integer), default: Some(Literal(Integer(1))), replace: false }"#,
        ),
        (
            "DECLARE OR REPLACE VAR x = 5",
            r#"DeclareVariable { name: ["x"], data_type: None, default: Some(Literal(Integer(5))), replace: true }"#,
        ),
        (
            "DECLARE x DEFAULT 'a'",
            r#"DeclareVariable { name: ["x"], data_type: None, default: Some(Literal(String("a"))), replace: false }"#,
        ),
    ] {
        assert_eq!(format!("{:?}", command(text)), expected, "{text}");
    }
}

#[test]
fn tables() {
    let Command::CreateTable(table) = command(
        "CREATE TABLE IF NOT EXISTS a.t (x INT NOT NULL COMMENT 'c', y STRING DEFAULT 'a' || 'b') USING csv \
         PARTITIONED BY (y) CLUSTERED BY (x) INTO 4 BUCKETS OPTIONS (header = true, 'sep' ',') LOCATION '/l' \
         COMMENT 'd' TBLPROPERTIES (p.q = 1.5)",
    ) else {
        panic!()
    };
    let mut x = StructField::new("x", DataType::Integer, false);
    x.metadata = Some(r#"{"comment":"c"}"#.to_owned());
    let mut y = StructField::new("y", DataType::STRING, true);
    y.metadata = Some(r#"{"CURRENT_DEFAULT":"'a' || 'b'","EXISTS_DEFAULT":"'a' || 'b'"}"#.to_owned());
    let expected = CreateTable {
        name: name(&["a", "t"]),
        format: Some("csv".to_owned()),
        columns: vec![x, y],
        partition_by: vec!["y".to_owned()],
        bucket_by: Some((vec!["x".to_owned()], 4)),
        location: Some("/l".to_owned()),
        comment: Some("d".to_owned()),
        options: pairs(&[("header", "true"), ("sep", ",")]),
        properties: pairs(&[("p.q", "1.5")]),
        if_not_exists: true,
        ..CreateTable::default()
    };
    assert_eq!(table, expected);

    for text in
        ["CREATE TABLE t USING orc AS SELECT 1", "CREATE OR REPLACE TABLE t SELECT 1", "CREATE TABLE t (SELECT 1)"]
    {
        let Command::CreateTable(table) = command(text) else { panic!() };
        assert_eq!(table.query.as_ref().map(render::relation).as_deref(), Some("project[1](one)"), "{text}");
        assert_eq!(table.replace, text.contains("REPLACE"));
    }

    let text = "CREATE TABLE t (a INT) PARTITIONED BY (b INT, c STRING) STORED AS PARQUET";
    let Command::CreateTable(table) = command(text) else { panic!() };
    assert_eq!((table.columns.len(), table.partition_by), (3, vec!["b".to_owned(), "c".to_owned()]));
}

#[test]
fn views() {
    let text = "CREATE OR REPLACE VIEW d.v (a COMMENT 'x', b) COMMENT 'c' TBLPROPERTIES (k = 'w') AS SELECT 1, 2 ;";
    let Command::CreateView(view) = command(text) else { panic!() };
    let expected = CreateView {
        name: name(&["d", "v"]),
        kind: ViewKind::Kept,
        query: parse_query("SELECT 1, 2", &Parameters::None).unwrap(),
        text: Some("SELECT 1, 2".to_owned()),
        columns: vec![("a".to_owned(), Some("x".to_owned())), ("b".to_owned(), None)],
        comment: Some("c".to_owned()),
        properties: pairs(&[("k", "w")]),
        replace: true,
        if_not_exists: false,
    };
    assert_eq!(view, expected);

    let text = "CREATE GLOBAL TEMP VIEW v (a INT) USING csv OPTIONS (path '/x', header true)";
    let Command::CreateView(view) = command(text) else { panic!() };
    assert_eq!(view.kind, ViewKind::GlobalTemporary);
    let expected = DataSource {
        format: Some("csv".to_owned()),
        schema: Some(DataType::Struct { fields: vec![StructField::new("a", DataType::Integer, true)] }),
        options: pairs(&[("header", "true")]),
        paths: vec!["/x".to_owned()],
        ..DataSource::default()
    };
    assert_eq!(view.query.kind, RelationKind::DataSource(expected));
}

#[test]
fn insertions() {
    for (text, expected) in [
        ("INSERT INTO t VALUES (1, 2), (3, 4)", "values(1, 2; 3, 4)"),
        ("INSERT INTO t (SELECT 1)", "project[1](one)"),
        ("INSERT INTO t TABLE u", "u"),
        ("INSERT INTO t FROM u SELECT a", "project[a](u)"),
        ("FROM u INSERT INTO t SELECT a WHERE b", "project[a](filter[b](u))"),
        ("WITH c AS (SELECT 1) INSERT INTO t SELECT * FROM c", "with(c[]=project[1](one); project[*](c))"),
        ("INSERT INTO t WITH c AS (SELECT 1) SELECT * FROM c", "with(c[]=project[1](one); project[*](c))"),
        ("INSERT OVERWRITE DIRECTORY '/x' USING parquet SELECT 1", "project[1](one)"),
    ] {
        let (Command::Insert { input, .. } | Command::InsertDirectory { input, .. }) = command(text) else { panic!() };
        assert_eq!(render::relation(&input), expected, "{text}");
    }
    let text = "INSERT OVERWRITE TABLE d.t PARTITION (p = 1, q) (a, b) SELECT 1, 2";
    let Command::Insert { table, mode, columns, partition, by_name, .. } = command(text) else { panic!() };
    assert_eq!((table, mode, by_name), (name(&["d", "t"]), InsertMode::Overwrite, false));
    assert_eq!(columns, name(&["a", "b"]));
    assert_eq!(partition, [("p".to_owned(), Some(Literal::Integer(1).into())), ("q".to_owned(), None)]);
    assert!(matches!(command("INSERT INTO t BY NAME SELECT 1 a"), Command::Insert { by_name: true, .. }));
}

#[test]
fn functions() {
    let text = "CREATE OR REPLACE TEMPORARY FUNCTION f(x INT, y STRING COMMENT 'c') RETURNS INT \
                LANGUAGE SQL DETERMINISTIC COMMENT 'd' RETURN x + 1";
    let Command::CreateFunction { name, parameters, returns, body, temporary, replace, .. } = command(text) else {
        panic!()
    };
    assert_eq!((name, temporary, replace), (vec!["f".to_owned()], true, true));
    assert_eq!(parameters.len(), 2);
    assert_eq!(returns, Some(DataType::Integer));
    assert_eq!(body.as_ref().map(render::expr).as_deref(), Some("+(x, 1)"));
}

#[test]
fn explanations_hold_the_statement() {
    let Command::Explain { plan, mode } = command("EXPLAIN FORMATTED SELECT 1") else { panic!() };
    assert!(matches!(*plan, Plan::Query(_)));
    assert_eq!(mode, ExplainMode::Formatted);
}

#[test]
fn what_is_not_here_has_a_name() {
    for (text, expected) in [
        ("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", "MERGE INTO"),
        ("BEGIN SELECT 1; SELECT 2; END", "SQL scripting"),
        ("ADD JAR '/x.jar'", "ADD JAR, FILE or ARCHIVE"),
        ("CREATE FUNCTION f AS 'a.b.C'", "CREATE FUNCTION of a class"),
        ("CREATE TABLE t (a INT) PARTITIONED BY (years(a))", "CREATE TABLE with partitions by transformed columns"),
        ("CREATE TABLE t (a INT, PRIMARY KEY (a))", "constraints of tables"),
        ("ALTER TABLE t ALTER COLUMN a TYPE BIGINT", "ALTER TABLE … ALTER COLUMN"),
        ("INSERT INTO t REPLACE WHERE a = 1 SELECT 1", "INSERT … REPLACE"),
        ("FROM u INSERT INTO t SELECT a INSERT INTO v SELECT b", "several INSERTs after one FROM"),
        ("SHOW COLLATIONS", "SHOW COLLATIONS"),
        ("EXECUTE IMMEDIATE 'SELECT 1'", "EXECUTE IMMEDIATE"),
    ] {
        assert_eq!(command(text), Command::Unsupported(expected.to_owned()), "{text}");
    }
}
