//! Subqueries in expressions. A column of an outer query is an `OuterReferenceColumn`, which DataFusion's rules turn
//! into joins.

use std::sync::Arc;

use datafusion::common::Spans;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, LogicalPlanBuilder, Subquery};
use firesteel_functions::{Typed, wider};
use firesteel_spec::{DataType, Expr, Relation, SparkError, SparkResult};

use super::attribute::Scope;
use super::{Resolved, Resolver};

impl Resolver<'_> {
    pub fn scalar_subquery(&self, relation: &Relation, scope: &Scope<'_>) -> SparkResult<Typed> {
        let inner = self.inner(relation, scope)?;
        let [column] = inner.output.as_slice() else {
            return Err(SparkError::new(
                "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                format!("a scalar subquery gives one column, this one {}", inner.output.len()),
            )
            .with("number", inner.output.len().to_string()));
        };
        let data_type = column.data_type.clone();
        let mut subquery = subquery_plan(&inner.plan);
        let name = shown("scalarsubquery", &subquery);
        if !gives_one_row(&inner.plan) {
            // For each row outside it gives one row at most, or an error.
            let mut only = Typed::aggregate(&firesteel_functions::only_value(), vec![column.typed()])?;
            only.data_type = data_type.clone();
            let one = self.global_aggregate(inner.clone(), vec![super::project::Item::named(only, "only")])?;
            subquery = subquery_plan(&self.only_output(one)?.plan);
        }
        Ok(Typed::new(DfExpr::ScalarSubquery(subquery), data_type, true, name))
    }

    pub fn exists(&self, relation: &Relation, scope: &Scope<'_>) -> SparkResult<Typed> {
        let inner = self.inner(relation, scope)?;
        let subquery = subquery_plan(&inner.plan);
        let name = shown("exists", &subquery);
        if !self.is_condition.get() {
            // As a value: whether there are more rows than none.
            let rows = self.call("count", vec![Typed::int(1)])?;
            let rows = self.global_aggregate(inner, vec![super::project::Item::named(rows, "rows")])?;
            let rows = self.only_output(rows)?;
            let Some(count) = rows.output.first().map(super::attribute::Attribute::typed) else {
                return Err(SparkError::internal("a count without a column"));
            };
            let count = Typed { expr: DfExpr::ScalarSubquery(subquery_plan(&rows.plan)), ..count };
            return Ok(self.call(">", vec![count, Typed::long(0)])?.named(name));
        }
        let expr = DfExpr::Exists(Exists { subquery, negated: false });
        Ok(Typed::new(expr, DataType::Boolean, false, name))
    }

    pub fn in_subquery(&self, values: &[Expr], relation: &Relation, scope: &Scope<'_>) -> SparkResult<Typed> {
        let inner = self.inner(relation, scope)?;
        let values = listed_values(values, inner.output.len());
        let mut typed = values.iter().map(|value| self.expr(value, scope)).collect::<SparkResult<Vec<_>>>()?;
        if typed.len() != inner.output.len() {
            return Err(SparkError::new(
                "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                format!("IN compares {} values with a subquery of {} columns", typed.len(), inner.output.len()),
            )
            .with("leftLength", typed.len().to_string())
            .with("rightLength", inner.output.len().to_string()));
        }
        let ([column], Some(value), true) = (inner.output.as_slice(), typed.pop(), typed.is_empty()) else {
            let typed = values.iter().map(|value| self.expr(value, scope)).collect::<SparkResult<Vec<_>>>()?;
            return self.rows_in(typed, inner, scope, false);
        };
        let common = wider(&value.data_type, &column.data_type, self.settings().ansi).ok_or_else(|| {
            SparkError::new(
                "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH",
                format!("IN compares {} with {}", value.data_type, column.data_type),
            )
        })?;
        let name = format!("({} IN (listquery()))", value.name);
        let nullable = value.nullable || column.nullable;
        let value = super::aggregate::as_type(self, value, &common)?;
        let of_type = super::project::Item {
            typed: super::aggregate::as_type(self, column.typed(), &common)?,
            ..super::project::Item::column(column)
        };
        let inner = self.project_items(inner.clone(), vec![of_type])?;
        // With a qualifier: DataFusion's mark joins take an unqualified column for two.
        let plan = super::build(LogicalPlanBuilder::new(inner.plan).alias(self.fresh_id()))?;
        let subquery = subquery_plan(&plan);
        let expr = DfExpr::InSubquery(InSubquery { expr: Box::new(value.expr), subquery, negated: false });
        Ok(Typed::new(expr, DataType::Boolean, nullable, name))
    }

    /// `NOT (a, b) IN (…)`: true if each row surely differs, so a null on either side is a row that may be equal.
    pub fn not_in_rows(&self, values: &[Expr], relation: &Relation, scope: &Scope<'_>) -> SparkResult<Option<Typed>> {
        let inner = self.inner(relation, scope)?;
        let values = listed_values(values, inner.output.len());
        if values.len() < 2 || values.len() != inner.output.len() {
            return Ok(None);
        }
        let typed = values.iter().map(|value| self.expr(value, scope)).collect::<SparkResult<Vec<_>>>()?;
        self.rows_in(typed, inner, scope, true).map(Some)
    }

    /// Several values at once: a row of the subquery exists whose columns are equal to them.
    fn rows_in(&self, values: Vec<Typed>, inner: Resolved, scope: &Scope<'_>, negated: bool) -> SparkResult<Typed> {
        let names: Vec<String> = values.iter().map(|value| value.name.clone()).collect();
        let mut all = Typed::boolean(true);
        for (value, column) in values.into_iter().zip(&inner.output) {
            let value = Typed { expr: as_outer(value.expr, scope)?, ..value };
            let mut equal = self.call("==", vec![value, column.typed()])?;
            if negated {
                equal = self.call("coalesce", vec![equal, Typed::boolean(true)])?;
            }
            all = self.call("and", vec![all, equal])?;
        }
        let plan = super::build(LogicalPlanBuilder::new(inner.plan).filter(all.expr))?;
        let expr = DfExpr::Exists(Exists { subquery: subquery_plan(&plan), negated });
        let name = format!("(named_struct({}) IN (listquery()))", names.join(", "));
        Ok(Typed::new(expr, DataType::Boolean, false, name))
    }

    fn inner(&self, relation: &Relation, scope: &Scope<'_>) -> SparkResult<Resolved> {
        let before = self.is_condition.replace(false);
        let inner = self.relation(relation, Some(scope));
        self.is_condition.set(before);
        self.only_output(inner?)
    }
}

