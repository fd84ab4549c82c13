//! Joins.

use datafusion::common::JoinType;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder};
use firesteel_functions::Typed;
use firesteel_spec::{Expr, JoinKind, Relation, SparkError, SparkResult};

use super::attribute::{Attribute, Scope, quote, same_name};
use super::{Resolved, Resolver, build};

/// The parts of a join relation.
pub(crate) struct JoinSpec<'a> {
    pub left: &'a Relation,
    pub right: &'a Relation,
    pub kind: JoinKind,
    pub condition: Option<&'a Expr>,
    pub using: &'a [String],
    pub natural: bool,
    pub lateral: bool,
}

impl Resolver<'_> {
    pub fn join(&self, join: &JoinSpec<'_>, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        if join.lateral
            && let Some(ranked) = self.limited_lateral_join(join, outer)?
        {
            return Ok(ranked);
        }
        let left = self.relation(join.left, outer)?;
        if join.lateral {
            return self.lateral_join(left, join, outer);
        }
        let right = self.relation(join.right, outer)?;
        let using = if join.natural { self.shared_names(&left, &right) } else { join.using.to_vec() };
        if !using.is_empty() {
            return self.join_using(left, right, join.kind, &using);
        }
        let mut both = left.output.clone();
        both.extend(right.output.iter().cloned());
        let mut hidden = left.hidden.clone();
        hidden.extend(right.hidden.iter().cloned());
        let condition = join
            .condition
            .map(|condition| self.condition(condition, &Scope::of(&both, &hidden, outer), "JOIN"))
            .transpose()?;
        let plan = self.join_plan(&left, &right, join.kind, condition.map(|typed| typed.expr).into_iter().collect())?;
        Ok(Resolved { plan, output: joined_output(&left, &right, join.kind), hidden })
    }

    /// All rows of the right for each row of the left, by which it is computed.
    fn lateral_join(&self, left: Resolved, join: &JoinSpec<'_>, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        if let Some(view) = self.generator_join(&left, join, outer)? {
            return Ok(view);
        }
        let scope = Scope::of(&left.output, &left.hidden, outer);
        let right = self.relation(join.right, Some(&scope))?;
        let right = self.only_output(right)?;
        let subquery = super::subquery::subquery_plan(&right.plan);
        let right_plan = datafusion::logical_expr::LogicalPlan::Subquery(subquery);
        let mut both = left.output.clone();
        both.extend(right.output.iter().cloned());
        let condition = join
            .condition
            .map(|condition| self.condition(condition, &Scope::of(&both, &[], outer), "JOIN"))
            .transpose()?;
        let right = Resolved { plan: right_plan, ..right };
        let plan = self.join_plan(&left, &right, join.kind, condition.map(|typed| typed.expr).into_iter().collect())?;
        Ok(Resolved { plan, output: joined_output(&left, &right, join.kind), hidden: left.hidden })
    }

    fn shared_names(&self, left: &Resolved, right: &Resolved) -> Vec<String> {
        let sensitive = self.options.case_sensitive;
        let shared = left
            .output
            .iter()
            .filter(|column| right.output.iter().any(|other| same_name(&column.name, &other.name, sensitive)));
        shared.map(|column| column.name.clone()).collect()
    }

    fn join_using(&self, left: Resolved, right: Resolved, kind: JoinKind, using: &[String]) -> SparkResult<Resolved> {
        let mut conditions = Vec::with_capacity(using.len());
        let mut keys = Vec::with_capacity(using.len());
        for name in using {
            let (from_left, from_right) = (self.key(&left, name, "left")?, self.key(&right, name, "right")?);
            let equal = self.call("==", vec![from_left.typed(), from_right.typed()])?;
            conditions.push(equal.expr);
            keys.push((from_left, from_right));
        }
        let plan = self.join_plan(&left, &right, kind, conditions)?;
        if matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
            let (mut output, rest): (Vec<_>, Vec<_>) =
                left.output.into_iter().partition(|column| keys.iter().any(|(key, _)| key.id == column.id));
            output.sort_by_key(|column| keys.iter().position(|(key, _)| key.id == column.id));
            output.extend(rest);
            return Ok(Resolved { plan, output, hidden: left.hidden });
        }
        let nullable_sides = joined_output(&left, &right, kind);
        let is_key = |column: &&Attribute| keys.iter().any(|(l, r)| l.id == column.id || r.id == column.id);
        let rest: Vec<Attribute> = nullable_sides.iter().filter(|column| !is_key(column)).cloned().collect();
        let hidden_keys: Vec<Attribute> = nullable_sides.iter().filter(is_key).cloned().collect();
        let mut output = Vec::with_capacity(nullable_sides.len());
        let mut columns: Vec<DfExpr> = plan.schema().columns().into_iter().map(DfExpr::Column).collect();
        let mut computed = false;
        for (from_left, from_right) in &keys {
            match kind {
                JoinKind::RightOuter => output.push(from_right.clone()),
                JoinKind::FullOuter => {
                    let merged = self.call("coalesce", vec![nullable(from_left), nullable(from_right)])?;
                    let mut attribute = Attribute::new(
                        self.fresh_id(),
                        &from_left.name,
                        merged.data_type,
                        from_left.nullable || from_right.nullable,
                    );
                    attribute.plan_ids = Vec::new();
                    columns.push(merged.expr.alias(&attribute.id));
                    computed = true;
                    output.push(attribute);
                }
                _ => output.push(from_left.clone()),
            }
        }
        let plan = if computed { build(LogicalPlanBuilder::new(plan).project(columns))? } else { plan };
        let mut hidden: Vec<Attribute> =
            hidden_keys.into_iter().filter(|key| output.iter().all(|own| own.id != key.id)).collect();
        hidden.extend(left.hidden);
        hidden.extend(right.hidden);
        output.extend(rest);
        Ok(Resolved { plan, output, hidden })
    }

    fn key(&self, side: &Resolved, name: &str, which: &str) -> SparkResult<Attribute> {
        let sensitive = self.options.case_sensitive;
        let mut found = side.output.iter().filter(|column| same_name(&column.name, name, sensitive));
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column.clone()),
            (Some(_), Some(_)) => Err(SparkError::new(
                "AMBIGUOUS_REFERENCE",
                format!("the {which} side of the join has several columns {name}"),
            )
            .with("name", quote(&[name.to_owned()]))),
            (None, _) => {
                let known: Vec<_> = side.output.iter().map(|column| format!("`{}`", column.name)).collect();
                Err(SparkError::new(
                    "UNRESOLVED_USING_COLUMN_FOR_JOIN",
                    format!("the {which} side of the join has no column {name}; it has {}", known.join(", ")),
                )
                .with("colName", quote(&[name.to_owned()]))
                .with("side", which)
                .with("suggestion", known.join(", ")))
            }
        }
    }

    fn join_plan(
        &self,
        left: &Resolved,
        right: &Resolved,
        kind: JoinKind,
        conditions: Vec<DfExpr>,
    ) -> SparkResult<datafusion::logical_expr::LogicalPlan> {
        let is_lateral = matches!(right.plan, datafusion::logical_expr::LogicalPlan::Subquery(_));
        // DataFusion keeps the first side and streams the second; where sizes say nothing else, Spark keeps the right
        // side and gives rows in the order of the left one.
        let has_condition = !conditions.is_empty();
        let streams_left = matches!(kind, JoinKind::Inner | JoinKind::Cross) && has_condition && !is_lateral;
        let (first, second) = if streams_left { (right, left) } else { (left, right) };
        let builder = LogicalPlanBuilder::new(first.plan.clone());
        let kind = match kind {
            JoinKind::Inner | JoinKind::Cross if !has_condition => {
                return build(builder.cross_join(second.plan.clone()));
            }
            JoinKind::Inner | JoinKind::Cross => JoinType::Inner,
            JoinKind::LeftOuter => JoinType::Left,
            JoinKind::RightOuter => JoinType::Right,
            JoinKind::FullOuter => JoinType::Full,
            JoinKind::LeftSemi => JoinType::LeftSemi,
            JoinKind::LeftAnti => JoinType::LeftAnti,
        };
        let conditions = if has_condition { conditions } else { vec![datafusion::prelude::lit(true)] };
        build(builder.join_on(second.plan.clone(), kind, conditions))
    }
}

fn nullable(column: &Attribute) -> Typed {
    Typed { nullable: true, ..column.typed() }
}

/// The columns of both sides; those of a side that may have no partner are nullable.
fn joined_output(left: &Resolved, right: &Resolved, kind: JoinKind) -> Vec<Attribute> {
    let (left_null, right_null) = match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => return left.output.clone(),
        JoinKind::LeftOuter => (false, true),
        JoinKind::RightOuter => (true, false),
        JoinKind::FullOuter => (true, true),
        JoinKind::Inner | JoinKind::Cross => (false, false),
    };
    let side = |columns: &[Attribute], null: bool| -> Vec<Attribute> {
        columns.iter().cloned().map(|column| Attribute { nullable: column.nullable || null, ..column }).collect()
    };
    let mut output = side(&left.output, left_null);
    output.extend(side(&right.output, right_null));
    output
}
