//! [`SparkSession`]: plans in, rows and effects out.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::physical_plan::displayable;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use firesteel_connect::engine::{
    Execution, ObservedReceiver, ProgressSink, Session, SessionConfig, SessionKey, StorageLevel,
};
use firesteel_planner::{Planner, PlannerOptions};
use firesteel_spec::{
    Command, CreateView, DataType, ExplainMode, InsertMode, Plan, Relation, RelationKind, SparkError, SparkResult,
    ViewKind,
};
use parking_lot::RwLock;

use crate::cache::Cache;
use crate::catalog::Insertion;
use crate::catalog::metastore::{self, Metastore};
use crate::config::Config;
use crate::error::from_plan;
use crate::jobs::Cluster;
use crate::python::RegisteredFunctions;
use crate::query::Rows;
use crate::views::{Views, VisibleViews};

pub struct SparkSession {
    pub(crate) cluster: Cluster,
    pub(crate) options: PlannerOptions,
    pub(crate) planner: Planner,
    pub(crate) config: Config,
    pub(crate) views: VisibleViews,
    pub(crate) user: String,
    pub(crate) cache: Cache,
    pub(crate) python: RegisteredFunctions,
    pub(crate) metastore: Metastore,
    /// The current database.
    pub(crate) database: RwLock<String>,
}

impl SparkSession {
    pub(crate) fn new(
        cluster: Cluster,
        mut options: PlannerOptions,
        user: &str,
        global_views: Views,
        config: Config,
    ) -> SparkResult<Self> {
        // Spark's functions are over plain strings; see `firesteel_functions::to_arrow`.
        options
            .datafusion
            .entry("datafusion.execution.parquet.schema_force_view_types".to_owned())
            .or_insert_with(|| "false".to_owned());
        let planner = Planner::new(cluster.storage.clone(), options.clone()).map_err(from_plan)?;
        let views = VisibleViews { own: Views::default(), global: global_views };
        let warehouse = config.value("spark.sql.warehouse.dir").unwrap_or_default();
        let metastore = Metastore::new(cluster.storage.clone(), &warehouse)?;
        let database = RwLock::new(metastore::DEFAULT.to_owned());
        let (user, cache, python) = (user.to_owned(), Cache::default(), RegisteredFunctions::default());
        Ok(Self { cluster, options, planner, config, views, user, cache, python, metastore, database })
    }

    /// Runs a query or a command.
    pub async fn run(&self, plan: &Plan, progress: &ProgressSink) -> SparkResult<Rows> {
        match plan {
            Plan::Query(relation) => self.query(relation, progress).await,
            Plan::Command(command) => self.command(command, progress).await,
        }
    }

    async fn query(&self, relation: &Relation, progress: &ProgressSink) -> SparkResult<Rows> {
        match &relation.kind {
            RelationKind::ShowString { input, rows, truncate, vertical } => {
                self.show_string(input, *rows, *truncate, *vertical, progress).await
            }
            RelationKind::HtmlString { input, rows, truncate } => {
                self.html_string(input, *rows, *truncate, progress).await
            }
            RelationKind::Tail { input, limit } => self.tail(input, *limit, progress).await,
            RelationKind::Command(command) => self.command(command, progress).await,
            RelationKind::Catalog(command) => {
                let command = Command::Catalog(command.clone());
                self.command(&command, progress).await
            }
            _ => self.rows(relation, progress).await,
        }
    }

