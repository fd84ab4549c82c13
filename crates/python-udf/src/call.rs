//! [`PythonCall`]: all that a worker has to be told of a function, as it crosses the wire inside a plan.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Fields};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err, internal_err};
use firesteel_functions::to_arrow;
use firesteel_spec::DataType;
use serde::{Deserialize, Serialize};

/// What a call gets and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// A value for each row.
    Rows,
    /// A value for each list of rows.
    Aggregate,
    /// Rows for each list of rows.
    Groups,
    /// Rows for each two lists of rows.
    CoGroups,
    /// Rows for each row.
    Table,
    /// Rows for each list of rows, which are one table's.
    TablePartitions,
    /// Batches for batches.
    Batches,
}

/// A call of a Python function with arguments of known types.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PythonCall {
    pub name: String,
    pub shape: Shape,
    /// PySpark's `PythonEvalType`.
    pub eval_type: i32,
    /// Pickled.
    #[serde(with = "as_base64")]
    pub command: Vec<u8>,
    /// Such as `3.12`: a pickled function runs in no other version.
    pub python_version: String,
    pub arguments: Vec<Argument>,
    /// For each side that rows come from, Spark's JSON of a struct with its columns.
    pub inputs: Vec<String>,
    /// Spark's JSON of the type that the function gives: a value's, or a struct of its rows' columns.
    pub output: String,
    /// Settings of the session that workers ask for.
    pub settings: Vec<(String, String)>,
    /// Which arguments are tables.
    pub table_arguments: Vec<i32>,
    /// Which columns of a table say where a partition of it begins.
    pub partition_columns: Vec<i32>,
    /// What a table function's `analyze` gave, pickled; empty if it has none.
    #[serde(with = "as_base64")]
    pub analyzed: Vec<u8>,
    /// The program that runs Python, if the session says which.
    pub interpreter: Option<String>,
}

/// An argument: a column that is sent, and the parameter's name if it is given by name. Functions over groups have
/// numbers here that tell how keys and values stand among the columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Argument {
    pub offset: i32,
    pub name: Option<String>,
}

impl PythonCall {
    /// The call as a text, which a plan holds as a constant.
    pub fn to_text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| internal_datafusion_err!("encode a Python call: {error}"))
    }

    /// See [`Self::to_text`].
    pub fn from_text(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| internal_datafusion_err!("decode a Python call: {error}"))
    }

    /// What the call gives, as a column.
    pub fn field(&self) -> Result<FieldRef> {
        let data_type = match self.shape {
            Shape::Rows | Shape::Aggregate => to_arrow(&parsed(&self.output)?),
            _ => {
                let rows = ArrowType::Struct(self.output_fields()?);
                ArrowType::List(Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, rows, true)))
            }
        };
        Ok(Arc::new(Field::new(&self.name, data_type, true)))
    }

    /// The columns of one side that is sent.
    pub(crate) fn input_fields(&self, side: usize) -> Result<Fields> {
        match self.inputs.get(side) {
            Some(json) => fields(json),
            None => internal_err!("{} has no rows number {side}", self.name),
        }
    }

    /// The columns of the rows that the function gives. Any may be null, whatever was declared: the function decides.
    pub(crate) fn output_fields(&self) -> Result<Fields> {
        let declared = fields(&self.output)?;
        Ok(declared.iter().map(|field| field.as_ref().clone().with_nullable(true)).collect())
    }
}

fn fields(json: &str) -> Result<Fields> {
    match to_arrow(&parsed(json)?) {
        ArrowType::Struct(fields) => Ok(fields),
        other => internal_err!("rows of Python are {other}, which is no struct"),
    }
}

fn parsed(json: &str) -> Result<DataType> {
    DataType::from_json(json).map_err(|error| DataFusionError::External(Box::new(error)))
}

mod as_base64 {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::{BASE64_STANDARD, Deserialize, Engine};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
