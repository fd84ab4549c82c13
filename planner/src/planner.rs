//! [`Planner`]: a session's tables and options, and the way from SQL text to stages.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::parquet::errors::ParquetError;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use firesteel_formats::{FileFormat, ParquetCodec, SinkSpec, written_schema};
use firesteel_functions::from_field;
use firesteel_operators::{ConcatExec, FileWriteExec, StorageRegistry, session_state};
use firesteel_spec::{DataType, SparkError};
use firesteel_storage::Storage;
use futures::FutureExt;

use crate::deep_stack::OnDeepStack;
use crate::python_map::PythonQueryPlanner;
use crate::resolve::ResolvedQuery;
use crate::rules::{distributed_rules, single_task_rules};
use crate::stages::{CutOptions, StageGraph, cut, scan_bytes, single_stage};
use crate::{PlanError, PlannerOptions, tables};

/// Tables, options and functions of one session.
pub struct Planner {
    options: PlannerOptions,
    /// Names and functions; its plans are for one task.
    context: SessionContext,
    /// As `context`, for plans of one partition.
    narrow: SessionContext,
    /// As `context`, for queries whose every value has its type already: DataFusion's own coercion takes time by the
    /// square of an expression's depth, and would find nothing to do.
    resolved: SessionState,
    runtime: Arc<RuntimeEnv>,
}

/// Where rows go.
struct Sink {
    spec: SinkSpec,
    in_one: bool,
}

/// A query with all its plans.
#[derive(Debug, Clone)]
pub struct PlannedQuery {
    pub logical: LogicalPlan,
    pub physical: Arc<dyn ExecutionPlan>,
    pub graph: StageGraph,
    /// The answer's columns.
    pub schema: SchemaRef,
    /// Compressed bytes of the files that the query scans.
    pub scan_bytes: u64,
}

impl PlannedQuery {
    /// The files that the query scans, as URLs, each once.
    pub fn input_files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect_files(&self.physical, &mut files);
        files.dedup();
        files
    }
}

impl Planner {
    /// A session without tables.
    pub fn new(storage: Storage, options: PlannerOptions) -> Result<Self, PlanError> {
        let runtime = RuntimeEnvBuilder::new()
            .with_object_store_registry(Arc::new(StorageRegistry(storage)))
            .build_arc()
            .map_err(PlanError::Query)?;
        let context = |partitions| {
            let mut config = planning_config(&options, partitions)?;
            // Few rows: which side of a join is kept is of no matter, and their order is as Spark's.
            config.options_mut().optimizer.join_reordering = partitions > 1;
            let state = session_state(config, Arc::clone(&runtime))
                .with_query_planner(Arc::new(PythonQueryPlanner))
                .with_physical_optimizer_rules(single_task_rules());
            Ok(SessionContext::new_with_state(state.build()))
        };
        let (context, narrow) = (context(options.function_cores())?, context(1)?);
        let resolved = SessionStateBuilder::new_from_existing(context.state()).with_analyzer_rules(Vec::new()).build();
        Ok(Self { options, context, narrow, resolved, runtime })
    }

    /// Makes Parquet files known as a table. A path is a file, a folder, a pattern, or a URL of one.
    pub async fn register_parquet(&self, table: &str, paths: &[String]) -> Result<(), PlanError> {
        if paths.is_empty() {
            return Err(PlanError::Table { table: table.to_owned(), reason: "it has no path".to_owned() });
        }
        let state = self.context.state();
        let reading = AssertUnwindSafe(tables::parquet_table(&state, table, paths)).catch_unwind();
        // The Parquet reader panics over some corrupt footers.
        let provider = reading.await.unwrap_or_else(|panic| {
            let source = ParquetError::General(format!("invalid footer: {}", panic_text(panic.as_ref())));
            Err(PlanError::TableRead { table: table.to_owned(), url: paths.join(", "), source: source.into() })
        })?;
        self.context
            .register_table(datafusion::common::TableReference::bare(table), provider)
            .map_err(PlanError::Query)?;
        Ok(())
    }

    /// DataFusion's session, for comparisons with it in one process.
    pub fn session(&self) -> &SessionContext {
        &self.context
    }

    /// Plans one query. Statements that are no query are refused.
    pub async fn plan_sql(&self, sql: &str) -> Result<PlannedQuery, PlanError> {
        OnDeepStack::new(self.plan_text(sql)).await
    }

