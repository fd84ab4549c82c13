//! Relations, before names are looked up.

use crate::{CatalogCommand, Command, DataType, Expr, InlineFunction, Literal, Name, Options, SortOrder};

#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Spark Connect's number of the relation, by which expressions refer to it.
    pub plan_id: Option<i64>,
    pub kind: RelationKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RelationKind {
    // Sources
    Table {
        name: Name,
        options: Options,
        streaming: bool,
    },
    /// The rows of a table at a time or a version: exactly one of them.
    TableAsOf {
        name: Name,
        version: Option<String>,
        timestamp: Option<Box<Expr>>,
    },
    DataSource(DataSource),
    /// Rows that came with the plan, as an Arrow IPC stream. A schema overrides the names and types of the stream.
    Local {
        ipc: Option<Vec<u8>>,
        schema: Option<DataType>,
    },
    /// `VALUES`: rows of constants, columns `col1`, `col2`, …
    Values {
        rows: Vec<Vec<Expr>>,
    },
    /// One row without columns.
    OneRow,
    Range {
        start: i64,
        end: i64,
        step: i64,
        partitions: Option<usize>,
    },
    TableFunction {
        name: Name,
        arguments: Vec<Expr>,
    },
    InlineTableFunction(InlineFunction),
    /// What a checkpoint has kept, by its id.
    Cached {
        id: String,
    },
    /// Rows of a catalog's answer.
    Catalog(CatalogCommand),
    /// Rows of a command's answer.
    Command(Box<Command>),

    // One input
    Project {
        input: Box<Relation>,
        expressions: Vec<Expr>,
    },
    Filter {
        input: Box<Relation>,
        condition: Expr,
    },
    /// SQL's `QUALIFY`: rows of a `SELECT` by a condition that may hold window functions and names of its list.
    Qualify {
        input: Box<Relation>,
        condition: Expr,
    },
    /// Output: the grouping expressions and the aggregates, or the aggregates only (SQL's `SELECT` list).
    Aggregate {
        input: Box<Relation>,
        grouping: Vec<GroupingElement>,
        aggregates: Vec<Expr>,
        having: Option<Expr>,
        with_grouping: bool,
        pivot: Option<Box<Pivot>>,
    },
    /// SQL's `PIVOT`, which groups by all columns that it does not name.
    Pivot {
        input: Box<Relation>,
        aggregates: Vec<Expr>,
        pivot: Box<Pivot>,
    },
    Unpivot(Box<Unpivot>),
    Sort {
        input: Box<Relation>,
        order: Vec<SortOrder>,
        global: bool,
    },
    /// `ORDER BY ALL`
    SortAll {
        input: Box<Relation>,
        ascending: bool,
        nulls_first: Option<bool>,
    },
    Limit {
        input: Box<Relation>,
        limit: Box<Expr>,
    },
    Offset {
        input: Box<Relation>,
        offset: Box<Expr>,
    },
    Tail {
        input: Box<Relation>,
        limit: usize,
    },
    /// All rows once; by all columns if `columns` is `None`.
    Deduplicate {
        input: Box<Relation>,
        columns: Option<Vec<String>>,
        within_watermark: bool,
    },
    Sample {
        input: Box<Relation>,
        lower: f64,
        upper: f64,
        with_replacement: bool,
        seed: Option<i64>,
    },
    SubqueryAlias {
        input: Box<Relation>,
        alias: String,
        qualifier: Name,
        columns: Vec<String>,
    },
    Repartition {
        input: Box<Relation>,
        partitions: usize,
        shuffle: bool,
    },
    RepartitionByExpression {
        input: Box<Relation>,
        expressions: Vec<Expr>,
        partitions: Option<usize>,
    },
    ToDf {
        input: Box<Relation>,
        names: Vec<String>,
    },
    RenameColumns {
        input: Box<Relation>,
        renames: Vec<(String, String)>,
    },
    WithColumns {
        input: Box<Relation>,
        columns: Vec<Expr>,
    },
    Drop {
        input: Box<Relation>,
        columns: Vec<Expr>,
        names: Vec<String>,
    },
    Hint {
        input: Box<Relation>,
        name: String,
        parameters: Vec<Expr>,
    },
    ToSchema {
        input: Box<Relation>,
        schema: DataType,
    },
    LateralView {
        input: Box<Relation>,
        generator: Expr,
        outer: bool,
        table: Option<String>,
        columns: Vec<String>,
    },
    /// Common table expressions, seen by `input` and by those that come after.
    With {
        input: Box<Relation>,
        tables: Vec<CommonTable>,
        recursive: bool,
    },
    CollectMetrics {
        input: Box<Relation>,
        name: String,
        metrics: Vec<Expr>,
    },
    Parse {
        input: Box<Relation>,
        format: ParseFormat,
        schema: Option<DataType>,
        options: Options,
    },
    WithWatermark {
        input: Box<Relation>,
        event_time: String,
        delay: String,
    },
    Transpose {
        input: Box<Relation>,
        index: Vec<Expr>,
    },
    MapPartitions {
        input: Box<Relation>,
        function: InlineFunction,
        barrier: bool,
    },
    GroupMap {
        input: Box<Relation>,
        grouping: Vec<Expr>,
        function: InlineFunction,
    },
    CoGroupMap {
        left: Box<Relation>,
        left_grouping: Vec<Expr>,
        right: Box<Relation>,
        right_grouping: Vec<Expr>,
        function: InlineFunction,
    },
    /// Relations of Spark Connect that subquery expressions of `input` refer to are already in place.
    ShowString {
        input: Box<Relation>,
        rows: usize,
        truncate: usize,
        vertical: bool,
    },
    HtmlString {
        input: Box<Relation>,
        rows: usize,
        truncate: usize,
    },

    // Missing values
    /// For these columns, or all if none; a value for each column, or one for all.
    FillNa {
        input: Box<Relation>,
        columns: Vec<String>,
        values: Vec<Literal>,
    },
    /// Keeps rows with at least `min_non_nulls`, or without nulls.
    DropNa {
        input: Box<Relation>,
        columns: Vec<String>,
        min_non_nulls: Option<usize>,
    },
    Replace {
        input: Box<Relation>,
        columns: Vec<String>,
        replacements: Vec<(Literal, Literal)>,
    },

    // Statistics
    Summary {
        input: Box<Relation>,
        statistics: Vec<String>,
    },
    Describe {
        input: Box<Relation>,
        columns: Vec<String>,
    },
    Crosstab {
        input: Box<Relation>,
        left: String,
        right: String,
    },
    Covariance {
        input: Box<Relation>,
        left: String,
        right: String,
    },
    Correlation {
        input: Box<Relation>,
        left: String,
        right: String,
        method: Option<String>,
    },
    ApproxQuantile {
        input: Box<Relation>,
        columns: Vec<String>,
        probabilities: Vec<f64>,
        relative_error: f64,
    },
    FrequentItems {
        input: Box<Relation>,
        columns: Vec<String>,
        support: f64,
    },
    SampleBy {
        input: Box<Relation>,
        column: Expr,
        fractions: Vec<(Literal, f64)>,
        seed: Option<i64>,
    },

    // Several inputs
    Join {
        left: Box<Relation>,
        right: Box<Relation>,
        kind: JoinKind,
        condition: Option<Expr>,
        using: Vec<String>,
        natural: bool,
        /// The right side sees the columns of the left.
        lateral: bool,
    },
    AsOfJoin(Box<AsOfJoin>),
    NearestBy(Box<NearestBy>),
    SetOperation {
        left: Box<Relation>,
        right: Box<Relation>,
        operator: SetOperator,
        all: bool,
        by_name: bool,
        allow_missing_columns: bool,
    },
}

