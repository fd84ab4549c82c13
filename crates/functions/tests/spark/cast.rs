//! Casts, compared with Spark's own answers.

#[test]
fn answers_are_sparks() {
    crate::spark_sql::check(include_str!("spark_answers/cast.txt"));
}
