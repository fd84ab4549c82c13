//! Subqueries in expressions. A column of an outer query is an `OuterReferenceColumn`, which DataFusion's rules turn
//! into joins.

use std::sync::Arc;

use datafusion::common::Spans;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, Subquery};
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
        let expr = DfExpr::ScalarSubquery(subquery_plan(&inner.plan));
        Ok(Typed::new(expr, column.data_type.clone(), true, "scalarsubquery()"))
    }

    pub fn exists(&self, relation: &Relation, scope: &Scope<'_>) -> SparkResult<Typed> {
        let inner = self.inner(relation, scope)?;
        let expr = DfExpr::Exists(Exists { subquery: subquery_plan(&inner.plan), negated: false });
        Ok(Typed::new(expr, DataType::Boolean, false, "exists()"))
    }

    pub fn in_subquery(&self, values: &[Expr], relation: &Relation, scope: &Scope<'_>) -> SparkResult<Typed> {
        let inner = self.inner(relation, scope)?;
        let mut typed = values.iter().map(|value| self.expr(value, scope)).collect::<SparkResult<Vec<_>>>()?;
        let ([column], Some(value), true) = (inner.output.as_slice(), typed.pop(), typed.is_empty()) else {
            if values.len() != inner.output.len() {
                return Err(SparkError::new(
                    "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                    format!("IN compares {} values with a subquery of {} columns", values.len(), inner.output.len()),
                )
                .with("leftLength", values.len().to_string())
                .with("rightLength", inner.output.len().to_string()));
            }
            return Err(SparkError::unsupported("IN with several values and a subquery"));
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
        let subquery = subquery_plan(&inner.plan);
        let expr = DfExpr::InSubquery(InSubquery { expr: Box::new(value.expr), subquery, negated: false });
        Ok(Typed::new(expr, DataType::Boolean, nullable, name))
    }

    fn inner(&self, relation: &Relation, scope: &Scope<'_>) -> SparkResult<Resolved> {
        let inner = self.relation(relation, Some(scope))?;
        self.only_output(inner)
    }
}

/// A plan as a subquery, with the outer columns that it names.
pub(crate) fn subquery_plan(plan: &LogicalPlan) -> Subquery {
    let outer_ref_columns = plan.all_out_ref_exprs();
    Subquery { subquery: Arc::new(plan.clone()), outer_ref_columns, spans: Spans::new() }
}
