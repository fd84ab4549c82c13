//! All that is text within a plan: SQL, names, and types. The only file that knows the parser.

use firesteel_spec::{DataType, Expr, Name, Plan, SparkResult};

/// Values for the markers `:name` and `?` of SQL text.
pub(crate) use firesteel_sql::Parameters;

pub(crate) fn statement(text: &str, parameters: &Parameters) -> SparkResult<Plan> {
    firesteel_sql::parse_statement(text, parameters)
}

pub(crate) fn expression(text: &str) -> SparkResult<Expr> {
    firesteel_sql::parse_expression(text)
}

pub(crate) fn data_type(text: &str) -> SparkResult<DataType> {
    firesteel_sql::parse_data_type(text)
}

/// A type or a table's columns, as DDL or as JSON.
pub(crate) fn schema(text: &str) -> SparkResult<DataType> {
    if text.trim_start().starts_with(['{', '"']) {
        return DataType::from_json(text);
    }
    firesteel_sql::parse_schema(text)
}

/// A table's or a function's name in up to several parts.
pub(crate) fn name(text: &str) -> SparkResult<Name> {
    firesteel_sql::parse_name(text)
}

/// A column's name in parts.
pub(crate) fn attribute_name(text: &str) -> SparkResult<Name> {
    firesteel_sql::parse_attribute_name(text)
}
