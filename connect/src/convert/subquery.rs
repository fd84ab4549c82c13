//! Subquery expressions, whose relations stand in the relation around them (`WithRelations`).

use std::collections::HashMap;

use firesteel_spec::{Expr, Relation, SparkError, SparkResult};

use super::{Converter, Reference, invalid_enum, required};
use crate::proto;
use crate::proto::subquery_expression::SubqueryType;

impl Converter<'_> {
    pub(super) fn subquery(&mut self, subquery: proto::SubqueryExpression) -> SparkResult<Expr> {
        let kind = SubqueryType::try_from(subquery.subquery_type)
            .map_err(|_| invalid_enum("SubqueryExpression.subquery_type", subquery.subquery_type))?;
        let relation = Box::new(self.referenced(subquery.plan_id)?);
        Ok(match kind {
            SubqueryType::Scalar => Expr::ScalarSubquery(relation),
            SubqueryType::Exists => Expr::Exists(relation),
            SubqueryType::In => Expr::InSubquery { values: self.expressions(subquery.in_subquery_values)?, relation },
            SubqueryType::TableArg => {
                let options = subquery.table_arg_options.unwrap_or_default();
                Expr::TableArgument {
                    relation,
                    partition_by: self.expressions(options.partition_spec)?,
                    order_by: self.sort_orders(options.order_spec)?,
                    single_partition: options.with_single_partition.unwrap_or(false),
                }
            }
            SubqueryType::Unknown => {
                return Err(invalid_enum("SubqueryExpression.subquery_type", subquery.subquery_type));
            }
        })
    }

    fn referenced(&mut self, plan_id: i64) -> SparkResult<Relation> {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(&plan_id));
        let Some(reference) = found else {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.INVALID_WITH_RELATION_REFERENCE",
                format!("The Spark Connect plan is invalid. Invalid WithRelation reference {plan_id}"),
            ));
        };
        let (relation, nodes) = (reference.relation.clone(), reference.nodes);
        self.count(nodes)?;
        Ok(relation)
    }

    /// Converts `root` where the expressions see `references`.
    pub(super) fn with_references(
        &mut self,
        root: proto::Relation,
        references: Vec<proto::Relation>,
    ) -> SparkResult<Relation> {
        let mut scope = HashMap::new();
        for reference in references {
            let common = required(reference.common.as_ref(), "Relation.common")?;
            let plan_id = required(common.plan_id, "RelationCommon.plan_id")?;
            let before = self.nodes;
            let relation = self.relation(reference)?;
            scope.insert(plan_id, Reference { relation, nodes: self.nodes - before });
        }
        self.scopes.push(scope);
        let converted = self.relation(root);
        self.scopes.pop();
        converted
    }
}
