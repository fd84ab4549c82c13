//! Functions of XML over constants. Expected values are real Spark's.

use crate::spark_sql;

#[test]
fn xml_as_spark_answers() {
    spark_sql::check(include_str!("spark_answers/xml.txt"));
}
