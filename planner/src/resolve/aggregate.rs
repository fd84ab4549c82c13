//! Aggregation: grouping sets, and lists over groups.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Aggregate, Cast, Expr as DfExpr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use firesteel_functions::{Typed, cast, to_arrow};
use firesteel_spec::{DataType, Expr, FunctionCall, GroupingElement, Literal, SparkError, SparkResult};

use super::attribute::{Attribute, Scope};
use super::expression::has_aggregate;
use super::project::{Item, column_id};
use super::{Resolved, Resolver, build, plan_error};

/// Groups: the expressions, and for each set which of them it has.
struct Groups {
    items: Vec<Item>,
    /// One set of all if `None`.
    sets: Option<Vec<Vec<usize>>>,
}

impl Resolver<'_> {
    /// Items over groups of columns.
    pub fn aggregate_by(&self, input: Resolved, keys: Vec<Item>, items: Vec<Item>) -> SparkResult<Resolved> {
        let all = keys.iter().cloned().chain(items).collect();
        self.aggregate_items(input, Groups { items: keys, sets: None }, all, None)
    }

    /// `SELECT` with aggregates and no `GROUP BY`.
    pub fn global_aggregate(&self, input: Resolved, items: Vec<Item>) -> SparkResult<Resolved> {
        self.aggregate_items(input, Groups { items: Vec::new(), sets: None }, items, None)
    }

    pub fn aggregate(
        &self,
        input: Resolved,
        grouping: &[GroupingElement],
        list: &[Expr],
        having: Option<&Expr>,
        with_grouping: bool,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let windows = self.named_time_windows(&input, grouping, outer)?;
        let before = self.in_groups.replace(true);
        let listed = self.items_with(&input, list, windows, outer);
        self.in_groups.set(before);
        let listed = listed?;
        let groups = self.groups(&input, grouping, &listed, outer)?;
        let mut items = Vec::with_capacity(groups.items.len() + listed.len());
        if with_grouping {
            items.extend(groups.items.iter().cloned());
        }
        let visible = items.len() + listed.len();
        items.extend(listed);
        let before = self.in_groups.replace(true);
        let having = having.map(|having| self.having(&input, having, &items, outer)).transpose();
        self.in_groups.set(before);
        let having = having?;
        let mut condition = having.map(|typed| Item::named(typed, "having"));
        let mut groups = groups;
        let input =
            self.time_windows_below(input, &mut groups.items, &mut [&mut items[..], condition.as_mut_slice()])?;
        let mut resolved = self.aggregate_items(input, groups, items, condition)?;
        resolved.output.truncate(visible);
        Ok(resolved)
    }

    /// `grouping()` is known only when the groups are, and stands as a marker until then.
    pub fn grouping_marker(&self, name: &str, call: &FunctionCall, scope: &Scope<'_>) -> SparkResult<Typed> {
        let arguments = call.arguments.iter().map(|expr| self.expr(expr, scope)).collect::<SparkResult<Vec<_>>>()?;
        let shown = firesteel_functions::default_name(name, &arguments);
        let data_type = if name == "grouping" { DataType::Byte } else { DataType::Long };
        let marker = arguments.into_iter().map(|argument| argument.expr).collect();
        let expr = DfExpr::GroupingSet(GroupingSet::Rollup(marker));
        Ok(Typed::new(expr, data_type, false, &shown))
    }

    /// `HAVING` sees the list's aliases and the input's columns.
    fn having(&self, input: &Resolved, having: &Expr, items: &[Item], outer: Option<&Scope<'_>>) -> SparkResult<Typed> {
        let aliases: Vec<(String, Typed)> = items.iter().map(|item| (item.name.clone(), item.typed.clone())).collect();
        let scope = Scope { aliases: &aliases, ..Scope::of(&input.output, &input.hidden, outer) };
        self.condition(having, &scope, "HAVING")
    }

    fn groups(
        &self,
        input: &Resolved,
        grouping: &[GroupingElement],
        list: &[Item],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Groups> {
        let mut groups = Groups { items: Vec::new(), sets: None };
        for element in grouping {
            let sets = match element {
                GroupingElement::All => {
                    let plain = list.iter().filter(|item| !has_aggregate(&item.typed.expr));
                    let all = plain.cloned().map(|item| groups.add(item)).collect();
                    vec![all]
                }
                GroupingElement::Expr(expr) => {
                    let items = self.grouping_item(input, expr, list, outer)?;
                    vec![items.into_iter().map(|item| groups.add(item)).collect()]
                }
                GroupingElement::Rollup(parts) => {
                    let parts = self.grouping_parts(input, parts, list, outer, &mut groups)?;
                    (0..=parts.len()).rev().map(|length| parts[..length].concat()).collect()
                }
                GroupingElement::Cube(parts) => {
                    let parts = self.grouping_parts(input, parts, list, outer, &mut groups)?;
                    (0..1_usize << parts.len().min(16))
                        .rev()
                        .map(|mask| {
                            let chosen = parts.iter().enumerate();
                            chosen
                                .filter(|(index, _)| mask & (1 << (parts.len() - 1 - index)) != 0)
                                .flat_map(|(_, part)| part.clone())
                                .collect()
                        })
                        .collect()
                }
                GroupingElement::Sets(parts) => self.grouping_parts(input, parts, list, outer, &mut groups)?,
            };
            groups.multiply(sets, matches!(element, GroupingElement::Expr(_) | GroupingElement::All));
        }
        Ok(groups)
    }

    fn grouping_parts(
        &self,
        input: &Resolved,
        parts: &[Vec<Expr>],
        list: &[Item],
        outer: Option<&Scope<'_>>,
        groups: &mut Groups,
    ) -> SparkResult<Vec<Vec<usize>>> {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            let mut indexes = Vec::with_capacity(part.len());
            for expr in part {
                let items = self.grouping_item(input, expr, list, outer)?;
                indexes.extend(items.into_iter().map(|item| groups.add(item)));
            }
            all.push(indexes);
        }
        Ok(all)
    }

    /// What an expression of `GROUP BY` means: a position in the list, a column of the input, or a name of the list.
    fn grouping_item(
        &self,
        input: &Resolved,
        expr: &Expr,
        list: &[Item],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Vec<Item>> {
        if self.options.ordinals
            && let Expr::Literal(Literal::Integer(position)) = expr.unlocated()
        {
            let item = usize::try_from(*position).ok().and_then(|position| list.get(position.checked_sub(1)?));
            let item = item.ok_or_else(|| {
                SparkError::new(
                    "GROUP_BY_POS_OUT_OF_RANGE",
                    format!("GROUP BY {position}: the list has {} columns", list.len()),
                )
                .with("index", position.to_string())
                .with("size", list.len().to_string())
            })?;
            if has_aggregate(&item.typed.expr) {
                return Err(SparkError::new(
                    "GROUP_BY_POS_AGGREGATE",
                    format!("GROUP BY {position} is {}, which holds an aggregate function", item.name),
                )
                .with("index", position.to_string())
                .with("aggExpr", item.name.clone()));
            }
            return Ok(vec![item.clone()]);
        }
        let aliases: Vec<(String, Typed)> = list
            .iter()
            .filter(|item| !has_aggregate(&item.typed.expr))
            .map(|item| (item.name.clone(), item.typed.clone()))
            .collect();
        if matches!(expr.unlocated(), Expr::Star { .. } | Expr::Regex { .. }) {
            return self.items(input, std::slice::from_ref(expr), outer);
        }
        let scope = Scope { aliases: &aliases, ..Scope::of(&input.output, &input.hidden, outer) };
        let item = self.item(expr, &scope)?;
        if has_aggregate(&item.typed.expr) {
            return Err(SparkError::new(
                "GROUP_BY_AGGREGATE",
                format!("GROUP BY {} holds an aggregate function", item.name),
            )
            .with("sqlExpr", item.name));
        }
        Ok(vec![item])
    }

    /// The plan of an aggregation whose answer is `items`, kept where `having` holds.
    fn aggregate_items(
        &self,
        input: Resolved,
        groups: Groups,
        items: Vec<Item>,
        having: Option<Item>,
    ) -> SparkResult<Resolved> {
        let mut keys = Vec::with_capacity(groups.items.len());
        let mut below: Vec<DfExpr> = input.plan.schema().columns().into_iter().map(DfExpr::Column).collect();
        let mut computed = false;
        for item in &groups.items {
            let id = match column_id(&item.typed.expr) {
                Some(id) => id.to_owned(),
                None => {
                    let id = self.fresh_id();
                    below.push(item.typed.expr.clone().alias(&id));
                    computed = true;
                    id
                }
            };
            keys.push(GroupKey { id, item: item.clone() });
        }
        let order = order_of(&input.plan);
        let plan = if computed { build(LogicalPlanBuilder::new(input.plan).project(below))? } else { input.plan };
        let mut collected = Collected { keys, aggregates: Vec::new(), resolver: self };
        let items =
            items.into_iter().map(|item| collected.over_groups(item, &groups)).collect::<SparkResult<Vec<_>>>()?;
        let having = having.map(|item| collected.over_groups(item, &groups)).transpose()?;
        let columns = |keys: &[&GroupKey]| -> Vec<DfExpr> {
            keys.iter().map(|key| DfExpr::Column(Column::new_unqualified(&key.id))).collect()
        };
        let all: Vec<&GroupKey> = collected.keys.iter().collect();
        let group_by = match &groups.sets {
            None => columns(&all),
            Some(sets) => {
                let sets = sets.iter().map(|set| columns(&set.iter().map(|index| all[*index]).collect::<Vec<_>>()));
                vec![DfExpr::GroupingSet(GroupingSet::GroupingSets(sets.collect()))]
            }
        };
        let aggregates: Vec<DfExpr> =
            collected.aggregates.iter().map(|(aggregate, id)| in_order(aggregate.clone(), &order).alias(id)).collect();
        let plan = if group_by.is_empty() && aggregates.is_empty() {
            // One group, of which nothing is asked.
            build(LogicalPlanBuilder::new(plan).aggregate(
                Vec::<DfExpr>::new(),
                vec![
                        datafusion::functions_aggregate::expr_fn::count(datafusion::prelude::lit(1_i64))
                            .alias(self.fresh_id()),
                    ],
            ))?
        } else {
            let is_global = group_by.is_empty();
            let plan = build(LogicalPlanBuilder::new(plan).aggregate(group_by, aggregates))?;
            if is_global { self.python_of_no_rows(plan, &items)? } else { plan }
        };
        let mut output: Vec<Attribute> = collected.keys.iter().map(GroupKey::attribute).collect();
        if groups.sets.is_some() {
            output.iter_mut().for_each(|attribute| attribute.nullable = true);
        }
        let mut resolved = Resolved::new(plan, output);
        if let Some(having) = having {
            let (input, mut having) = self.windows_below(resolved, vec![having])?;
            let Some(having) = having.pop() else { return Err(SparkError::internal("HAVING is lost")) };
            resolved = Resolved {
                plan: build(LogicalPlanBuilder::new(input.plan.clone()).filter(having.typed.expr))?,
                ..input
            };
        }
        let hidden = resolved.output.clone();
        let mut projected = self.project_items(resolved, items)?;
        projected.hidden = hidden.into_iter().filter(|column| is_kept(&projected, column)).collect();
        Ok(projected)
    }
}

