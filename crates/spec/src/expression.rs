//! Expressions, before names are looked up and types are known.

use std::sync::Arc;

use crate::{DataType, Literal, Name, QueryContext, Relation};

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Literal(Literal),
    /// A column, or a field of one: `a.b.c`. `plan_id` names the relation of Spark Connect that it belongs to.
    Attribute {
        name: Name,
        plan_id: Option<i64>,
        metadata_column: bool,
    },
    /// `*`, `t.*`, or `* EXCEPT (…)`.
    Star {
        target: Option<Name>,
        plan_id: Option<i64>,
        except: Vec<Name>,
    },
    /// All columns whose names match.
    Regex {
        pattern: String,
        target: Option<Name>,
        plan_id: Option<i64>,
    },
    /// A function or an operator; operators have their symbols as names (`+`, `<=>`, `and`, `not`), `CASE WHEN` is
    /// `when` and `CAST` stands alone.
    Function(FunctionCall),
    /// Several names for a generator that gives several columns. `metadata` is a JSON object.
    Alias {
        expr: Box<Expr>,
        names: Vec<String>,
        metadata: Option<String>,
    },
    Cast {
        expr: Box<Expr>,
        to: DataType,
        mode: CastMode,
    },
    /// Allowed where an order is meant only.
    Sort(Box<SortOrder>),
    Lambda {
        body: Box<Expr>,
        parameters: Vec<String>,
    },
    /// A lambda's parameter, or a field of it.
    LambdaVariable(Name),
    Window {
        function: Box<Expr>,
        spec: Box<WindowSpec>,
    },
    /// `child[extraction]`, or a field if `extraction` is a text.
    ExtractValue {
        child: Box<Expr>,
        extraction: Box<Expr>,
    },
    /// `withField`, or `dropFields` if there is no value.
    UpdateField {
        child: Box<Expr>,
        field: String,
        value: Option<Box<Expr>>,
    },
    /// A user's function that came with the plan.
    Inline(InlineFunction),
    /// `name => value` among arguments.
    NamedArgument {
        name: String,
        value: Box<Expr>,
    },
    ScalarSubquery(Box<Relation>),
    Exists(Box<Relation>),
    InSubquery {
        values: Vec<Expr>,
        relation: Box<Relation>,
    },
    /// `TABLE(…)` as an argument of a table-valued function.
    TableArgument {
        relation: Box<Relation>,
        partition_by: Vec<Expr>,
        order_by: Vec<SortOrder>,
        single_partition: bool,
    },
    /// An expression and where it stands in the user's program, for errors.
    Located {
        expr: Box<Expr>,
        origin: Arc<Origin>,
    },
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionCall {
    pub name: Name,
    pub arguments: Vec<Expr>,
    pub distinct: bool,
    /// `FILTER (WHERE …)`
    pub filter: Option<Box<Expr>>,
    /// `IGNORE NULLS` or `RESPECT NULLS`, if said.
    pub ignore_nulls: Option<bool>,
    /// `WITHIN GROUP (ORDER BY …)`
    pub within_group: Vec<SortOrder>,
    /// Spark's internal functions have their own namespace.
    pub internal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastMode {
    /// By `spark.sql.ansi.enabled`.
    Session,
    Legacy,
    Ansi,
    Try,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SortOrder {
    pub expr: Expr,
    pub ascending: bool,
    /// If not said, nulls are first in ascending order and last in descending.
    pub nulls_first: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowSpec {
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortOrder>,
    pub frame: Option<WindowFrame>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WindowFrame {
    pub units: FrameUnits,
    pub lower: FrameBound,
    pub upper: FrameBound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameUnits {
    Rows,
    Range,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FrameBound {
    /// In the direction of the bound: preceding for the lower, following for the upper one, if it is not said.
    Unbounded,
    CurrentRow,
    /// Distance from the current row; negative is before it.
    Value(Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct InlineFunction {
    pub name: String,
    pub deterministic: bool,
    pub distinct: bool,
    pub arguments: Vec<Expr>,
    pub function: Result<PythonFunction, UnsupportedFunction>,
}

/// A function pickled by PySpark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonFunction {
    /// None for a table function that analyses its arguments.
    pub output_type: Option<DataType>,
    /// Of PySpark's `PythonEvalType`.
    pub eval_type: i32,
    pub command: Vec<u8>,
    /// Such as `3.12`.
    pub python_version: String,
}

/// A function in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedFunction {
    pub language: String,
}

/// Where something stands in the user's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In SQL text.
    Sql(QueryContext),
    /// In a Python program: the method and its call site.
    DataFrame { fragment: String, call_site: String },
}

impl Expr {
    pub fn attribute(name: impl Into<String>) -> Self {
        Self::Attribute { name: vec![name.into()], plan_id: None, metadata_column: false }
    }

    pub fn function(name: impl Into<String>, arguments: Vec<Expr>) -> Self {
        Self::Function(FunctionCall { name: vec![name.into()], arguments, ..FunctionCall::default() })
    }

    pub fn alias(self, name: impl Into<String>) -> Self {
        Self::Alias { expr: Box::new(self), names: vec![name.into()], metadata: None }
    }

    pub fn cast(self, to: DataType) -> Self {
        Self::Cast { expr: Box::new(self), to, mode: CastMode::Session }
    }

    /// Without the places that it stands at.
    pub fn unlocated(&self) -> &Self {
        match self {
            Self::Located { expr, .. } => expr.unlocated(),
            expr => expr,
        }
    }
}

impl From<Literal> for Expr {
    fn from(literal: Literal) -> Self {
        Self::Literal(literal)
    }
}

impl SortOrder {
    pub fn ascending(expr: Expr) -> Self {
        Self { expr, ascending: true, nulls_first: None }
    }

    pub fn are_nulls_first(&self) -> bool {
        self.nulls_first.unwrap_or(self.ascending)
    }
}
