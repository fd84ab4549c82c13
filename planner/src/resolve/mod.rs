//! From `spec` to a DataFusion logical plan, with Spark's rules: one resolver for SQL and DataFrames (PLAN-1).
//!
//! A column has an opaque id inside the plan (`#7`), unique in the query, and the user's name beside it in an
//! [`Attribute`]: two columns of one name, a join of a table with itself, and a name that differs in case only are no
//! matter then. User names come back last, on the answer's batches.
//!
//! Resolving is pure: what it needs of the outside, tables and files, is in [`Sources`], which was loaded before.

mod aggregate;
mod attribute;
mod expression;
mod frame_functions;
mod function;
mod generate;
mod join;
mod nearest;
mod output_names;
mod pivot;
mod project;
mod python;
mod python_table;
mod relation;
mod row_sources;
mod set_operation;
mod sort;
mod sources;
mod statistics;
mod subquery;
mod time_window;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use datafusion::common::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use firesteel_functions::Settings;
use firesteel_spec::{DataType, Relation, RelationKind, SparkError, SparkResult, StructField};

pub(crate) use attribute::Attribute;
pub use python::PythonOptions;
pub use sources::{Source, Sources, source_names};

/// A session's options that resolving depends on.
#[derive(Debug, Clone)]
pub struct ResolveOptions {
    pub settings: Settings,
    pub case_sensitive: bool,
    /// `GROUP BY 1` and `ORDER BY 1` mean columns.
    pub ordinals: bool,
    /// `spark.sql.pivotMaxValues`
    pub pivot_values_max: usize,
    pub python: PythonOptions,
}

impl Default for ResolveOptions {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            case_sensitive: false,
            ordinals: true,
            pivot_values_max: 10_000,
            python: PythonOptions::default(),
        }
    }
}

/// A query with names and types known.
#[derive(Debug, Clone)]
pub struct ResolvedQuery {
    /// Gives the columns of `schema` in order, under ids of its own.
    pub plan: LogicalPlan,
    pub schema: Vec<StructField>,
    /// Its rows come with the plan and are few: cores would wait for each other only.
    pub is_small: bool,
}

impl ResolvedQuery {
    /// The columns as a struct.
    pub fn data_type(&self) -> DataType {
        DataType::Struct { fields: self.schema.clone() }
    }
}

/// One core is done with so many rows before several have begun.
const SMALL_ROWS: u64 = 10_000;
/// What a row of few columns takes in Arrow's format.
const SMALL_ROW_BYTES: u64 = 64;

/// Resolves a query over sources that were loaded for it.
pub fn resolve(relation: &Relation, sources: &Sources, options: &ResolveOptions) -> SparkResult<ResolvedQuery> {
    crate::deep_stack::on_deep_stack(|| {
        let resolved = resolve_here(relation, sources, options);
        if resolved.is_err() && sources.has_cached() {
            // Kept rows lack what names reach beside the columns: the other side's keys of a `USING` join.
            return resolve_here(relation, &sources.without_cached(), options);
        }
        resolved
    })
}

fn resolve_here(relation: &Relation, sources: &Sources, options: &ResolveOptions) -> SparkResult<ResolvedQuery> {
    let resolver = Resolver::new(sources, options);
    let resolved = resolver.relation(relation, None)?;
    let schema = resolved.output.iter().map(Attribute::to_struct_field).collect();
    let plan = resolver.only_output(resolved)?.plan;
    Ok(ResolvedQuery { plan, schema, is_small: is_small(relation, sources) })
}

/// Do all rows that a query reads come with its plan, and are they few?
fn is_small(relation: &Relation, sources: &Sources) -> bool {
    let mut rows = 0_u64;
    relation.walk(&mut |relation| {
        let own = match &relation.kind {
            RelationKind::Local { ipc, .. } => ipc.as_ref().map_or(0, Vec::len) as u64 / SMALL_ROW_BYTES,
            RelationKind::Range { start, end, step, .. } => end.abs_diff(*start) / step.unsigned_abs().max(1),
            RelationKind::Table { name, .. } => match sources.table(name) {
                Some(Source::View { relation, .. }) if is_small(relation, sources) => 0,
                Some(_) => u64::MAX,
                // A common table expression, whose own rows are counted where it is defined.
                None => 0,
            },
            RelationKind::DataSource(_)
            | RelationKind::Cached { .. }
            | RelationKind::TableFunction { .. }
            | RelationKind::InlineTableFunction(_) => u64::MAX,
            _ => 0,
        };
        rows = rows.saturating_add(own);
    });
    rows <= SMALL_ROWS
}