/// The order of a plan's rows, where a sort below says it. DataFusion drops a sort that no aggregate asks for.
fn order_of(plan: &LogicalPlan) -> Vec<SortExpr> {
    match plan {
        LogicalPlan::Sort(sort) => sort.expr.clone(),
        LogicalPlan::Filter(filter) => order_of(&filter.input),
        LogicalPlan::Projection(projection) => {
            let mut order = order_of(&projection.input);
            let is_kept = |sort: &SortExpr| {
                let columns = sort.expr.column_refs();
                columns.iter().all(|column| projection.schema.has_column(column))
            };
            let kept = order.iter().take_while(|sort| is_kept(sort)).count();
            order.truncate(kept);
            order
        }
        _ => Vec::new(),
    }
}

/// An aggregate whose answer depends on the order of rows, with that order.
fn in_order(aggregate: DfExpr, order: &[SortExpr]) -> DfExpr {
    let DfExpr::AggregateFunction(mut call) = aggregate else { return aggregate };
    if !order.is_empty()
        && !call.params.distinct
        && call.params.order_by.is_empty()
        && let Some(function) = firesteel_functions::in_order(&call.func)
    {
        call.func = function;
        call.params.order_by = order.to_vec();
    }
    DfExpr::AggregateFunction(call)
}

