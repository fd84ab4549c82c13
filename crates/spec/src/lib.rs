//! Spark's logical plan as plain Rust: what both fronts, Spark Connect and SQL text, are turned into, and what the
//! planner resolves. No DataFusion, no Arrow, no I/O; names and types are as the user wrote them.

mod command;
mod data_type;
mod error;
mod expression;
mod json;
mod literal;
mod relation;
mod visit;

pub use command::{
    CatalogCommand, Command, CreateTable, CreateView, ExplainMode, InsertMode, PartitionLocation, SaveMode,
    TableChange, ViewKind, Write, WriteTarget, WriteV2, WriteV2Mode,
};
pub use data_type::{DataType, DayTimeField, StructField, YearMonthField};
pub use error::{QueryContext, SparkError, SparkResult};
pub use expression::{
    CastMode, Expr, FrameBound, FrameUnits, FunctionCall, InlineFunction, Origin, PythonFunction, SortOrder,
    UnsupportedFunction, WindowFrame, WindowSpec,
};
pub use literal::Literal;
pub use relation::{
    AsOfDirection, AsOfJoin, CommonTable, DataSource, GroupingElement, JoinKind, NearestBy, ParseFormat, Pivot,
    PivotValue, Relation, RelationKind, SetOperator, Unpivot, UnpivotValue,
};

/// Options of a reader, a writer or a table, in the order in which they were given; keys compare without case.
pub type Options = Vec<(String, String)>;

/// The parts of a name, such as `catalog.database.table`, without their quotes.
pub type Name = Vec<String>;

/// What a client asks for.
#[expect(clippy::large_enum_variant, reason = "there is one plan for many relations")]
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Rows.
    Query(Relation),
    /// An effect, and rows that tell of it.
    Command(Box<Command>),
}
