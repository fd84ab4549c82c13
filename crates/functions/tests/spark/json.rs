//! Functions of JSON over constants. Expected values are real Spark's.

use firesteel_functions::{Kind, Settings, Typed, lookup};

use crate::spark_sql;
use crate::support::{build, evaluate};

#[test]
fn json_as_spark_answers() {
    spark_sql::check(include_str!("spark_answers/json.txt"));
}

#[test]
fn json_tuple_is_a_row_of_texts() {
    assert_eq!(lookup("json_tuple").map(|function| function.kind), Some(Kind::Generator));
    let arguments = [r#"{"f1": "value1", "f2": {"a": 1.0}, "f3": null}"#, "f1", "f2", "f3", "f4"].map(Typed::string);
    let typed = build("json_tuple", arguments.to_vec(), &Settings::default()).expect("a call");
    assert_eq!(evaluate(&typed), r#"[{c0: value1, c1: {"a":1.0}, c2: NULL, c3: NULL}]"#);
}
