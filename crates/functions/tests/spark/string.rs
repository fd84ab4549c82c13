//! Functions of texts and binary values over constants. Expected values are real Spark's.

use crate::spark_sql;

#[test]
fn texts_as_spark_answers() {
    spark_sql::check(include_str!("spark_answers/string.txt"));
}
