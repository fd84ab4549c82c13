//! Spark SQL text into the plans of `firesteel-spec`: a lexer and a parser by recursive descent that follow Spark's
//! grammar. Names, types and functions are not looked up here, and nothing panics, whatever the text.

mod data_type;
mod error;
mod expression;
mod lexer;
mod literal;
mod name;
mod parser;
mod query;
mod statement;

use std::collections::BTreeMap;

use firesteel_spec::{DataType, Expr, Name, Plan, Relation, SparkResult};

use parser::Parser;

/// What stands for `:name` and `?`.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameters {
    None,
    Named(BTreeMap<String, Expr>),
    Positional(Vec<Expr>),
}

/// One statement, after which a semicolon may stand.
pub fn parse_statement(text: &str, parameters: &Parameters) -> SparkResult<Plan> {
    Parser::new(text, parameters)?.whole(Parser::single_statement)
}

/// Statements parted by semicolons.
pub fn parse_script(text: &str) -> SparkResult<Vec<Plan>> {
    Parser::new(text, &Parameters::None)?.whole(Parser::statements)
}

/// A query alone.
pub fn parse_query(text: &str, parameters: &Parameters) -> SparkResult<Relation> {
    Parser::new(text, parameters)?.whole(Parser::single_query)
}

/// An expression as it may stand in a `SELECT` list: also `a AS b` and `*`.
pub fn parse_expression(text: &str) -> SparkResult<Expr> {
    Parser::new(text, &Parameters::None)?.whole(Parser::named_expression)
}

/// Such as `array<struct<a: int>>`.
pub fn parse_data_type(text: &str) -> SparkResult<DataType> {
    Parser::new(text, &Parameters::None)?.whole(Parser::data_type)
}

/// Columns as in `a INT NOT NULL COMMENT 'x', b STRING`, as a struct.
pub fn parse_table_schema(text: &str) -> SparkResult<DataType> {
    Parser::new(text, &Parameters::None)?.whole(Parser::table_schema)
}

/// Columns, or a type; columns with colons too (`a: int, b: string`).
pub fn parse_schema(text: &str) -> SparkResult<DataType> {
    let columns = match parse_table_schema(text) {
        Ok(schema) => return Ok(schema),
        Err(error) => error,
    };
    let single = match parse_data_type(text) {
        Ok(data_type) => return Ok(data_type),
        Err(error) => error,
    };
    let wrapped = parse_data_type(&format!("struct<{text}>"));
    // What names a wrong type says more than what stumbles over the form.
    wrapped.map_err(|_| if columns.is("PARSE_SYNTAX_ERROR") { single } else { columns })
}

/// A table's name, of one or several parts.
pub fn parse_name(text: &str) -> SparkResult<Name> {
    Parser::new(text, &Parameters::None)?.whole(Parser::name)
}

/// A column's name as a program gives it, in which only dots and backticks have a meaning.
pub fn parse_attribute_name(text: &str) -> SparkResult<Name> {
    name::attribute_name(text)
}
