//! Functions of dates, times and intervals, and arithmetic with them, compared with Spark's own answers.

mod spark_sql;
mod support;

#[test]
fn answers_are_sparks() {
    spark_sql::check(include_str!("spark_answers/datetime.txt"));
}
