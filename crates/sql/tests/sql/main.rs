//! Spark SQL text in, plans out. Expected values come from Spark 4.2.

mod errors;
mod expressions;
mod limits;
mod queries;
mod render;
mod statements;
mod texts;
mod types;