    /// Plans a query whose rows go to Parquet files in `staging_url`, as [`Self::plan_write`] has it. Gives the sink and
    /// the rows' columns too.
    pub async fn plan_sql_write(
        &self,
        sql: &str,
        staging_url: &str,
    ) -> Result<(PlannedQuery, SinkSpec, SchemaRef), PlanError> {
        let plan = async {
            let logical = self.logical(sql).await?;
            let schema = Arc::new(logical.schema().as_arrow().clone());
            let spec = parquet_sink(staging_url, &schema)?;
            let planned = self.plan(logical, Some(&Sink { spec: spec.clone(), in_one: false })).await?;
            Ok((PlannedQuery { schema: written_schema(), ..planned }, spec, schema))
        };
        OnDeepStack::new(plan).await
    }

    /// Plans a query that is resolved. The columns of its answer have the ids of the plan; `ResolvedQuery::schema` has
    /// their names.
    pub async fn plan_resolved(&self, query: ResolvedQuery) -> Result<PlannedQuery, PlanError> {
        let plan = async {
            let planned = self.plan_to(query, None).await?;
            // What a column is declared to be says nothing of what an operator declares its batches to be.
            let fields = planned.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            Ok(PlannedQuery { schema, ..planned })
        };
        OnDeepStack::new(plan).await
    }

    /// Plans a query whose rows go to files; the answer names the files, which are still to be committed. With
    /// `in_one` all rows go through one sink.
    pub async fn plan_write(
        &self,
        query: ResolvedQuery,
        sink: SinkSpec,
        in_one: bool,
    ) -> Result<PlannedQuery, PlanError> {
        let plan = async {
            let planned = self.plan_to(query, Some(&Sink { spec: sink, in_one })).await?;
            Ok(PlannedQuery { schema: written_schema(), ..planned })
        };
        OnDeepStack::new(plan).await
    }

    async fn plan_to(&self, query: ResolvedQuery, sink: Option<&Sink>) -> Result<PlannedQuery, PlanError> {
        let logical = self.resolved.optimize(&query.plan).map_err(PlanError::Query)?;
        if !query.is_small {
            return self.plan(logical, sink).await;
        }
        let physical = one_after_another(physical_plan(&self.narrow.state(), &logical).await?)?;
        let physical = into_files(physical, sink);
        let stages = single_stage(Arc::clone(&physical)).map_err(stages_error)?;
        Ok(self.planned(logical, physical, stages, 0, true))
    }

    async fn plan_text(&self, sql: &str) -> Result<PlannedQuery, PlanError> {
        let logical = self.logical(sql).await?;
        self.plan(logical, None).await
    }

    async fn logical(&self, sql: &str) -> Result<LogicalPlan, PlanError> {
        let logical = self.context.state().create_logical_plan(sql).await.map_err(PlanError::Query)?;
        if let LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) = logical {
            return Err(PlanError::Unsupported("EXPLAIN as a statement (use `firesteel explain`)".to_owned()));
        }
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&logical)
            .map_err(PlanError::Query)?;
        self.context.state().optimize(&logical).map_err(PlanError::Query)
    }

    async fn plan(&self, logical: LogicalPlan, sink: Option<&Sink>) -> Result<PlannedQuery, PlanError> {
        let physical = physical_plan(&self.context.state(), &logical).await?;
        let scan_bytes = scan_bytes(&physical);
        let tasks = scan_bytes.div_ceil(self.options.task_target_bytes).clamp(1, self.options.task_count_max);
        if tasks == 1 || has_recursion(&physical) {
            let physical = into_files(physical, sink);
            let stages = single_stage(Arc::clone(&physical)).map_err(stages_error)?;
            return Ok(self.planned(logical, physical, stages, scan_bytes, true));
        }
        let state = self.distributed_state(tasks as usize * self.options.function_cores())?;
        let physical = into_files(physical_plan(&state, &logical).await?, sink);
        let options = CutOptions {
            task_target_bytes: scan_bytes.div_ceil(tasks).max(self.options.task_target_bytes),
            function_cores: self.options.function_cores(),
            encoding: self.options.shuffle_encoding,
        };
        let stages = cut(Arc::clone(&physical), options).map_err(stages_error)?;
        Ok(self.planned(logical, physical, stages, scan_bytes, false))
    }

    fn planned(
        &self,
        logical: LogicalPlan,
        physical: Arc<dyn ExecutionPlan>,
        stages: Vec<crate::Stage>,
        scan_bytes: u64,
        single_task: bool,
    ) -> PlannedQuery {
        let graph = StageGraph {
            stages,
            settings: task_settings(&self.options, single_task),
            shuffle_target_bytes: self.options.shuffle_target_bytes,
            task_target_bytes: self.options.task_target_bytes,
            function_cores: self.options.function_cores(),
        };
        let schema = Arc::new(logical.schema().as_arrow().clone());
        PlannedQuery { logical, physical, graph, schema, scan_bytes }
    }

    /// A session for plans that will be cut: the same tables and functions, other rules.
    fn distributed_state(&self, partitions: usize) -> Result<SessionState, PlanError> {
        let mut config = planning_config(&self.options, partitions)?;
        // Spreading rows evenly serves the cores of one machine only.
        config.options_mut().optimizer.enable_round_robin_repartition = false;
        config.options_mut().optimizer.hash_join_single_partition_threshold = self.options.broadcast_bytes_max as usize;
        let state = session_state(config, Arc::clone(&self.runtime)).with_query_planner(Arc::new(PythonQueryPlanner));
        Ok(state.with_physical_optimizer_rules(distributed_rules()).build())
    }
}