impl From<RelationKind> for Relation {
    fn from(kind: RelationKind) -> Self {
        Self { plan_id: None, kind }
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataSource {
    /// `spark.sql.sources.default` if not given.
    pub format: Option<String>,
    pub schema: Option<DataType>,
    pub options: Options,
    pub paths: Vec<String>,
    pub predicates: Vec<String>,
    pub streaming: bool,
}

/// An element of `GROUP BY`; several multiply.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupingElement {
    Expr(Expr),
    Rollup(Vec<Vec<Expr>>),
    Cube(Vec<Vec<Expr>>),
    Sets(Vec<Vec<Expr>>),
    /// `GROUP BY ALL`: the expressions of the list that hold no aggregate.
    All,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pivot {
    pub columns: Vec<Expr>,
    /// All values that there are if empty.
    pub values: Vec<PivotValue>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PivotValue {
    pub value: Expr,
    pub alias: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Unpivot {
    pub input: Relation,
    /// All columns that are not values if `None`.
    pub ids: Option<Vec<Expr>>,
    /// All columns that are not ids if `None`.
    pub values: Option<Vec<UnpivotValue>>,
    pub variable: String,
    pub value_names: Vec<String>,
    pub include_nulls: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct UnpivotValue {
    pub columns: Vec<Expr>,
    pub alias: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CommonTable {
    pub name: String,
    pub columns: Vec<String>,
    pub relation: Relation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftSemi,
    LeftAnti,
    Cross,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseFormat {
    Csv,
    Json,
    Xml,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AsOfJoin {
    pub left: Relation,
    pub right: Relation,
    pub left_as_of: Expr,
    pub right_as_of: Expr,
    pub condition: Option<Expr>,
    pub using: Vec<String>,
    /// `inner` or `left`.
    pub kind: JoinKind,
    pub tolerance: Option<Expr>,
    pub allow_exact_matches: bool,
    pub direction: AsOfDirection,
}

/// For each row on the left the rows on the right that an expression ranks first.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestBy {
    pub left: Relation,
    pub right: Relation,
    pub ranking: Expr,
    /// At least 1.
    pub count: usize,
    /// `inner` or `left`.
    pub kind: JoinKind,
    /// The largest first.
    pub descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOfDirection {
    Backward,
    Forward,
    Nearest,
}