fn is_kept(resolved: &Resolved, column: &Attribute) -> bool {
    resolved.plan.schema().has_column_with_unqualified_name(&column.id)
}

struct GroupKey {
    id: String,
    item: Item,
}

impl GroupKey {
    fn attribute(&self) -> Attribute {
        let mut attribute = Attribute::new(
            self.id.clone(),
            &self.item.name,
            self.item.typed.data_type.clone(),
            self.item.typed.nullable,
        );
        attribute.metadata.clone_from(&self.item.metadata);
        if let Some(old) = &self.item.attribute {
            attribute.qualifier.clone_from(&old.qualifier);
            attribute.plan_ids.clone_from(&old.plan_ids);
        }
        attribute
    }
}

/// The aggregates that a list needs, each once.
struct Collected<'a, 'b> {
    keys: Vec<GroupKey>,
    aggregates: Vec<(DfExpr, String)>,
    resolver: &'a Resolver<'b>,
}

impl Collected<'_, '_> {
    /// The item over the aggregation's columns instead of the input's.
    fn over_groups(&mut self, item: Item, groups: &Groups) -> SparkResult<Item> {
        let attribute = self
            .keys
            .iter()
            .find(|key| key.item.typed.expr == item.typed.expr)
            .filter(|_| item.attribute.is_some())
            .map(GroupKey::attribute);
        let expr = item.typed.expr.clone().transform_down(|expr| {
            if let Some(key) = self.keys.iter().find(|key| key.item.typed.expr == expr) {
                let column = DfExpr::Column(Column::new_unqualified(&key.id));
                return Ok(Transformed::new(column, true, TreeNodeRecursion::Jump));
            }
            match expr {
                DfExpr::AggregateFunction(_) => {
                    let column = DfExpr::Column(Column::new_unqualified(self.aggregate(expr)));
                    Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
                }
                DfExpr::GroupingSet(GroupingSet::Rollup(arguments)) => {
                    let grouping = self.grouping(&arguments, groups, &item.typed.data_type)?;
                    Ok(Transformed::new(grouping, true, TreeNodeRecursion::Jump))
                }
                expr => Ok(Transformed::no(expr)),
            }
        });
        let expr = expr.map_err(plan_error)?.data;
        self.expect_grouped(&expr, &item.typed.name)?;
        Ok(Item { typed: Typed { expr, ..item.typed }, attribute, ..item })
    }

