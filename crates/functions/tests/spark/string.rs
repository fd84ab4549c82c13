//! Functions of texts and binary values over constants. Expected values are real Spark's.

use firesteel_functions::{Settings, Typed};

use crate::spark_sql;
use crate::support::build;

#[test]
fn texts_as_spark_answers() {
    spark_sql::check(include_str!("spark_answers/string.txt"));
}

#[test]
fn operators_are_shown_as_spark_shows_them() {
    let shown = |name: &str, texts: [&str; 3]| {
        let arguments = texts.map(Typed::string).to_vec();
        build(name, arguments, &Settings::default()).map_or_else(|error| error.class, |typed| typed.name)
    };
    assert_eq!(shown("||", ["a", "b", "c"]), "concat(a, b, c)");
    assert_eq!(shown("like_any", ["s", "a%", "%b"]), "likeany(s)");
    assert_eq!(shown("not_like_all", ["s", "a%", "%b"]), "notlikeall(s)");
}
