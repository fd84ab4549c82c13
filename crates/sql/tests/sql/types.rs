//! Data types, columns with types, and names, as Spark reads them.

use firesteel_sql::*;

#[test]
fn types() {
    for (text, expected) in [
        ("array<struct<a: int, b: string>>", "ARRAY<STRUCT<a: INT, b: STRING>>"),
        ("struct<>", "STRUCT<>"),
        ("struct<a int NOT NULL, `b c`: map<int,array<int>>>", "STRUCT<a: INT NOT NULL, `b c`: MAP<INT, ARRAY<INT>>>"),
        ("decimal", "DECIMAL(10,0)"),
        ("decimal(5)", "DECIMAL(5,0)"),
        ("NUMERIC(3,1)", "DECIMAL(3,1)"),
        ("char(3)", "CHAR(3)"),
        ("character(3)", "CHAR(3)"),
        ("varchar(3)", "VARCHAR(3)"),
        ("string collate UNICODE", "STRING COLLATE UNICODE"),
        ("timestamp_ntz", "TIMESTAMP_NTZ"),
        ("timestamp without time zone", "TIMESTAMP_NTZ"),
        ("timestamp with local time zone", "TIMESTAMP"),
        ("time", "TIME(6)"),
        ("time(3)", "TIME(3)"),
        ("interval", "INTERVAL"),
        ("interval day", "INTERVAL DAY"),
        ("interval day to second", "INTERVAL DAY TO SECOND"),
        ("interval year to month", "INTERVAL YEAR TO MONTH"),
        ("interval month", "INTERVAL MONTH"),
        ("void", "VOID"),
        ("variant", "VARIANT"),
        ("real", "FLOAT"),
        ("byte", "TINYINT"),
        ("short", "SMALLINT"),
        ("long", "BIGINT"),
    ] {
        assert_eq!(parse_data_type(text).unwrap().sql(), expected, "{text}");
    }
}

#[test]
fn what_is_no_type() {
    for (text, class) in [
        ("foo", "UNSUPPORTED_DATATYPE"),
        ("int(3)", "UNSUPPORTED_DATATYPE"),
        ("null", "UNSUPPORTED_DATATYPE"),
        ("char", "DATATYPE_MISSING_SIZE"),
        ("varchar", "DATATYPE_MISSING_SIZE"),
        ("decimal(39,2)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"),
        ("time(9)", "UNSUPPORTED_TIME_PRECISION"),
        ("array", "INCOMPLETE_TYPE_DEFINITION.ARRAY"),
        ("array<int", "PARSE_SYNTAX_ERROR"),
        ("map<int>", "PARSE_SYNTAX_ERROR"),
        ("interval hour to day", "PARSE_SYNTAX_ERROR"),
        ("interval week", "PARSE_SYNTAX_ERROR"),
        ("double precision", "PARSE_SYNTAX_ERROR"),
    ] {
        assert_eq!(parse_data_type(text).unwrap_err().class, class, "{text}");
    }
}

#[test]
fn schemas() {
    let columns = parse_table_schema("a INT NOT NULL COMMENT 'it''s', b STRING").unwrap();
    assert_eq!(
        columns.to_json(),
        r#"{"type":"struct","fields":[{"name":"a","type":"integer","nullable":false,"metadata":{"comment":"it's"}},{"name":"b","type":"string","nullable":true,"metadata":{}}]}"#
    );
    for (text, expected) in [
        ("a INT, b STRING", "STRUCT<a: INT, b: STRING>"),
        ("a: int, b: array<int>", "STRUCT<a: INT, b: ARRAY<INT>>"),
        ("int", "INT"),
        ("struct<a: int>", "STRUCT<a: INT>"),
        ("interval day to second", "INTERVAL DAY TO SECOND"),
        ("decimal(10,2)", "DECIMAL(10,2)"),
    ] {
        assert_eq!(parse_schema(text).unwrap().sql(), expected, "{text}");
    }
    assert_eq!(parse_schema("foo").unwrap_err().class, "UNSUPPORTED_DATATYPE");
    assert_eq!(parse_schema("a foo").unwrap_err().class, "UNSUPPORTED_DATATYPE");
    for text in ["a INT DEFAULT 1", "a: INT", "a.b int", "a"] {
        assert_eq!(parse_table_schema(text).unwrap_err().class, "PARSE_SYNTAX_ERROR", "{text}");
    }
}

#[test]
fn names() {
    assert_eq!(parse_name("a.`b.c`.1x").unwrap(), ["a", "b.c", "1x"]);
    assert_eq!(parse_name("a-b").unwrap_err().class, "INVALID_IDENTIFIER");
    assert_eq!(parse_name("a b").unwrap_err().class, "PARSE_SYNTAX_ERROR");
    assert_eq!(parse_name("").unwrap_err().class, "PARSE_EMPTY_STATEMENT");
}

/// The cases of Spark's `UnresolvedAttribute.parseAttributeName`.
#[test]
fn names_of_attributes() {
    for (text, expected) in [
        ("a b.c", vec!["a b", "c"]),
        ("`a.b`.c", vec!["a.b", "c"]),
        ("`a``b`", vec!["a`b"]),
        ("select.1", vec!["select", "1"]),
        ("é", vec!["é"]),
    ] {
        assert_eq!(parse_attribute_name(text).unwrap(), expected, "{text}");
    }
    for text in ["a.", ".a", "a..b", "`a", "a`b`", "`a`b"] {
        assert_eq!(parse_attribute_name(text).unwrap_err().class, "INVALID_ATTRIBUTE_NAME_SYNTAX", "{text}");
    }
}