    fn aggregate(&mut self, expr: DfExpr) -> String {
        if let Some((_, id)) = self.aggregates.iter().find(|(known, _)| *known == expr) {
            return id.clone();
        }
        let id = self.resolver.fresh_id();
        self.aggregates.push((expr, id.clone()));
        id
    }

    /// The bits of the grouping id that `grouping(…)` asks for; all of them without arguments.
    fn grouping(
        &self,
        arguments: &[DfExpr],
        groups: &Groups,
        data_type: &DataType,
    ) -> datafusion::common::Result<DfExpr> {
        use datafusion::prelude::lit;
        let target = to_arrow(data_type);
        if groups.sets.is_none() {
            let error = SparkError::new(
                "UNSUPPORTED_GROUPING_EXPRESSION",
                "grouping() and grouping_id() need GROUPING SETS, CUBE or ROLLUP",
            );
            return Err(datafusion::common::DataFusionError::External(Box::new(error)));
        }
        let id = DfExpr::Column(Column::new_unqualified(Aggregate::INTERNAL_GROUPING_ID));
        let id = DfExpr::Cast(Cast::new(Box::new(id), arrow::datatypes::DataType::Int64));
        let count = self.keys.len();
        let bit = |index: usize| {
            let shift = (count - 1 - index) as i64;
            (id.clone() >> lit(shift)) & lit(1_i64)
        };
        let chosen: Vec<usize> = match arguments {
            [] => (0..count).collect(),
            arguments => arguments
                .iter()
                .map(|argument| {
                    self.keys.iter().position(|key| key.item.typed.expr == *argument).ok_or_else(|| {
                        let error = SparkError::new(
                            "GROUPING_COLUMN_MISMATCH",
                            format!("grouping({argument}): the argument is none of the grouping columns"),
                        );
                        datafusion::common::DataFusionError::External(Box::new(error))
                    })
                })
                .collect::<datafusion::common::Result<_>>()?,
        };
        let last = chosen.len().saturating_sub(1);
        let sum = chosen
            .into_iter()
            .enumerate()
            .map(|(position, index)| bit(index) << lit((last - position) as i64))
            .reduce(|left, right| left + right)
            .unwrap_or_else(|| lit(0_i64));
        Ok(DfExpr::Cast(Cast::new(Box::new(sum), target)))
    }