    async fn command(&self, command: &Command, progress: &ProgressSink) -> SparkResult<Rows> {
        match command {
            Command::CreateView(view) if view.kind == ViewKind::Kept => {
                self.create_kept_view(view).await?;
                Ok(Rows::none())
            }
            Command::CreateView(view) => {
                // A view of columns that are not there is refused when it is made.
                let query = self.prepared(&view.query).await?;
                self.resolved(&query).await?;
                self.views.create(&CreateView { query, ..view.clone() })?;
                Ok(Rows::none())
            }
            Command::Set { key: Some(key), value: Some(value) } => {
                self.config.set(key, value)?;
                Rows::texts(&["key", "value"], vec![vec![key.clone(), value.clone()]])
            }
            Command::Set { key: Some(key), value: None } => {
                let value = self.config.value(key).unwrap_or_else(|| "<undefined>".to_owned());
                Rows::texts(&["key", "value"], vec![vec![key.clone(), value]])
            }
            Command::Set { key: None, .. } => {
                let all = self.config.all(None).into_iter().map(|(key, value)| vec![key, value]).collect();
                Rows::texts(&["key", "value"], all)
            }
            Command::SetTimeZone { zone: Some(zone) } => {
                self.config.set("spark.sql.session.timeZone", zone)?;
                Ok(Rows::none())
            }
            Command::Reset { key } => {
                match key {
                    Some(key) => self.config.unset(key)?,
                    None => self.config.all(None).iter().try_for_each(|(key, _)| self.config.unset(key))?,
                }
                Ok(Rows::none())
            }
            Command::Explain { plan, mode } => {
                let text = self.explain(plan, *mode).await?;
                Rows::texts(&["plan"], vec![vec![text]])
            }
            Command::Catalog(command) => self.catalog(command).await,
            Command::Write(write) => self.write(write, progress).await,
            Command::RegisterFunction(function) => {
                self.python.register(function);
                Ok(Rows::none())
            }
            Command::RegisterTableFunction(function) => {
                self.python.register_table_function(function);
                Ok(Rows::none())
            }
            Command::InsertDirectory { path, format, options, input } => {
                self.write_directory(path, format.as_deref(), options, input, progress).await
            }
            Command::CacheTable { name, query, lazy } => {
                if let (Some(query), [view]) = (query, name.as_slice()) {
                    self.resolved(query).await?;
                    self.views.own.add(view, query.clone(), false)?;
                }
                self.cache_table(name, *lazy).await?;
                Ok(Rows::none())
            }
            Command::UncacheTable { name, if_exists } => match self.uncache_table(name).await {
                Err(error) if *if_exists && error.class.starts_with("TABLE_OR_VIEW_NOT_FOUND") => Ok(Rows::none()),
                done => done.map(|()| Rows::none()),
            },
            Command::ClearCache => {
                self.clear_cache().await;
                Ok(Rows::none())
            }
            Command::RemoveCached { id } => {
                self.remove_checkpoint(id).await;
                Ok(Rows::none())
            }
            Command::Unsupported(what) => Err(SparkError::unsupported(what)),
            other => match self.shown(other).await? {
                Some(rows) => Ok(rows),
                None => self.define(other, progress).await.map(|()| Rows::none()),
            },
        }
    }

    /// Commands over the catalog that answer nothing.
    async fn define(&self, command: &Command, progress: &ProgressSink) -> SparkResult<()> {
        match command {
            Command::CreateDatabase { name, if_not_exists, comment, location, properties } => {
                let location = location.as_deref();
                self.create_database(name, *if_not_exists, comment.clone(), location, properties.clone()).await
            }
            Command::AlterDatabase { name, properties, location } => {
                self.alter_database(name, properties, location.as_deref()).await
            }
            Command::DropDatabase { name, if_exists, cascade } => self.drop_database(name, *if_exists, *cascade).await,
            Command::Use { name, catalog: true } => match name.as_slice() {
                [only] if only.eq_ignore_ascii_case(metastore::CATALOG) => Ok(()),
                _ => Err(crate::catalog::no_catalog(&name.join("."))),
            },
            Command::Use { name, catalog: false } => self.use_database(name).await,
            Command::CreateTable(create) => self.create_table(create, progress).await,
            Command::DropTable { name, if_exists, view, .. } => self.drop_table(name, *if_exists, *view).await,
            Command::AlterTable { name, change, .. } => self.alter_table(name, change).await,
            Command::TruncateTable { name, partition } => self.truncate(name, partition).await,
            Command::AnalyzeTable { name, .. } => self.analyze(name).await,
            Command::RefreshTable { name } => self.refresh_table(name).await,
            Command::Insert { table, input, mode, columns, partition, by_name } => {
                let insertion = Insertion {
                    table,
                    input,
                    overwrites: *mode == InsertMode::Overwrite,
                    columns,
                    partition,
                    by_name: *by_name,
                    options: &Vec::new(),
                };
                self.insert(&insertion, progress).await
            }
            Command::WriteV2(write) => self.write_v2(write, progress).await,
            Command::Update { table, .. } | Command::Delete { table, .. } => {
                let found = self.table_of(table).await?;
                let operation = if matches!(command, Command::Update { .. }) { "UPDATE" } else { "DELETE" };
                Err(SparkError::new(
                    "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                    format!("{operation} needs a table whose rows can change; {} is one of files", found.quoted()),
                )
                .with("tableName", found.quoted())
                .with("operation", operation))
            }
            other => Err(SparkError::unsupported(command_name(other))),
        }
    }
}

