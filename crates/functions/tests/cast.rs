//! Casts, compared with Spark's own answers.

mod spark_sql;
mod support;

#[test]
fn answers_are_sparks() {
    spark_sql::check(include_str!("spark_answers/cast.txt"));
}
