//! Whole queries, scripts, parameters, places, and texts that are no SQL at all.

use std::collections::BTreeMap;

use firesteel_spec::*;
use firesteel_sql::*;
use proptest::prelude::*;

use crate::render;

#[test]
fn all_queries_of_tpch_parse() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/sql/tpch");
    let mut queries = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let text = std::fs::read_to_string(&path).unwrap();
            parse_script(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            queries += 1;
        }
    }
    assert_eq!(queries, 22);
}

#[test]
fn scripts() {
    let plans = parse_script("SELECT 1; -- one\nSET a = b c;;\nSELECT ';'").unwrap();
    assert_eq!(plans.len(), 3);
    let set = Command::Set { key: Some("a".to_owned()), value: Some("b c".to_owned()) };
    assert_eq!(plans[1], Plan::Command(Box::new(set)));
    assert!(parse_script("SELECT 1 SELECT 2").is_err());
    assert!(parse_statement("SELECT 1; SELECT 2", &Parameters::None).is_err());
}

#[test]
fn parameters_are_put_in_place() {
    let named = Parameters::Named(BTreeMap::from([
        ("n".to_owned(), Expr::from(Literal::Integer(3))),
        ("t".to_owned(), Expr::from(Literal::String("a.b".to_owned()))),
    ]));
    let query = parse_query("SELECT :n + 1, INTERVAL :n DAY FROM IDENTIFIER(:t) LIMIT :n", &named).unwrap();
    assert_eq!(render::relation(&query), "limit[3](project[+(3, 1), INTERVAL DAY 259200000000](a.b))");
    let positional = Parameters::Positional(vec![Literal::Integer(1).into(), Literal::Integer(2).into()]);
    let query = parse_query("SELECT ? AS a WHERE 2 = ?", &positional).unwrap();
    assert_eq!(render::relation(&query), "project[1 AS a](filter[==(2, 2)](one))");
    for (text, name) in [("SELECT :m", "m"), ("SELECT ?", "_7")] {
        let error = parse_query(text, &named).unwrap_err();
        assert_eq!((error.class.as_str(), error.parameters["name"].as_str()), ("UNBOUND_SQL_PARAMETER", name));
    }
}

/// The numbers of question marks follow the text, and not the order in which it is read.
#[test]
fn parameters_in_a_window_clause_keep_their_numbers() {
    let positional = Parameters::Positional(vec![Literal::Integer(1).into(), Literal::Integer(2).into()]);
    let text = "SELECT ? , sum(a) OVER w FROM t WINDOW w AS (ORDER BY a + ?)";
    let query = parse_query(text, &positional).unwrap();
    assert_eq!(render::relation(&query), "project[1, sum(a) over(; +(a, 2))](t)");
}

#[test]
fn expressions_know_their_place() {
    let Plan::Query(query) = parse_statement("SELECT 1,\n 'é', a / b", &Parameters::None).unwrap() else { panic!() };
    let RelationKind::Project { expressions, .. } = query.kind else { panic!() };
    let Expr::Located { origin, .. } = &expressions[2] else { panic!() };
    let expected = QueryContext { fragment: "a / b".to_owned(), start: 16, stop: 20, line: 2, column: 6 };
    assert_eq!(**origin, Origin::Sql(expected));
}

/// What tokens and rules are made of.
const PIECES: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "ALL",
    "WITH",
    "AS",
    "(",
    ")",
    "((",
    "))",
    ",",
    ".",
    "*",
    "a",
    "t",
    "1",
    "1.5",
    "1e5",
    "'x'",
    "'",
    "\"",
    "`",
    "`b`",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "CAST",
    "::",
    "INT",
    "<",
    ">",
    "array<",
    "NOT",
    "IN",
    "LIKE",
    "BETWEEN",
    "AND",
    "OR",
    "IS",
    "NULL",
    "EXISTS",
    "JOIN",
    "LEFT",
    "ON",
    "LATERAL",
    "VIEW",
    "UNION",
    "EXCEPT",
    "VALUES",
    "TABLE",
    "|>",
    "->",
    "=>",
    ":",
    "?",
    "[",
    "]",
    "-",
    "+",
    "--",
    "/*",
    "*/",
    "/*+",
    "INTERVAL",
    "DAY",
    "TO",
    "SECOND",
    "DATE",
    "TIMESTAMP",
    "X",
    "\\",
    "é",
    "\u{0}",
    ";",
    "CREATE",
    "INSERT",
    "INTO",
    "SET",
    "SHOW",
    "DROP",
    "ALTER",
    "DESCRIBE",
    "EXPLAIN",
    "TEMP",
    "USING",
    "OPTIONS",
    "PARTITION",
    "OVER",
    "WINDOW",
    "ROWS",
    "PRECEDING",
    "PIVOT",
    "UNPIVOT",
    "FOR",
    "TABLESAMPLE",
    "PERCENT",
    "DIV",
    "TRIM",
    "POSITION",
    "SUBSTRING",
    "EXTRACT",
    "IDENTIFIER",
    "GROUPING SETS",
    "ROLLUP",
    "=",
    "FUNCTION",
    "RETURN",
];