/// A command's name, from its variant.
fn command_name(command: &Command) -> String {
    let text = format!("{command:?}");
    text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

#[async_trait]
impl Session for SparkSession {
    async fn execute(&self, plan: Plan, progress: ProgressSink) -> SparkResult<Execution> {
        if let Plan::Command(command) = &plan
            && let Command::Checkpoint { relation, eager } = command.as_ref()
        {
            let id = self.checkpoint(relation, *eager).await?;
            let Rows { schema, batches } = Rows::none();
            return Ok(Execution { schema, batches, observed: ObservedReceiver::default(), checkpoint: Some(id) });
        }
        let rows = self.run(&plan, &progress).await?;
        let observed = ObservedReceiver::default();
        if let Plan::Query(relation) = &plan {
            self.observe(relation, &observed).await?;
        }
        Ok(Execution { schema: rows.schema, batches: rows.batches, observed, checkpoint: None })
    }

    async fn schema(&self, relation: &Relation) -> SparkResult<DataType> {
        match &relation.kind {
            RelationKind::ShowString { .. } | RelationKind::HtmlString { .. } => Ok(crate::show::schema()),
            RelationKind::Tail { input, .. } => Ok(self.resolved(input).await?.data_type()),
            RelationKind::Catalog(_) | RelationKind::Command(_) => {
                Ok(self.query(relation, &ProgressSink::default()).await?.schema)
            }
            _ => Ok(self.resolved(relation).await?.data_type()),
        }
    }

    async fn explain(&self, plan: &Plan, mode: ExplainMode) -> SparkResult<String> {
        let Plan::Query(relation) = plan else {
            return Ok(format!("== Physical Plan ==\nExecute {plan:?}\n"));
        };
        let resolved = self.resolved(relation).await?;
        let logical = resolved.plan.display_indent().to_string();
        let planned = self.planner.plan_resolved(resolved).await.map_err(from_plan)?;
        let physical = self.shown_plan(&displayable(planned.physical.as_ref()).indent(false).to_string());
        let optimized = planned.logical.display_indent();
        Ok(match mode {
            ExplainMode::Simple | ExplainMode::Formatted | ExplainMode::Codegen => {
                format!("== Physical Plan ==\n{physical}\n")
            }
            ExplainMode::Cost => {
                let shown = optimized.to_string();
                let (first, rest) = shown.split_once('\n').unwrap_or((&shown, ""));
                let statistics = StatisticsContext::new().compute(planned.physical.as_ref(), &StatisticsArgs::new());
                let statistics =
                    statistics.map_err(|error| SparkError::internal(format!("the statistics of a plan: {error}")))?;
                let rows = statistics.num_rows.get_value().map(|rows| format!(", rowCount={rows}")).unwrap_or_default();
                let bytes = statistics.total_byte_size.get_value().map_or("unknown".to_owned(), ToString::to_string);
                format!(
                    "== Optimized Logical Plan ==\n{first}, Statistics(sizeInBytes={bytes}{rows})\n{rest}\n\n\
                     == Physical Plan ==\n{physical}\n"
                )
            }
            ExplainMode::Extended => format!(
                "== Parsed Logical Plan ==\n{logical}\n\n== Analyzed Logical Plan ==\n{logical}\n\n\
                 == Optimized Logical Plan ==\n{optimized}\n\n== Physical Plan ==\n{physical}\n"
            ),
        })
    }

    async fn input_files(&self, relation: &Relation) -> SparkResult<Vec<String>> {
        let resolved = self.resolved(relation).await?;
        let planned = self.planner.plan_resolved(resolved).await.map_err(from_plan)?;
        Ok(planned.input_files())
    }

    async fn same_semantics(&self, left: &Relation, right: &Relation) -> SparkResult<bool> {
        let (left, right) = (self.resolved(left).await?, self.resolved(right).await?);
        Ok(left.plan == right.plan)
    }

    async fn semantic_hash(&self, relation: &Relation) -> SparkResult<i32> {
        let mut hasher = DefaultHasher::new();
        self.resolved(relation).await?.plan.hash(&mut hasher);
        Ok(hasher.finish() as i32)
    }

    async fn persist(&self, relation: &Relation, level: StorageLevel) -> SparkResult<()> {
        self.persist_relation(relation, level).await
    }

    async fn unpersist(&self, relation: &Relation) -> SparkResult<()> {
        self.unpersist_relation(relation).await;
        Ok(())
    }

    async fn storage_level(&self, relation: &Relation) -> SparkResult<StorageLevel> {
        Ok(self.level_of(relation))
    }

    fn config(&self) -> &dyn SessionConfig {
        &self.config
    }

    async fn duplicate(&self, key: &SessionKey) -> SparkResult<Arc<dyn Session>> {
        let config = self.config.duplicate();
        let views = self.views.global.clone();
        let mut copy = Self::new(self.cluster.clone(), self.options.clone(), &key.user_id, views, config)?;
        copy.database = RwLock::new(self.current_database());
        copy.views.own = self.views.own.duplicate();
        copy.python = self.python.duplicate();
        Ok(Arc::new(copy))
    }

    async fn close(&self) {
        self.close_cache().await;
    }
}
