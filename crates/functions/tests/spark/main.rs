//! Functions against real Spark's answers, family by family. One program, since each would link all of DataFusion.

mod aggregate;
mod cast;
mod collection;
mod datetime;
mod geo;
mod hash;
mod json;
mod math;
mod operators;
mod sketch;
mod spark_sql;
mod string;
mod support;
mod variant;
mod xml;
