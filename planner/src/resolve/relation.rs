//! Relations: each kind to its resolving.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::logical_expr::LogicalPlanBuilder;
use firesteel_spec::{CommonTable, Expr, Relation, RelationKind, SparkError, SparkResult};

use super::attribute::{Attribute, Scope};
use super::join::JoinSpec;
use super::set_operation::SetSpec;
use super::{CommonRelation, Resolved, Resolver, Source, build};

impl Resolver<'_> {
    pub fn relation(&self, relation: &Relation, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let mut resolved = self.kind(&relation.kind, outer)?;
        if let Some(rows) = self.sources.cached(relation) {
            resolved = self.kept_rows(&resolved, rows)?;
        }
        if let Some(plan_id) = relation.plan_id {
            for column in resolved.output.iter_mut().chain(&mut resolved.hidden) {
                if !column.plan_ids.contains(&plan_id) {
                    column.plan_ids.push(plan_id);
                }
            }
        }
        Ok(resolved)
    }

    /// Rows that were computed before, under the names of the relation that they are of.
    fn kept_rows(&self, relation: &Resolved, rows: &Source) -> SparkResult<Resolved> {
        let mut resolved = self.source(rows)?;
        for (column, own) in resolved.output.iter_mut().zip(&relation.output) {
            let id = std::mem::take(&mut column.id);
            *column = Attribute { id, ..own.clone() };
        }
        Ok(resolved)
    }

    fn kind(&self, kind: &RelationKind, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        use RelationKind as R;
        match kind {
            R::Table { name, streaming: false, .. } => self.table(name, outer),
            R::DataSource(source) if !source.streaming => match self.sources.files(source) {
                Some(source) => self.source(source),
                None => Err(SparkError::internal(format!("the files {:?} were not loaded", source.paths))),
            },
            R::Cached { id } => match self.sources.kept(id) {
                Some(source) => self.source(source),
                None => Err(SparkError::new("CACHED_RELATION_NOT_FOUND", format!("no checkpoint {id} is kept"))),
            },
            R::Local { ipc, schema } => self.local(ipc.as_deref(), schema.as_ref()),
            R::Values { rows } => self.values(rows, outer),
            R::OneRow => self.one_row(1),
            R::Range { start, end, step, .. } => self.range(*start, *end, *step),
            R::TableFunction { name, arguments } => self.table_function(name, arguments, outer),
            R::Project { input, expressions } => self.project(self.relation(input, outer)?, expressions, outer),
            R::Filter { input, condition } => self.filter(input, condition, outer),
            R::Qualify { input, condition } => self.qualify(input, condition, outer),
            R::Aggregate { input, grouping, aggregates, having, with_grouping, pivot } => {
                let input = self.relation(input, outer)?;
                match pivot {
                    None => self.aggregate(input, grouping, aggregates, having.as_ref(), *with_grouping, outer),
                    Some(pivot) => self.pivot(input, Some(grouping), aggregates, pivot, outer),
                }
            }
            R::Pivot { input, aggregates, pivot } => {
                self.pivot(self.relation(input, outer)?, None, aggregates, pivot, outer)
            }
            R::Sort { input, order, .. } => self.sort(input, order, outer),
            R::SortAll { input, ascending, nulls_first } => {
                let order = firesteel_spec::SortOrder {
                    expr: Expr::Star { target: None, plan_id: None, except: Vec::new() },
                    ascending: *ascending,
                    nulls_first: *nulls_first,
                };
                self.sort(input, &[order], outer)
            }
            R::Limit { input, limit } => {
                let input = self.relation(input, outer)?;
                let limit = self.constant_count(limit, "limit", Some(&input))?;
                self.limited(input, 0, Some(limit))
            }
            R::Offset { input, offset } => {
                let input = self.relation(input, outer)?;
                let offset = self.constant_count(offset, "offset", Some(&input))?;
                self.limited(input, offset, None)
            }
            R::SubqueryAlias { input, alias, qualifier, columns } => {
                let is_inline = matches!(input.kind, R::Values { .. });
                let input = self.relation(input, outer)?;
                let width = input.output.len();
                self.alias(input, alias, qualifier, columns).map_err(|error| match is_inline {
                    true if error.is("NUM_COLUMNS_MISMATCH_WITH_ALIASES") => inline_width(columns.len(), width),
                    _ => error,
                })
            }
            R::Repartition { input, .. }
            | R::RepartitionByExpression { input, .. }
            | R::Hint { input, .. }
            | R::CollectMetrics { input, .. } => self.relation(input, outer),
            R::Join { left, right, kind, condition, using, natural, lateral } => self.join(
                &JoinSpec {
                    left,
                    right,
                    kind: *kind,
                    condition: condition.as_ref(),
                    using,
                    natural: *natural,
                    lateral: *lateral,
                },
                outer,
            ),
            R::AsOfJoin(join) => self.as_of_join(join, outer),
            R::NearestBy(join) => self.nearest_by(join, outer),
            R::SetOperation { left, right, operator, all, by_name, allow_missing_columns } => self.set_operation(
                self.relation(left, outer)?,
                self.relation(right, outer)?,
                SetSpec {
                    operator: *operator,
                    all: *all,
                    by_name: *by_name,
                    allow_missing_columns: *allow_missing_columns,
                },
            ),
            R::LateralView { input, generator, outer: keeps_all, table, columns } => {
                let input = self.relation(input, outer)?;
                self.lateral_view(input, generator, *keeps_all, table.as_deref(), columns, outer)
            }
            R::MapPartitions { input, function, .. } => self.map_partitions(self.relation(input, outer)?, function),
            R::GroupMap { input, grouping, function } => {
                self.group_map(self.relation(input, outer)?, grouping, function, outer)
            }
            R::CoGroupMap { left, left_grouping, right, right_grouping, function } => {
                let left = (self.relation(left, outer)?, left_grouping.as_slice());
                let right = (self.relation(right, outer)?, right_grouping.as_slice());
                self.co_group_map(left, right, function, outer)
            }
            R::InlineTableFunction(function) => self.python_table(function, outer),
            R::With { input, tables, recursive } => self.with(input, tables, *recursive, outer),
            other => self.frame_function(other, outer),
        }
    }

    pub fn limited(&self, input: Resolved, skip: usize, fetch: Option<usize>) -> SparkResult<Resolved> {
        let plan = build(LogicalPlanBuilder::new(input.plan).limit(skip, fetch))?;
        Ok(Resolved { plan, ..input })
    }

    fn filter(&self, input: &Relation, condition: &Expr, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let resolved = self.relation(input, outer)?;
        let scope = Scope::of(&resolved.output, &resolved.hidden, outer);
        let condition = match self.condition(condition, &scope, "WHERE") {
            Ok(condition) => condition,
            Err(error) if error.class.starts_with("UNRESOLVED_COLUMN") => {
                // A column that the list below has left out.
                return self.filter_below(input, condition, outer)?.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        let plan = build(LogicalPlanBuilder::new(resolved.plan.clone()).filter(condition.expr))?;
        Ok(Resolved { plan, ..resolved })
    }

    /// Rows where a condition over windows holds: it is added to the list, filtered by, and left out again.
    fn qualify(&self, input: &Relation, condition: &Expr, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let added = [condition.clone().alias("firesteel qualify condition")];
        let extended = super::sort::with_columns_below(input, &added)
            .ok_or_else(|| SparkError::invalid_plan("QUALIFY stands over no list of columns"))?;
        let resolved = self.relation(&extended, outer)?;
        let Some((last, output)) = resolved.output.split_last() else {
            return Err(SparkError::internal("the condition of QUALIFY is lost"));
        };
        let plan = build(LogicalPlanBuilder::new(resolved.plan.clone()).filter(last.column()))?;
        Ok(Resolved::new(plan, output.to_vec()))
    }

    fn filter_below(
        &self,
        input: &Relation,
        condition: &Expr,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Option<Resolved>> {
        let RelationKind::Project { input: below, expressions } = &input.kind else { return Ok(None) };
        let mut list = expressions.clone();
        list.push(condition.clone().alias("firesteel filter condition"));
        let resolved = self.project(self.relation(below, outer)?, &list, outer)?;
        let Some((last, output)) = resolved.output.split_last() else { return Ok(None) };
        let plan = build(LogicalPlanBuilder::new(resolved.plan.clone()).filter(last.column()))?;
        Ok(Some(Resolved::new(plan, output.to_vec())))
    }

    pub fn alias(
        &self,
        mut input: Resolved,
        alias: &str,
        qualifier: &[String],
        columns: &[String],
    ) -> SparkResult<Resolved> {
        if !columns.is_empty() && columns.len() != input.output.len() {
            return Err(SparkError::new(
                "NUM_COLUMNS_MISMATCH_WITH_ALIASES",
                format!("{alias} has {} columns, and there are {} names for them", input.output.len(), columns.len()),
            ));
        }
        let mut full = qualifier.to_vec();
        full.push(alias.to_owned());
        for (index, column) in input.output.iter_mut().enumerate() {
            column.qualifier.clone_from(&full);
            if let Some(name) = columns.get(index) {
                column.name.clone_from(name);
            }
        }
        input.hidden.clear();
        Ok(input)
    }

    /// Common table expressions: each sees those before it.
    fn with(
        &self,
        input: &Relation,
        tables: &[CommonTable],
        recursive: bool,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let depth = self.tables.borrow().len();
        for table in tables {
            let reach = self.tables.borrow().len();
            let is_recursive = recursive && names_itself(table);
            let common = CommonRelation {
                relation: table.relation.clone(),
                columns: table.columns.clone(),
                depth: reach,
                is_recursive,
                work: None,
            };
            self.tables.borrow_mut().push((table.name.clone(), Rc::new(common)));
        }
        let resolved = self.relation(input, outer);
        self.tables.borrow_mut().truncate(depth);
        resolved
    }

    /// A common table expression by name, resolved with the tables that it sees.
    pub fn common_table(&self, name: &str, outer: Option<&Scope<'_>>) -> SparkResult<Option<Resolved>> {
        let found = self
            .tables
            .borrow()
            .iter()
            .rev()
            .find(|(own, _)| super::attribute::same_name(own, name, self.options.case_sensitive))
            .cloned();
        let Some((own, common)) = found else { return Ok(None) };
        if let Some(work) = &common.work {
            let resolved = self.source(work)?;
            return self.alias(resolved, &own, &[], &[]).map(Some);
        }
        let beyond = self.tables.borrow_mut().split_off(common.depth);
        let resolved = if common.is_recursive {
            self.recursive(&own, &common, outer)
        } else {
            self.relation(&common.relation, None)
        };
        self.tables.borrow_mut().truncate(common.depth);
        self.tables.borrow_mut().extend(beyond);
        let resolved = self.only_output(resolved?)?;
        self.alias(resolved, &own, &[], &common.columns).map(Some)
    }

    /// A query that reads what it gave before, until it gives no more.
    fn recursive(&self, name: &str, common: &CommonRelation, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        use datafusion::datasource::cte_worktable::CteWorkTable;
        let RelationKind::SetOperation { left, right, all, .. } = &common.relation.kind else {
            return Err(SparkError::new(
                "INVALID_RECURSIVE_CTE",
                format!("the recursive query {name} is no UNION of an anchor and a step"),
            ));
        };
        let anchor = self.relation(left, outer)?;
        let anchor = self.only_output(anchor)?;
        let anchor = self.alias(anchor, name, &[], &common.columns)?;
        let schema = Arc::new(anchor.plan.schema().as_arrow().clone());
        let work_name = format!("recursive {name} {}", self.fresh_id());
        let columns = anchor
            .output
            .iter()
            .map(|column| firesteel_spec::StructField {
                name: column.name.clone(),
                nullable: true,
                ..column.to_struct_field()
            })
            .collect();
        let work = super::Source::Table {
            provider: Arc::new(CteWorkTable::new(&work_name, schema)),
            columns,
            qualifier: vec![name.to_owned()],
        };
        let depth = self.tables.borrow().len();
        self.tables.borrow_mut().push((
            name.to_owned(),
            Rc::new(CommonRelation {
                relation: common.relation.clone(),
                columns: Vec::new(),
                depth,
                is_recursive: true,
                work: Some(work),
            }),
        ));
        let step = self.relation(right, outer);
        self.tables.borrow_mut().truncate(depth);
        let step = self.only_output(step?)?;
        let (_, step) = self.aligned(anchor.clone(), step, firesteel_spec::SetOperator::Union)?;
        let columns: Vec<_> =
            step.output.iter().zip(&anchor.output).map(|(from, to)| from.column().alias(&to.id)).collect();
        let step = build(LogicalPlanBuilder::new(step.plan).project(columns))?;
        let plan = build(LogicalPlanBuilder::new(anchor.plan).to_recursive_query(work_name, step, !all))?;
        let output = anchor.output.into_iter().map(|column| super::Attribute { nullable: true, ..column }).collect();
        Ok(Resolved::new(plan, output))
    }
}

fn names_itself(table: &CommonTable) -> bool {
    let mut found = false;
    table.relation.walk(&mut |relation| {
        if let RelationKind::Table { name, .. } = &relation.kind
            && let [single] = name.as_slice()
        {
            found |= single.eq_ignore_ascii_case(&table.name);
        }
    });
    found
}

/// An inline table with names for more or fewer columns than it has.
fn inline_width(names: usize, width: usize) -> SparkError {
    SparkError::new(
        "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
        format!("the rows of VALUES have {width} columns, and there are {names} names for them"),
    )
    .with("expectedNumCols", names.to_string())
    .with("actualNumCols", width.to_string())
    .with("rowIndex", "0")
}
