//! Relations without inputs: tables, files, rows in the plan, ranges.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::functions_table::generate_series::{GenSeriesArgs, GenerateSeriesTable};
use datafusion::logical_expr::{Cast, Expr as DfExpr, LogicalPlanBuilder, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::prelude::Column;
use firesteel_functions::{canonical, common_type, from_field, to_arrow, to_field};
use firesteel_spec::{DataType, Expr, Name, SparkError, SparkResult, StructField};

use super::attribute::{Attribute, Scope, quote};
use super::project::Item;
use super::{Resolved, Resolver, Source, build, plan_error};

impl Resolver<'_> {
    pub fn table(&self, name: &Name, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        if let [single] = name.as_slice()
            && let Some(common) = self.common_table(single, outer)?
        {
            return Ok(common);
        }
        match self.sources.table(name) {
            Some(source) => self.source(source),
            None => Err(SparkError::new(
                "TABLE_OR_VIEW_NOT_FOUND",
                format!(
                    "there is no table or view {}; check its name, its database, and that it was created",
                    quote(name)
                ),
            )
            .with("relationName", quote(name))),
        }
    }

    pub fn source(&self, source: &Source) -> SparkResult<Resolved> {
        match source {
            Source::Table { provider, columns, qualifier } => self.scan(Arc::clone(provider), columns, qualifier),
            Source::View { relation, qualifier } => {
                let hidden = std::mem::take(&mut *self.tables.borrow_mut());
                let resolved = self.relation(relation, None);
                *self.tables.borrow_mut() = hidden;
                let mut resolved = self.only_output(resolved?)?;
                resolved.output.iter_mut().for_each(|column| column.qualifier.clone_from(qualifier));
                Ok(resolved)
            }
        }
    }

    /// All columns of a provider, as the Arrow types that plans have.
    fn scan(
        &self,
        provider: Arc<dyn TableProvider>,
        columns: &[StructField],
        qualifier: &Name,
    ) -> SparkResult<Resolved> {
        let schema = provider.schema();
        let source = provider_as_source(provider);
        let scan = LogicalPlanBuilder::scan("source", source, None).map_err(plan_error)?;
        let mut output = Vec::with_capacity(columns.len());
        let mut projection = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let mut attribute =
                Attribute::new(self.fresh_id(), &column.name, column.data_type.clone(), column.nullable);
            attribute.qualifier.clone_from(qualifier);
            attribute.metadata.clone_from(&column.metadata);
            let field = schema.fields().get(index).ok_or_else(|| {
                SparkError::internal(format!(
                    "the table has {} columns, and not {}",
                    schema.fields().len(),
                    column.name
                ))
            })?;
            let from = DfExpr::Column(Column::new(Some("source"), field.name()));
            let target = to_arrow(&column.data_type);
            let same = field.data_type() == &target || field.data_type().equals_datatype(&target);
            let expr = if same { from } else { DfExpr::Cast(Cast::new(Box::new(from), target)) };
            projection.push(expr.alias(&attribute.id));
            output.push(attribute);
        }
        let plan = build(scan.project(projection))?;
        Ok(Resolved::new(plan, output))
    }

    /// Rows of an Arrow IPC stream. A schema of the plan overrides names and types by position.
    pub fn local(&self, ipc: Option<&[u8]>, schema: Option<&DataType>) -> SparkResult<Resolved> {
        let invalid = |error: arrow::error::ArrowError| {
            SparkError::invalid_plan(format!("the rows of a local relation are no Arrow stream: {error}"))
        };
        let (arrow_schema, batches) = match ipc {
            Some(bytes) if !bytes.is_empty() => {
                let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(invalid)?;
                let schema = reader.schema();
                (schema, reader.collect::<Result<Vec<RecordBatch>, _>>().map_err(invalid)?)
            }
            _ => (Arc::new(Schema::empty()), Vec::new()),
        };
        let own =
            arrow_schema.fields().iter().map(|field| from_field(field)).collect::<SparkResult<Vec<StructField>>>()?;
        let wanted = match schema {
            Some(DataType::Struct { fields }) => Some(fields.clone()),
            Some(single) => Some(vec![StructField::new("value", single.clone(), true)]),
            None => None,
        };
        if ipc.is_none_or(<[u8]>::is_empty) {
            let columns = wanted.unwrap_or_default();
            let fields: Vec<_> = columns.iter().map(to_field).collect();
            return self.memory(Arc::new(Schema::new(fields)), Vec::new(), &columns);
        }
        // By position, since two columns may have one name.
        let unique: Vec<_> = arrow_schema
            .fields()
            .iter()
            .enumerate()
            .map(|(index, field)| field.as_ref().clone().with_name(format!("c{index}")))
            .collect();
        let unique = Arc::new(Schema::new(unique));
        let batches = batches
            .into_iter()
            .map(|batch| RecordBatch::try_new(Arc::clone(&unique), batch.columns().to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(invalid)?;
        let resolved = self.memory(unique, batches, &own)?;
        let Some(wanted) = wanted else { return Ok(resolved) };
        if wanted.len() != resolved.output.len() {
            return Err(SparkError::invalid_plan(format!(
                "a local relation has {} columns, its schema {}",
                resolved.output.len(),
                wanted.len()
            )));
        }
        let items = resolved
            .output
            .iter()
            .zip(&wanted)
            .map(|(column, field)| {
                let typed = super::aggregate::as_type(self, column.typed(), &field.data_type)?;
                let mut item = Item::named(typed, &field.name);
                item.typed.nullable = field.nullable;
                item.metadata.clone_from(&field.metadata);
                Ok(item)
            })
            .collect::<SparkResult<Vec<_>>>()?;
        self.project_items(resolved, items)
    }

    fn memory(&self, schema: Arc<Schema>, batches: Vec<RecordBatch>, columns: &[StructField]) -> SparkResult<Resolved> {
        for field in schema.fields() {
            canonical(field.data_type())?;
        }
        if schema.fields().is_empty() {
            return self.one_row(0);
        }
        let table = MemTable::try_new(schema, vec![batches]).map_err(plan_error)?;
        self.scan(Arc::new(table), columns, &Vec::new())
    }

    /// Rows without columns.
    pub fn one_row(&self, rows: usize) -> SparkResult<Resolved> {
        let plan = build(Ok(LogicalPlanBuilder::empty(rows == 1)))?;
        Ok(Resolved::new(plan, Vec::new()))
    }

    /// `VALUES`: each column has the type that its values have in common.
    pub fn values(&self, rows: &[Vec<Expr>], outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let scope = Scope::empty(outer);
        let rows = rows
            .iter()
            .map(|row| row.iter().map(|expr| self.expr(expr, &scope)).collect::<SparkResult<Vec<_>>>())
            .collect::<SparkResult<Vec<_>>>()?;
        let width = rows.first().map_or(0, Vec::len);
        if let Some((index, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != width) {
            return Err(SparkError::new(
                "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                format!("VALUES: row {} has {} values, the first {width}", index + 1, row.len()),
            )
            .with("expectedNumCols", width.to_string())
            .with("actualNumCols", row.len().to_string())
            .with("rowIndex", index.to_string()));
        }
        let mut types = Vec::with_capacity(width);
        for column in 0..width {
            let all: Vec<DataType> = rows.iter().map(|row| row[column].data_type.clone()).collect();
            let common = common_type(&all, self.settings().ansi).filter(|_| !self.mixes_texts(&all));
            types.push(common.ok_or_else(|| {
                SparkError::new(
                    "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE",
                    format!("VALUES: the values of column {} have no type in common", column + 1),
                )
                .with("colName", format!("`col{}`", column + 1))
            })?);
        }
        let mut nullable = vec![false; width];
        let mut cells = Vec::with_capacity(rows.len());
        for row in rows {
            let mut typed = Vec::with_capacity(width);
            for (column, value) in row.into_iter().enumerate() {
                nullable[column] |= value.nullable;
                typed.push(super::aggregate::as_type(self, value, &types[column])?.expr);
            }
            cells.push(typed);
        }
        let builder = LogicalPlanBuilder::values(cells).map_err(plan_error)?;
        let names: Vec<Column> = builder.schema().columns();
        let output: Vec<Attribute> = types
            .into_iter()
            .zip(nullable)
            .enumerate()
            .map(|(index, (data_type, nullable))| {
                Attribute::new(self.fresh_id(), format!("col{}", index + 1), data_type, nullable)
            })
            .collect();
        let columns: Vec<DfExpr> = names
            .into_iter()
            .zip(&output)
            .map(|(column, attribute)| {
                let target = attribute.typed().arrow_type();
                DfExpr::Cast(Cast::new(Box::new(DfExpr::Column(column)), target)).alias(&attribute.id)
            })
            .collect();
        Ok(Resolved::new(build(builder.project(columns))?, output))
    }

    /// Are there texts and something else among values that Spark, in ANSI mode, does not read from texts here?
    pub fn mixes_texts(&self, types: &[DataType]) -> bool {
        let texts = types.iter().filter(|data_type| data_type.is_string()).count();
        let nulls = types.iter().filter(|data_type| **data_type == DataType::Null).count();
        self.settings().ansi && texts > 0 && texts + nulls < types.len()
    }

    pub fn range(&self, start: i64, end: i64, step: i64) -> SparkResult<Resolved> {
        if step == 0 {
            return Err(SparkError::new("DATA_SOURCE_INVALID_RANGE_STEP", "the step of a range is 0"));
        }
        let schema = Arc::new(Schema::new(vec![Field::new("value", ArrowType::Int64, false)]));
        // A range that runs the wrong way is empty.
        let (start, end) = if (step > 0) == (end > start) { (start, end) } else { (0, 0) };
        let series = GenSeriesArgs::Int64Args { start, end, step, include_end: false, name: "range" };
        let provider: Arc<dyn TableProvider> = Arc::new(RangeTable(GenerateSeriesTable::new(schema, series)));
        let column = StructField::new(provider.schema().field(0).name(), DataType::Long, false);
        let mut resolved = self.scan(provider, &[column], &Vec::new())?;
        resolved.output.iter_mut().for_each(|column| column.name = "id".to_owned());
        Ok(resolved)
    }

    pub fn table_function(&self, name: &Name, arguments: &[Expr], outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let lower = name.last().map(|name| name.to_lowercase()).unwrap_or_default();
        if lower == "range" {
            let scope = Scope::empty(outer);
            let numbers = arguments
                .iter()
                .map(|expr| {
                    let typed = self.expr(expr, &scope)?;
                    let typed = super::aggregate::as_type(self, typed, &DataType::Long)?;
                    let folded = typed.integer().or_else(|| {
                        let value = super::expression::fold(&typed.expr)?;
                        firesteel_functions::Typed::literal(value, DataType::Long, "").integer()
                    });
                    folded.ok_or_else(|| {
                        SparkError::new("FAILED_FUNCTION_CALL", "range takes constant numbers")
                            .with("funcName", "`range`")
                    })
                })
                .collect::<SparkResult<Vec<i64>>>()?;
            return match numbers.as_slice() {
                [end] => self.range(0, *end, 1),
                [start, end] => self.range(*start, *end, 1),
                [start, end, step] | [start, end, step, _] => self.range(*start, *end, *step),
                _ => Err(SparkError::new("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "range takes 1 to 4 arguments")
                    .with("functionName", "`range`")
                    .with("expectedNum", "[1, 2, 3, 4]")
                    .with("actualNum", arguments.len().to_string())),
            };
        }
        let call = Expr::Function(firesteel_spec::FunctionCall {
            name: name.clone(),
            arguments: arguments.to_vec(),
            ..Default::default()
        });
        if super::function::generator_of(&call).is_none() {
            if let Some(function) = self.options.python.table_function(name, arguments) {
                return self.python_table(&function, outer);
            }
            return Err(SparkError::new(
                "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
                format!("there is no table-valued function {}", quote(name)),
            )
            .with("name", quote(name)));
        }
        self.lateral_view(self.one_row(1)?, &call, lower.ends_with("_outer"), None, &[], outer)
    }
}

/// DataFusion's series, which gives its column also where none is asked for: then it is left out here.
#[derive(Debug)]
struct RangeTable(GenerateSeriesTable);

#[async_trait]
impl TableProvider for RangeTable {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[DfExpr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = self.0.scan(state, None, filters, limit).await?;
        // That its rows are sorted does not cross the wire: a function's joins would keep no order that the plan counts on.
        let all: Arc<dyn ExecutionPlan> = match all.downcast_ref::<LazyMemoryExec>() {
            Some(range) => Arc::new(LazyMemoryExec::try_new(all.schema(), range.generators().clone())?),
            None => all,
        };
        match projection {
            Some(columns) if columns.is_empty() => {
                Ok(Arc::new(ProjectionExec::try_new(Vec::<ProjectionExpr>::new(), all)?))
            }
            _ => Ok(all),
        }
    }
}
