//! Functions of dates, times and intervals, and arithmetic with them, compared with Spark's own answers.

#[test]
fn answers_are_sparks() {
    crate::spark_sql::check(include_str!("spark_answers/datetime.txt"));
}
