//! What is no SQL, and the class of Spark's that says so; and where the error stands.

use firesteel_sql::*;

#[test]
fn classes_are_those_of_spark() {
    for (text, expected) in EXPRESSIONS {
        let error = parse_expression(text).expect_err(text);
        assert_eq!(error.class, *expected, "{text}");
        assert!(error.context.is_some(), "{text}");
    }
    for (text, expected) in QUERIES {
        let error = parse_statement(text, &Parameters::None).expect_err(text);
        assert_eq!(error.class, *expected, "{text}");
        assert!(error.context.is_some(), "{text}");
    }
}

#[test]
fn a_syntax_error_names_the_token_and_its_place() {
    let error = parse_statement("SELECT a,\n  b FRM t x y", &Parameters::None).unwrap_err();
    assert_eq!(error.parameters["error"], "'t'");
    let context = error.context.unwrap();
    assert_eq!((context.line, context.column, context.start, context.fragment.as_str()), (2, 8, 18, "t"));
    let error = parse_statement("SELECT 'é' +", &Parameters::None).unwrap_err();
    assert_eq!(error.parameters["error"], "end of input");
    assert_eq!(error.context.unwrap().start, 12);
}

#[test]
fn texts_without_a_statement_are_empty() {
    for text in ["", "  \n", "-- nothing", "/* nothing */"] {
        assert_eq!(parse_statement(text, &Parameters::None).unwrap_err().class, "PARSE_EMPTY_STATEMENT", "{text}");
    }
}

