//! [`PythonMap`]: a Python function over all batches of its input, as a node of logical plans; and the planner that makes
//! a [`PythonMapExec`] of it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchemaRef, Result, internal_err};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use firesteel_python_udf::{PythonCall, PythonMapExec};

/// Takes exactly the columns of its input, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PythonMap {
    pub input: LogicalPlan,
    pub call: PythonCall,
    /// The columns that the function gives, under ids of the query.
    pub schema: DFSchemaRef,
}

impl PartialOrd for PythonMap {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let order = self.call.partial_cmp(&other.call)?.then(self.input.partial_cmp(&other.input)?);
        // Equal in all but the columns' names: neither is the smaller.
        if order == Ordering::Equal && self != other { None } else { Some(order) }
    }
}

impl UserDefinedLogicalNodeCore for PythonMap {
    fn name(&self) -> &str {
        "PythonMap"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PythonMap: {}", self.call.name)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Some(input) = inputs.pop() else { return internal_err!("PythonMap without an input") };
        Ok(Self { input, ..self.clone() })
    }
}

/// DataFusion's planner, with our node.
#[derive(Debug)]
pub(crate) struct PythonQueryPlanner;

#[async_trait]
impl QueryPlanner for PythonQueryPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(PythonMapPlanner)]);
        planner.create_physical_plan(plan, session).await
    }
}

struct PythonMapPlanner;

#[async_trait]
impl ExtensionPlanner for PythonMapPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(map), [input]) = (node.as_any().downcast_ref::<PythonMap>(), inputs) else { return Ok(None) };
        let schema = Arc::new(map.schema.as_arrow().clone());
        Ok(Some(Arc::new(PythonMapExec::new(Arc::clone(input), map.call.clone(), schema))))
    }
}
