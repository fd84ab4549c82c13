//! DataFusion knows a lambda's parameters by numbers that follow those of its input's columns. A rule that gives a
//! projection another input changes the numbers of columns only, so that a parameter may end up with a column's.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::LambdaVariable;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

/// More than a plan has columns.
const APART: usize = 1 << 24;

/// The plan with the parameters of lambdas numbered where no column is. Their order stays.
pub(crate) fn lambdas_apart(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let changed = plan.transform_up(|node| {
        let Some(projection) = node.downcast_ref::<ProjectionExec>() else { return Ok(Transformed::no(node)) };
        let mut has_lambdas = false;
        let mut list = Vec::with_capacity(projection.expr().len());
        for column in projection.expr() {
            let moved = Arc::clone(&column.expr).transform_up(moved)?;
            has_lambdas |= moved.transformed;
            list.push(ProjectionExpr::new(moved.data, column.alias.clone()));
        }
        if !has_lambdas {
            return Ok(Transformed::no(node));
        }
        let projection = ProjectionExec::try_new(list, Arc::clone(projection.input()))?;
        Ok(Transformed::yes(Arc::new(projection) as Arc<dyn ExecutionPlan>))
    });
    changed.map(|changed| changed.data)
}

fn moved(expr: Arc<dyn PhysicalExpr>) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
    Ok(match expr.downcast_ref::<LambdaVariable>() {
        Some(variable) if variable.index() < APART => {
            let moved = LambdaVariable::new(variable.index() + APART, Arc::clone(variable.field()));
            Transformed::yes(Arc::new(moved))
        }
        _ => Transformed::no(expr),
    })
}
