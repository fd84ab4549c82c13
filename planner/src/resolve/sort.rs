//! Order, and the expressions of an order that the list does not have.

use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::logical_expr::expr::Sort;
use firesteel_functions::Typed;
use firesteel_spec::{Expr, Literal, Relation, RelationKind, SortOrder, SparkError, SparkResult};

use super::attribute::Scope;
use super::expression::has_aggregate;
use super::project::Item;
use super::{Resolved, Resolver, build};

impl Resolver<'_> {
    pub fn sort(&self, input: &Relation, order: &[SortOrder], outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let resolved = self.relation(input, outer)?;
        let lacks: Vec<bool> = order.iter().map(|one| self.lacks(&resolved, one, outer)).collect();
        if lacks.contains(&true)
            && let Some(sorted) = self.sort_below(input, order, &lacks, outer)?
        {
            return Ok(sorted);
        }
        self.sort_over(resolved, order, outer)
    }

    /// Is an order by something that the rows do not have, but their list could?
    fn lacks(&self, rows: &Resolved, order: &SortOrder, outer: Option<&Scope<'_>>) -> bool {
        if matches!(order.expr.unlocated(), Expr::Star { .. }) {
            return false;
        }
        match self.expr(&order.expr, &Scope::of(&rows.output, &rows.hidden, outer)) {
            Ok(typed) => has_aggregate(&typed.expr),
            Err(error) => {
                error.class.starts_with("UNRESOLVED_COLUMN")
                    || ["MISSING_AGGREGATION", "UNSUPPORTED_GROUPING_EXPRESSION"].contains(&error.class.as_str())
            }
        }
    }

    fn sort_over(&self, input: Resolved, order: &[SortOrder], outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let mut keys = Vec::with_capacity(order.len());
        for one in order {
            if self.options.ordinals
                && let Expr::Literal(Literal::Integer(position)) = one.expr.unlocated()
            {
                keys.push(ordinal(&input, *position, one)?);
                continue;
            }
            let scope = Scope::of(&input.output, &input.hidden, outer);
            if let Expr::Star { .. } = one.expr.unlocated() {
                for column in self.expand(&one.expr, &scope)? {
                    keys.push((
                        column.typed.clone(),
                        Sort::new(column.typed.expr, one.ascending, one.are_nulls_first()),
                    ));
                }
                continue;
            }
            keys.push(self.sort_order(one, &scope)?);
        }
        // A window in the order is computed below it.
        let (typed, sorts): (Vec<Typed>, Vec<Sort>) = keys.into_iter().unzip();
        let items = typed.into_iter().map(|typed| Item::named(typed, "")).collect();
        let output = (input.output.clone(), input.hidden.clone());
        let (input, items) = self.windows_below(input, items)?;
        let sorts: Vec<Sort> = items
            .into_iter()
            .zip(sorts)
            .map(|(item, sort)| Sort::new(item.typed.expr, sort.asc, sort.nulls_first))
            .collect();
        if sorts.is_empty() {
            return Ok(input);
        }
        let plan = build(LogicalPlanBuilder::new(input.plan).sort(sorts))?;
        Ok(Resolved { plan, output: output.0, hidden: output.1 })
    }

    /// Sorts by what the list does not have: it is added to the list, sorted by, and left out again.
    fn sort_below(
        &self,
        input: &Relation,
        order: &[SortOrder],
        lacks: &[bool],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Option<Resolved>> {
        let mut added = Vec::new();
        let mut by = Vec::with_capacity(order.len());
        for (one, is_missing) in order.iter().zip(lacks) {
            if !is_missing {
                by.push(one.clone());
                continue;
            }
            let name = format!("firesteel sort key {}", added.len());
            added.push(one.expr.clone().alias(&name));
            by.push(SortOrder { expr: Expr::attribute(name), ..one.clone() });
        }
        let Some(extended) = with_columns_below(input, &added) else { return Ok(None) };
        let extended = self.relation(&extended, outer)?;
        let visible = extended.output.len() - added.len();
        let mut sorted = self.sort_over(extended, &by, outer)?;
        sorted.output.truncate(visible);
        Ok(Some(sorted))
    }
}

/// The relation with more columns at the end of its list, if it is a list.
pub(super) fn with_columns_below(relation: &Relation, columns: &[Expr]) -> Option<Relation> {
    let mut relation = relation.clone();
    match &mut relation.kind {
        RelationKind::Project { expressions, .. } => expressions.extend(columns.iter().cloned()),
        RelationKind::Aggregate { aggregates, pivot: None, .. } => aggregates.extend(columns.iter().cloned()),
        RelationKind::Filter { input, .. }
        | RelationKind::SubqueryAlias { input, .. }
        | RelationKind::Limit { input, .. }
        | RelationKind::Hint { input, .. } => **input = with_columns_below(input, columns)?,
        _ => return None,
    }
    Some(relation)
}

fn ordinal(input: &Resolved, position: i32, order: &SortOrder) -> SparkResult<(Typed, Sort)> {
    let column = usize::try_from(position).ok().and_then(|position| input.output.get(position.checked_sub(1)?));
    let column = column.ok_or_else(|| {
        SparkError::new(
            "ORDER_BY_POS_OUT_OF_RANGE",
            format!("ORDER BY {position}: the list has {} columns", input.output.len()),
        )
        .with("index", position.to_string())
        .with("size", input.output.len().to_string())
    })?;
    Ok((column.typed(), Sort::new(column.column(), order.ascending, order.are_nulls_first())))
}