fn piece() -> impl Strategy<Value = String> {
    proptest::sample::select(PIECES).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_tokens_panics(pieces in prop::collection::vec(piece(), 0..24), gap in "[ \n]?") {
        let text = pieces.join(&gap);
        let _ = parse_statement(&text, &Parameters::None);
        let _ = parse_script(&text);
        let _ = parse_expression(&text);
        let _ = parse_schema(&text);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse_statement(&text, &Parameters::None);
        let _ = parse_expression(&text);
        let _ = parse_schema(&text);
        let _ = parse_name(&text);
        let _ = parse_attribute_name(&text);
    }

    /// A whole statement with something cut out or put in.
    #[test]
    fn no_damaged_statement_panics(which in 0..STATEMENTS.len(), from in 0..200_usize, to in 0..200_usize, piece in piece()) {
        let text = STATEMENTS[which];
        let positions: Vec<_> = text.char_indices().map(|(position, _)| position).collect();
        let at = |index: usize| positions[index % positions.len()];
        let (start, end) = (at(from).min(at(to)), at(from).max(at(to)));
        let _ = parse_statement(&format!("{}{piece}{}", &text[..start], &text[end..]), &Parameters::None);
        let _ = parse_statement(&text[start..end], &Parameters::None);
    }

    #[test]
    fn literals_of_dates_and_intervals_do_not_panic(kind in "DATE|TIME|TIMESTAMP|TIMESTAMP_NTZ|INTERVAL|X", value in "[-+0-9:. TZa-z]{0,24}", unit in "| DAY| SECOND| YEAR TO MONTH| DAY TO SECOND") {
        let _ = parse_expression(&format!("{kind} '{value}'{unit}"));
    }
}

const STATEMENTS: [&str; 6] = [
    "WITH a (x) AS (SELECT 1 UNION ALL VALUES (2), (3)) SELECT /*+ BROADCAST(a) */ DISTINCT a.x AS y, sum(b) FILTER (WHERE c > 1.5e3) OVER (PARTITION BY d ORDER BY e DESC NULLS LAST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM a LEFT JOIN b USING (x) WHERE d NOT IN (1, 2L) GROUP BY ROLLUP (a, (b, c)) HAVING count(*) > 1 ORDER BY 1 LIMIT 5 OFFSET 2",
    "SELECT CASE WHEN a IS NOT NULL THEN cast(b AS array<struct<c: int>>)[0].c ELSE x -> x + 1 END, INTERVAL '1 02:03:04.5' DAY TO SECOND, TRIM(BOTH 'x' FROM y), v:a.b['c']::string FROM t TABLESAMPLE (10 PERCENT) s LATERAL VIEW OUTER explode(z) w AS q",
    "FROM t |> WHERE a LIKE ANY ('x', 'y') |> AGGREGATE sum(b) AS s GROUP BY c |> PIVOT (max(d) FOR e IN ('f' AS g)) |> UNPIVOT (h FOR i IN (j, k))",
    "CREATE OR REPLACE TEMPORARY VIEW v (a COMMENT 'b') COMMENT 'c' TBLPROPERTIES ('d' = 1) AS SELECT * EXCEPT (e) FROM f",
    "CREATE TABLE IF NOT EXISTS a.b (c INT NOT NULL DEFAULT 1 COMMENT 'd') USING parquet PARTITIONED BY (e) CLUSTERED BY (f) INTO 4 BUCKETS LOCATION '/g' OPTIONS (h = true)",
    "INSERT OVERWRITE TABLE a PARTITION (b = 1, c) SELECT DATE '2020-01-01', X'1F', \"d\" || r'e' FROM VALUES (1, 2) AS t(f, g)",
];
