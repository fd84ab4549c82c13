//! Functions of variants over constants. Expected values are real Spark's.

use firesteel_functions::{Kind, Settings, Typed, lookup};

use crate::spark_sql;
use crate::support::build;

#[test]
fn variants_as_spark_answers() {
    spark_sql::check(include_str!("spark_answers/variant.txt"));
}

#[test]
fn an_object_explodes_into_its_fields() {
    assert_eq!(lookup("variant_explode").map(|function| function.kind), Some(Kind::Generator));
    let settings = Settings::default();
    let object = build("parse_json", vec![Typed::string(r#"{"b": [1], "a": "x"}"#)], &settings).expect("a variant");
    let rows = build("variant_explode", vec![object], &settings).expect("rows");
    let text = build("to_json", vec![rows], &settings).expect("a text");
    let expected = r#"[{"pos":0,"key":"a","value":"x"},{"pos":1,"key":"b","value":[1]}]"#;
    assert_eq!(crate::support::evaluate(&text), expected);
}