    /// An error if a column is left that is neither grouped by nor in an aggregate.
    fn expect_grouped(&self, expr: &DfExpr, name: &str) -> SparkResult<()> {
        let stray = expr.column_refs().into_iter().find(|column| {
            column.name != Aggregate::INTERNAL_GROUPING_ID
                && !self.keys.iter().any(|key| key.id == column.name)
                && !self.aggregates.iter().any(|(_, id)| *id == column.name)
        });
        let Some(_) = stray else { return Ok(()) };
        if self.keys.is_empty() {
            return Err(SparkError::new(
                "MISSING_GROUP_BY",
                format!("{name} is neither an aggregate nor grouped by: there is no GROUP BY"),
            ));
        }
        Err(SparkError::new(
            "MISSING_AGGREGATION",
            format!("{name} is neither grouped by nor in an aggregate function; group by it, or use any_value({name})"),
        )
        .with("expression", format!("\"{name}\""))
        .with("expressionAnyValue", format!("\"any_value({name})\"")))
    }
}

impl Groups {
    /// The place of an expression among those that are grouped by.
    fn add(&mut self, item: Item) -> usize {
        let known = self.items.iter().position(|known| known.typed.expr == item.typed.expr);
        known.unwrap_or_else(|| {
            self.items.push(item);
            self.items.len() - 1
        })
    }

    /// Each of the sets so far with each of these.
    fn multiply(&mut self, sets: Vec<Vec<usize>>, plain: bool) {
        if plain {
            if let Some(all) = &mut self.sets {
                all.iter_mut().for_each(|set| set.extend(sets.iter().flatten()));
            }
            return;
        }
        let before = self.sets.take().unwrap_or_else(|| {
            let new: Vec<usize> = sets.iter().flatten().copied().collect();
            vec![(0..self.items.len()).filter(|index| !new.contains(index)).collect()]
        });
        let product = before.iter().flat_map(|left| {
            sets.iter().map(move |right| {
                let mut both = left.clone();
                right.iter().for_each(|index| {
                    if !both.contains(index) {
                        both.push(*index);
                    }
                });
                both
            })
        });
        self.sets = Some(product.collect());
    }
}

/// An aggregate or window function under the type that was declared for it, which DataFusion's may not be.
pub(crate) fn with_declared_type(typed: Typed) -> Typed {
    match &typed.expr {
        DfExpr::AggregateFunction(_) | DfExpr::WindowFunction(_) => firesteel_functions::as_declared(typed),
        _ => typed,
    }
}

/// A value as another type, for sets and unions.
pub(crate) fn as_type(resolver: &Resolver<'_>, typed: Typed, to: &DataType) -> SparkResult<Typed> {
    let name = typed.name.clone();
    let evaluation = firesteel_functions::CastEvaluation::of(firesteel_spec::CastMode::Session, resolver.settings());
    cast(typed, to, evaluation, resolver.settings()).map(|typed| typed.named(name))
}
