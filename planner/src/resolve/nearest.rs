//! As-of joins, nearest-by joins and lateral joins with a limit: for each row on the left the rows on the right that an order puts first.
//!
//! Each row on the left gets a number, is joined with all rows that it may have, and keeps those that a window over its
//! number ranks first.

use firesteel_spec::{
    AsOfDirection, AsOfJoin, Expr, JoinKind, Literal, NearestBy, Relation, RelationKind, SortOrder, SparkError,
    SparkResult, WindowSpec,
};

use super::attribute::Scope;
use super::join::JoinSpec;
use super::{Resolved, Resolver};

const ROW: &str = "firesteel left row";
const ORDER: &str = "firesteel order";
const RANK: &str = "firesteel rank";

/// A join whose rows are ranked.
struct Ranked<'a> {
    left: &'a Relation,
    right: &'a Relation,
    kind: JoinKind,
    condition: Option<Expr>,
    order: SortOrder,
    count: usize,
}

impl Resolver<'_> {
    pub fn as_of_join(&self, join: &AsOfJoin, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let (left, right) = (&join.left_as_of, &join.right_as_of);
        let compare = |name: &str| Expr::function(name, vec![left.clone(), right.clone()]);
        let before = |sooner: &Expr, later: &Expr| Expr::function("-", vec![later.clone(), sooner.clone()]);
        let (when, distance) = match (join.direction, join.allow_exact_matches) {
            (AsOfDirection::Backward, true) => (Some(compare(">=")), before(right, left)),
            (AsOfDirection::Backward, false) => (Some(compare(">")), before(right, left)),
            (AsOfDirection::Forward, true) => (Some(compare("<=")), before(left, right)),
            (AsOfDirection::Forward, false) => (Some(compare("<")), before(left, right)),
            (AsOfDirection::Nearest, exact) => {
                let differ = Expr::function("not", vec![compare("==")]);
                let distance = Expr::function("if", vec![compare(">"), before(right, left), before(left, right)]);
                ((!exact).then_some(differ), distance)
            }
        };
        let mut conditions: Vec<Expr> = when.into_iter().chain(join.condition.clone()).collect();
        if let Some(tolerance) = &join.tolerance {
            self.check_tolerance(tolerance)?;
            let shifted = |name: &str| Expr::function(name, vec![left.clone(), tolerance.clone()]);
            if join.direction != AsOfDirection::Forward {
                let compare = if join.allow_exact_matches { ">=" } else { ">" };
                conditions.push(Expr::function(compare, vec![right.clone(), shifted("-")]));
            }
            if join.direction != AsOfDirection::Backward {
                let compare = if join.allow_exact_matches { "<=" } else { "<" };
                conditions.push(Expr::function(compare, vec![right.clone(), shifted("+")]));
            }
        }
        let (left_keys, right_keys) = self.numbered_keys(join)?;
        conditions.extend(
            left_keys
                .iter()
                .zip(&right_keys)
                .map(|(left, right)| Expr::function("==", vec![left.clone(), right.clone()])),
        );
        let both = |left, right| Expr::function("and", vec![left, right]);
        self.ranked_join(
            &Ranked {
                left: &join.left,
                right: &join.right,
                kind: join.kind,
                condition: conditions.into_iter().reduce(both),
                order: SortOrder { expr: distance, ascending: true, nulls_first: Some(false) },
                count: 1,
            },
            outer,
        )
    }

    /// The columns of `using` on each side, by the numbers that the client gave the sides.
    fn numbered_keys(&self, join: &AsOfJoin) -> SparkResult<(Vec<Expr>, Vec<Expr>)> {
        let keys = |side: &Relation| -> SparkResult<Vec<Expr>> {
            if side.plan_id.is_none() && !join.using.is_empty() {
                return Err(SparkError::unsupported("an as-of join with the same columns on both sides"));
            }
            let key = |name: &String| Expr::Attribute {
                name: vec![name.clone()],
                plan_id: side.plan_id,
                metadata_column: false,
            };
            Ok(join.using.iter().map(key).collect())
        };
        Ok((keys(&join.left)?, keys(&join.right)?))
    }

    fn check_tolerance(&self, tolerance: &Expr) -> SparkResult<()> {
        let Expr::Literal(value) = tolerance.unlocated() else { return Ok(()) };
        let is_negative = match value {
            Literal::Integer(value) => *value < 0,
            Literal::Long(value) | Literal::DayTimeInterval { microseconds: value, .. } => *value < 0,
            Literal::Double(value) => *value < 0.0,
            _ => false,
        };
        if !is_negative {
            return Ok(());
        }
        Err(SparkError::new(
            "AS_OF_JOIN.TOLERANCE_IS_NON_NEGATIVE",
            "Invalid as-of join. The input argument `tolerance` must be non-negative.",
        ))
    }

    pub fn nearest_by(&self, join: &NearestBy, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let ranking = &join.ranking;
        self.ranked_join(
            &Ranked {
                left: &join.left,
                right: &join.right,
                kind: join.kind,
                // What has no rank is no candidate.
                condition: Some(Expr::function("isnotnull", vec![ranking.clone()])),
                order: SortOrder { expr: ranking.clone(), ascending: !join.descending, nulls_first: Some(false) },
                count: join.count,
            },
            outer,
        )
    }

    fn ranked_join(&self, join: &Ranked<'_>, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let joined = RelationKind::Join {
            left: Box::new(numbered(join.left)),
            right: Box::new(join.right.clone()),
            kind: join.kind,
            condition: join.condition.clone(),
            using: Vec::new(),
            natural: false,
            lateral: false,
        };
        // The order as a column, since DataFusion takes some expressions of a window's order for others.
        let joined = with_column(joined.into(), join.order.expr.clone().alias(ORDER));
        let order = vec![SortOrder { expr: Expr::attribute(ORDER), ..join.order.clone() }];
        self.relation(&first_of_each(joined, order, join.count), outer)
    }

    /// `LATERAL (… ORDER BY … LIMIT n)`: the first of the rows that each row on the left has without the limit. `None` if
    /// there is no limit.
    pub fn limited_lateral_join(
        &self,
        join: &JoinSpec<'_>,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Option<Resolved>> {
        let (limited, alias) = match &join.right.kind {
            RelationKind::SubqueryAlias { input, .. } => (input.as_ref(), Some(join.right)),
            _ => (join.right, None),
        };
        let RelationKind::Limit { input, limit } = &limited.kind else { return Ok(None) };
        let count = self.constant_count(limit, "limit", None)?;
        let (below, order) = match &input.kind {
            RelationKind::Sort { input, order, .. } => (input.as_ref().clone(), order.clone()),
            _ => (input.as_ref().clone(), Vec::new()),
        };
        let right = match alias.map(|alias| (alias.plan_id, &alias.kind)) {
            Some((plan_id, RelationKind::SubqueryAlias { alias, qualifier, columns, .. })) => Relation {
                plan_id,
                kind: RelationKind::SubqueryAlias {
                    input: Box::new(below),
                    alias: alias.clone(),
                    qualifier: qualifier.clone(),
                    columns: columns.clone(),
                },
            },
            _ => below,
        };
        let joined = RelationKind::Join {
            left: Box::new(numbered(join.left)),
            right: Box::new(right),
            kind: join.kind,
            condition: join.condition.cloned(),
            using: Vec::new(),
            natural: false,
            lateral: true,
        };
        let order = if order.is_empty() { vec![SortOrder::ascending(Expr::attribute(ROW))] } else { order };
        self.relation(&first_of_each(joined.into(), order, count), outer).map(Some)
    }
}

fn with_column(input: Relation, column: Expr) -> Relation {
    RelationKind::WithColumns { input: Box::new(input), columns: vec![column] }.into()
}

/// Rows with a number each.
fn numbered(input: &Relation) -> Relation {
    with_column(input.clone(), Expr::function("monotonically_increasing_id", Vec::new()).alias(ROW))
}

/// The rows of each number that come first.
fn first_of_each(joined: Relation, order: Vec<SortOrder>, count: usize) -> Relation {
    let rank = Expr::Window {
        function: Box::new(Expr::function("row_number", Vec::new())),
        spec: Box::new(WindowSpec { partition_by: vec![Expr::attribute(ROW)], order_by: order, frame: None }),
    };
    let ranked = with_column(joined, rank.alias(RANK));
    let count = Expr::from(Literal::Integer(i32::try_from(count).unwrap_or(i32::MAX)));
    let condition = Expr::function("<=", vec![Expr::attribute(RANK), count]);
    let first = RelationKind::Filter { input: Box::new(ranked), condition };
    let names = [ROW, ORDER, RANK].map(str::to_owned).to_vec();
    RelationKind::Drop { input: Box::new(first.into()), columns: Vec::new(), names }.into()
}