const EXPRESSIONS: &[(&str, &str)] = &[
    ("INTERVAL 'foo'", "INVALID_TYPED_LITERAL"),
    ("INTERVAL '1' YEAR TO MONTH", "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING"),
    ("INTERVAL '1-13' YEAR TO MONTH", "INVALID_INTERVAL_FORMAT.INTERVAL_PARSING"),
    ("INTERVAL '1' DAY TO DAY", "INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION"),
    ("INTERVAL '1 day 2'", "INVALID_TYPED_LITERAL"),
    ("INTERVAL '1.5 day'", "INVALID_TYPED_LITERAL"),
    ("INTERVAL 1.5 DAY", "INVALID_INTERVAL_FORMAT.INVALID_FRACTION"),
    ("INTERVAL 1 NANOSECOND", "INVALID_INTERVAL_FORMAT.INVALID_UNIT"),
    ("INTERVAL 1500 NANOSECONDS", "INVALID_INTERVAL_FORMAT.INVALID_UNIT"),
    ("INTERVAL 1", "PARSE_SYNTAX_ERROR"),
    ("a:b.c[0]['x'].*", "PARSE_SYNTAX_ERROR"),
    ("a IS NULL IS NULL", "PARSE_SYNTAX_ERROR"),
    ("CASE a END", "PARSE_SYNTAX_ERROR"),
    ("date_diff('MONTH', a, b)", "INVALID_PARAMETER_VALUE.DATETIME_UNIT"),
    ("(a AS b)", "PARSE_SYNTAX_ERROR"),
    ("a.1", "PARSE_SYNTAX_ERROR"),
    ("`x", "PARSE_SYNTAX_ERROR"),
    ("é", "INVALID_IDENTIFIER"),
    ("foo 'x'", "UNSUPPORTED_TYPED_LITERAL"),
    ("a[1:2]", "PARSE_SYNTAX_ERROR"),
    ("a BETWEEN SYMMETRIC 1 AND 2", "PARSE_SYNTAX_ERROR"),
    ("f(TABLE t)", "PARSE_SYNTAX_ERROR"),
    ("TIMESTAMP '2020-01-01 12+01:00'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01 12:00+1'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01 12:00 +01:30'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01Z'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020Z'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01T'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '12:00Z'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01 12:00:00+19:00'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01 24:00:00Z'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2000001-01-01 00:00:00Z'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-02-30 00:00:00Z'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01 12Z'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01x12:00:00'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01 12:'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP '2020-01-01 :12'", "INVALID_TYPED_LITERAL"),
    ("TIMESTAMP_NTZ '12:00'", "INVALID_TYPED_LITERAL"),
    ("DATE '20-01-01'", "INVALID_TYPED_LITERAL"),
    ("DATE '2020-1-1x'", "INVALID_TYPED_LITERAL"),
    ("DATE '12345678-01-01'", "INVALID_TYPED_LITERAL"),
    ("DATE '2020-01 x'", "INVALID_TYPED_LITERAL"),
    ("DATE '2020-'", "INVALID_TYPED_LITERAL"),
    ("DATE ''", "INVALID_TYPED_LITERAL"),
    ("TIME '24:00'", "INVALID_TYPED_LITERAL"),
    ("TIME '13:00 pm'", "INVALID_TYPED_LITERAL"),
    ("TIME '1'", "INVALID_TYPED_LITERAL"),
    ("INTERVAL '1.1234567891' SECOND", "INVALID_INTERVAL_FORMAT.INVALID_PRECISION"),
    ("INTERVAL '1day'", "INVALID_TYPED_LITERAL"),
    ("INTERVAL ''", "INVALID_TYPED_LITERAL"),
    ("INTERVAL '1  01' DAY TO HOUR", "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE"),
    ("INTERVAL '1T01' DAY TO HOUR", "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE"),
    ("INTERVAL '1' SECOND TO SECOND", "INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION"),
    ("INTERVAL '1-1' MONTH TO YEAR", "INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION"),
    ("INTERVAL 9999999999999 YEARS", "INVALID_INTERVAL_FORMAT.ARITHMETIC_EXCEPTION"),
    ("INTERVAL 99999999999999999999 YEARS", "INVALID_INTERVAL_FORMAT.ARITHMETIC_EXCEPTION"),
    (r#"'a\"#, "PARSE_SYNTAX_ERROR"),
    ("-1 ** 2", "PARSE_SYNTAX_ERROR"),
    ("1.0L", "PARSE_SYNTAX_ERROR"),
    ("a IN ()", "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE"),
    ("a NOT NULL", "PARSE_SYNTAX_ERROR"),
    ("a[b AND c]", "PARSE_SYNTAX_ERROR"),
    ("a LIKE b ESCAPE c", "PARSE_SYNTAX_ERROR"),
    ("a LIKE b ESCAPE 'cc'", "INVALID_ESC"),
    ("a IN (1, 2) = true", "PARSE_SYNTAX_ERROR"),
    ("trim(BOTH a)", "PARSE_SYNTAX_ERROR"),
    ("date '2020-01-01' 'x'", "PARSE_SYNTAX_ERROR"),
    ("DATE 2020", "PARSE_SYNTAX_ERROR"),
    ("X '1F' 'A0'", "PARSE_SYNTAX_ERROR"),
    ("b'1'", "UNSUPPORTED_TYPED_LITERAL"),
    ("e'1'", "UNSUPPORTED_TYPED_LITERAL"),
    ("a:*", "PARSE_SYNTAX_ERROR"),
];

const QUERIES: &[(&str, &str)] = &[
    ("SELECT", "PARSE_SYNTAX_ERROR"),
    ("SELECT 1 x x", "PARSE_SYNTAX_ERROR"),
    (";", "PARSE_SYNTAX_ERROR"),
    ("SELECT 1; SELECT 2", "PARSE_SYNTAX_ERROR"),
    ("SELECT a FROM t GROUP BY ()", "PARSE_SYNTAX_ERROR"),
    ("SELECT * FROM a JOIN b JOIN c ON b.x = c.x ON a.x = b.x", "PARSE_SYNTAX_ERROR"),
    ("SELECT * FROM f(TABLE t)", "INVALID_SQL_SYNTAX.INVALID_TABLE_FUNCTION_IDENTIFIER_ARGUMENT_MISSING_PARENTHESES"),
    ("SELECT * FROM t x TABLESAMPLE (5 ROWS)", "PARSE_SYNTAX_ERROR"),
    ("WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a", "DUPLICATED_CTE_NAMES"),
    (
        "FROM t |> AGGREGATE sum(a) GROUP BY a, b WITH ROLLUP",
        "UNSUPPORTED_FEATURE.PIPE_OPERATOR_AGGREGATE_UNSUPPORTED_CASE",
    ),
    ("SELECT a FROM t ORDER BY a |> WHERE a", "PARSE_SYNTAX_ERROR"),
    ("SELECT * FROM t WHERE a = ANY (SELECT 1)", "PARSE_SYNTAX_ERROR"),
    ("SELECT 'a' AS 'b'", "PARSE_SYNTAX_ERROR"),
    (r#"SELECT 1 AS "b""#, "PARSE_SYNTAX_ERROR"),
    (r#"SELECT 1 "b""#, "PARSE_SYNTAX_ERROR"),
    ("SELECT a FROM t,", "PARSE_SYNTAX_ERROR"),
    ("SELECT (a", "PARSE_SYNTAX_ERROR"),
    ("SELECT a)", "PARSE_SYNTAX_ERROR"),
    ("SELECT 1 +", "PARSE_SYNTAX_ERROR"),
    ("SELECT 'abc", "PARSE_SYNTAX_ERROR"),
    ("SELECT `abc", "PARSE_SYNTAX_ERROR"),
    ("SELECT a-b FROM c-d", "INVALID_IDENTIFIER"),
    ("SELECT #", "PARSE_SYNTAX_ERROR"),
    ("SELECT * FROM a NATURAL CROSS JOIN b", "INCOMPATIBLE_JOIN_TYPES"),
    ("SELECT * FROM a LEFT", "PARSE_SYNTAX_ERROR"),
];