/// The values that `IN` compares: the fields of a struct that is made for it are values of their own.
fn listed_values(values: &[Expr], columns: usize) -> Vec<Expr> {
    if let [only] = values
        && columns > 1
        && let Expr::Function(call) = only.unlocated()
        && let [name] = call.name.as_slice()
        && name.eq_ignore_ascii_case("struct")
    {
        return call.arguments.clone();
    }
    values.to_vec()
}

/// An expression over the outer query's columns, as a subquery names them.
fn as_outer(expr: DfExpr, scope: &Scope<'_>) -> SparkResult<DfExpr> {
    let outer = expr.transform_up(|expr| {
        let DfExpr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
        let found = scope.output.iter().chain(scope.hidden).find(|own| own.id == column.name);
        Ok(match found {
            Some(attribute) => {
                let field = firesteel_functions::to_field(&attribute.to_struct_field());
                Transformed::yes(DfExpr::OuterReferenceColumn(field, column.clone()))
            }
            None => Transformed::no(expr),
        })
    });
    outer.map(|outer| outer.data).map_err(super::plan_error)
}

/// `scalarsubquery(a, b)`, with the outer columns that it names.
fn shown(kind: &str, subquery: &Subquery) -> String {
    let mut names: Vec<&str> = Vec::new();
    for expr in &subquery.outer_ref_columns {
        if let DfExpr::OuterReferenceColumn(field, _) = expr
            && !names.contains(&field.name().as_str())
        {
            names.push(field.name());
        }
    }
    format!("{kind}({})", names.join(", "))
}

/// Is it an aggregate, or otherwise never more than a row, in what DataFusion sees of it?
fn gives_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => gives_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => gives_one_row(&alias.input),
        LogicalPlan::Filter(filter) => matches!(filter.input.as_ref(), LogicalPlan::Aggregate(_)),
        LogicalPlan::Aggregate(_) => true,
        plan => plan.max_rows().is_some_and(|rows| rows <= 1),
    }
}

/// A plan as a subquery, with the outer columns that it names.
pub(crate) fn subquery_plan(plan: &LogicalPlan) -> Subquery {
    let outer_ref_columns = plan.all_out_ref_exprs();
    Subquery { subquery: Arc::new(plan.clone()), outer_ref_columns, spans: Spans::new() }
}
