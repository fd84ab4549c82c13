//! Aggregates: `groupBy`, `rollup`, `cube`, grouping sets and `pivot`.

use firesteel_spec::{Expr, GroupingElement, Pivot, PivotValue, RelationKind, SparkError, SparkResult};

use super::literal::literal;
use super::{Converter, invalid_enum, required};
use crate::proto;
use crate::proto::aggregate::GroupType;

impl Converter<'_> {
    pub(super) fn aggregate(&mut self, proto: proto::Aggregate) -> SparkResult<RelationKind> {
        let group_type = GroupType::try_from(proto.group_type)
            .map_err(|_| invalid_enum("Aggregate.group_type", proto.group_type))?;
        let Some(input) = proto.input else {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.AGGREGATE_NEEDS_PLAN_INPUT",
                "The Spark Connect plan is invalid. Aggregate needs a plan input",
            ));
        };
        let input = Box::new(self.relation(*input)?);
        let expressions = self.expressions(proto.grouping_expressions)?;
        let single = |expressions: Vec<Expr>| expressions.into_iter().map(|expr| vec![expr]).collect();
        let mut pivot = None;
        let grouping = match group_type {
            GroupType::Groupby => expressions.into_iter().map(GroupingElement::Expr).collect(),
            GroupType::Rollup => vec![GroupingElement::Rollup(single(expressions))],
            GroupType::Cube => vec![GroupingElement::Cube(single(expressions))],
            GroupType::Pivot => {
                pivot = Some(Box::new(self.pivot(proto.pivot)?));
                expressions.into_iter().map(GroupingElement::Expr).collect()
            }
            GroupType::GroupingSets => {
                let sets = proto.grouping_sets.into_iter().map(|set| self.expressions(set.grouping_set));
                vec![GroupingElement::Sets(sets.collect::<SparkResult<_>>()?)]
            }
            GroupType::Unspecified => return Err(invalid_enum("Aggregate.group_type", proto.group_type)),
        };
        let aggregates = self.expressions(proto.aggregate_expressions)?;
        Ok(RelationKind::Aggregate { input, grouping, aggregates, having: None, with_grouping: true, pivot })
    }

    fn pivot(&mut self, pivot: Option<proto::aggregate::Pivot>) -> SparkResult<Pivot> {
        let pivot = pivot.ok_or_else(|| {
            SparkError::new(
                "CONNECT_INVALID_PLAN.AGGREGATE_WITH_PIVOT_REQUIRES_PIVOT",
                "The Spark Connect plan is invalid. Aggregate with GROUP_TYPE_PIVOT requires a Pivot",
            )
        })?;
        let column = self.expression(required(pivot.col, "Aggregate.Pivot.col")?)?;
        let values =
            pivot.values.into_iter().map(|value| Ok(PivotValue { value: Expr::Literal(literal(value)?), alias: None }));
        Ok(Pivot { columns: vec![column], values: values.collect::<SparkResult<_>>()? })
    }
}
