//! Protobuf plans as `firesteel_spec`. Converts and checks; what names mean is the engine's affair.
//!
//! All of it recurses over the plan, so that it may only run on a stack of `deep`.

mod aggregate;
mod catalog;
mod command;
mod data_type;
mod expression;
mod function;
mod join;
mod literal;
mod missing;
mod relation;
mod source;
mod sql;
mod subquery;
mod window;

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use firesteel_spec::{Options, Relation, SparkError, SparkResult};

pub(crate) use command::{Models, Request};
pub(crate) use data_type::data_type_to_proto;
pub(crate) use literal::literal_to_proto;

/// Relations and expressions in one plan.
const NODES_MAX: usize = 1_000_000;

/// Rows that a client has uploaded before the plan that reads them (`artifacts.rs`).
pub(crate) trait UploadedRelations {
    /// The bytes with this hash.
    fn uploaded(&self, hash: &str) -> SparkResult<Option<Bytes>>;
}

/// Converts one plan.
pub(crate) struct Converter<'a> {
    uploads: &'a dyn UploadedRelations,
    /// The relations that subquery expressions may refer to, by their ids; the innermost scope comes last.
    scopes: Vec<HashMap<i64, Reference>>,
    nodes: usize,
}

struct Reference {
    relation: Relation,
    /// Counted again at each use, since each use is a copy.
    nodes: usize,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(uploads: &'a dyn UploadedRelations) -> Self {
        Self { uploads, scopes: Vec::new(), nodes: 0 }
    }

    fn count(&mut self, nodes: usize) -> SparkResult<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(SparkError::new(
            "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX",
            format!(
                "The Spark Connect plan is invalid. It has more than {NODES_MAX} relations and expressions; split it by \
                 temporary views"
            ),
        )
        .with("planSize", self.nodes.to_string())
        .with("maxPlanSize", NODES_MAX.to_string()))
    }
}

/// A part that no valid plan is without.
fn required<T>(value: Option<T>, what: &str) -> SparkResult<T> {
    value.ok_or_else(|| {
        SparkError::new(
            "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET",
            format!("The Spark Connect plan is invalid. {what} is not set"),
        )
        .with("fullName", what)
        .with("name", what.rsplit('.').next().unwrap_or(what))
    })
}

/// An enum's number that has no meaning here.
fn invalid_enum(what: &str, number: i32) -> SparkError {
    SparkError::new(
        "CONNECT_INVALID_PLAN.INVALID_ENUM",
        format!("The Spark Connect plan is invalid. This enum value of {what} is invalid: {number}"),
    )
    .with("fullName", what)
    .with("number", number.to_string())
}

fn options(entries: BTreeMap<String, String>) -> Options {
    entries.into_iter().collect()
}

/// A number of rows or partitions, none if it is negative.
fn size(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}