/// State of resolving one query.
pub(crate) struct Resolver<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) options: &'a ResolveOptions,
    next_id: Cell<u32>,
    /// A list over groups is being resolved: `grouping()` may stand in it.
    pub(crate) in_groups: Cell<bool>,
    /// What is resolved next is a function with `OVER`: it may be a window function.
    pub(crate) is_over: Cell<bool>,
    /// A condition is being resolved, where DataFusion makes joins of subqueries.
    pub(crate) is_condition: Cell<bool>,
    /// What is resolved next stands where a generator may.
    pub(crate) is_generated: Cell<bool>,
    /// Common table expressions in reach, innermost last.
    pub(crate) tables: RefCell<Vec<(String, Rc<CommonRelation>)>>,
}

/// A common table expression: resolved anew wherever it is used, so that each use has ids of its own.
pub(crate) struct CommonRelation {
    pub relation: Relation,
    pub columns: Vec<String>,
    /// How many tables its own query sees.
    pub depth: usize,
    /// It reads its own rows.
    pub is_recursive: bool,
    /// While a recursive query's step is resolved: the rows of the step before.
    pub work: Option<Source>,
}

/// A relation with its plan. The plan may have more columns than the output.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub plan: LogicalPlan,
    pub output: Vec<Attribute>,
    /// Columns that names reach but `*` does not: the other side's keys of a `USING` join.
    pub hidden: Vec<Attribute>,
}

impl Resolved {
    pub fn new(plan: LogicalPlan, output: Vec<Attribute>) -> Self {
        Self { plan, output, hidden: Vec::new() }
    }
}

impl<'a> Resolver<'a> {
    fn new(sources: &'a Sources, options: &'a ResolveOptions) -> Self {
        Self {
            sources,
            options,
            next_id: Cell::new(0),
            in_groups: Cell::new(false),
            is_over: Cell::new(false),
            is_condition: Cell::new(false),
            is_generated: Cell::new(false),
            tables: RefCell::default(),
        }
    }
}

impl Resolver<'_> {
    pub fn settings(&self) -> &Settings {
        &self.options.settings
    }

    /// A column name that no other column of this query has.
    pub fn fresh_id(&self) -> String {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        format!("#{id}")
    }

    /// The relation with nothing but its output columns, in order.
    pub fn only_output(&self, input: Resolved) -> SparkResult<Resolved> {
        let fields = input.plan.schema().fields();
        let exact = fields.len() == input.output.len()
            && fields.iter().zip(&input.output).all(|(field, attribute)| *field.name() == attribute.id);
        if exact {
            return Ok(Resolved { hidden: Vec::new(), ..input });
        }
        let mut output = Vec::with_capacity(input.output.len());
        let mut seen = HashMap::new();
        let mut columns = Vec::with_capacity(input.output.len());
        for attribute in &input.output {
            let again = seen.insert(attribute.id.clone(), ()).is_some();
            let id = if again { self.fresh_id() } else { attribute.id.clone() };
            let column = attribute.column();
            columns.push(if again { column.alias(&id) } else { column });
            output.push(Attribute { id, ..attribute.clone() });
        }
        let plan = build(LogicalPlanBuilder::new(input.plan).project(columns))?;
        Ok(Resolved::new(plan, output))
    }
}

/// The plan of a builder's step. That DataFusion refuses what was resolved is a defect of ours.
pub(crate) fn build(builder: Result<LogicalPlanBuilder, DataFusionError>) -> SparkResult<LogicalPlan> {
    builder.and_then(LogicalPlanBuilder::build).map_err(plan_error)
}

pub(crate) fn plan_error(error: DataFusionError) -> SparkError {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<SparkError>() {
            Some(error) => error.clone(),
            None => SparkError::internal(inner),
        },
        DataFusionError::NotImplemented(what) => SparkError::unsupported(what),
        root => SparkError::internal(root.strip_backtrace()),
    }
}