/// The branches of a plan of few rows in their order, where DataFusion takes what comes first.
fn one_after_another(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, PlanError> {
    let changed = plan.transform_up(|node| {
        let Some(merge) = node.downcast_ref::<CoalescePartitionsExec>() else { return Ok(Transformed::no(node)) };
        let concat: Arc<dyn ExecutionPlan> = Arc::new(ConcatExec::new(Arc::clone(merge.input())));
        Ok(Transformed::yes(match merge.fetch() {
            Some(fetch) => Arc::new(GlobalLimitExec::new(concat, 0, Some(fetch))),
            None => concat,
        }))
    });
    changed.map(|changed| changed.data).map_err(PlanError::Query)
}

/// Files of all columns, without folders of partitions.
fn parquet_sink(folder: &str, schema: &Schema) -> Result<SinkSpec, PlanError> {
    let fields = schema.fields().iter().map(|field| from_field(field)).collect::<Result<_, SparkError>>();
    let fields = fields.map_err(|error| PlanError::Unsupported(error.message))?;
    Ok(SinkSpec {
        folder: folder.to_owned(),
        format: FileFormat::Parquet {
            codec: ParquetCodec::Snappy,
            spark_schema: DataType::Struct { fields }.to_json(),
        },
        columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
        partition_columns: 0,
        records_per_file_max: None,
    })
}

fn into_files(plan: Arc<dyn ExecutionPlan>, sink: Option<&Sink>) -> Arc<dyn ExecutionPlan> {
    let Some(sink) = sink else { return plan };
    let is_many = plan.properties().partitioning.partition_count() > 1;
    let order = plan.output_ordering().cloned();
    let plan: Arc<dyn ExecutionPlan> = match order {
        Some(order) if sink.in_one && is_many => Arc::new(SortPreservingMergeExec::new(order, plan)),
        None if sink.in_one && is_many => Arc::new(CoalescePartitionsExec::new(plan)),
        _ => plan,
    };
    Arc::new(FileWriteExec::new(plan, sink.spec.clone()))
}

fn collect_files(plan: &Arc<dyn ExecutionPlan>, files: &mut Vec<String>) {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>()
        && let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>()
    {
        let store = config.object_store_url.as_str();
        // `file:///` has no bucket to end with.
        let store = store.strip_suffix('/').unwrap_or(store);
        let own = config.file_groups.iter().flat_map(|group| group.files().iter());
        files.extend(own.map(|file| format!("{store}/{}", file.path())));
    }
    plan.children().into_iter().for_each(|child| collect_files(child, files));
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the reader panicked")
}

async fn physical_plan(state: &SessionState, logical: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, PlanError> {
    let plan = state.query_planner().create_physical_plan(logical, state).await.map_err(PlanError::Query)?;
    crate::rules::lambdas_apart(plan).map_err(PlanError::Query)
}

fn stages_error(error: DataFusionError) -> PlanError {
    match error {
        DataFusionError::NotImplemented(what) => PlanError::Unsupported(what),
        error => PlanError::Stages(error),
    }
}

fn planning_config(options: &PlannerOptions, partitions: usize) -> Result<SessionConfig, PlanError> {
    let mut config = SessionConfig::new().with_target_partitions(partitions);
    let set = config.options_mut();
    set.sql_parser.dialect = datafusion::config::Dialect::Spark;
    set.execution.collect_statistics = true;
    set.optimizer.preserve_file_partitions = 0;
    for (key, value) in &options.datafusion {
        set.set(key, value).map_err(|error| PlanError::Setting {
            key: key.clone(),
            value: value.clone(),
            reason: error.strip_backtrace(),
        })?;
    }
    Ok(config)
}

/// The options that tasks run under.
fn task_settings(options: &PlannerOptions, single_task: bool) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::from([
        ("datafusion.execution.target_partitions".to_owned(), options.function_cores().to_string()),
        // A stolen file belongs to another task, which reads it too.
        ("datafusion.execution.enable_file_stream_work_stealing".to_owned(), single_task.to_string()),
    ]);
    settings.extend(options.datafusion.clone());
    settings
}

/// A recursive query runs its parts over and over in one place.
fn has_recursion(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut found = false;
    let visited = plan.apply(|node| {
        found |= node.name() == "RecursiveQueryExec";
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found || visited.is_err()
}
