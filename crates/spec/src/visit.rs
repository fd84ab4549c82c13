//! Walks over the relations of a plan.

use crate::{Expr, FrameBound, GroupingElement, Relation, RelationKind, SortOrder};

/// The relations of one input.
macro_rules! one_input {
    ($input:ident) => {
        RelationKind::Project { input: $input, .. }
            | RelationKind::Filter { input: $input, .. }
            | RelationKind::Qualify { input: $input, .. }
            | RelationKind::Aggregate { input: $input, .. }
            | RelationKind::Pivot { input: $input, .. }
            | RelationKind::Sort { input: $input, .. }
            | RelationKind::SortAll { input: $input, .. }
            | RelationKind::Limit { input: $input, .. }
            | RelationKind::Offset { input: $input, .. }
            | RelationKind::Tail { input: $input, .. }
            | RelationKind::Deduplicate { input: $input, .. }
            | RelationKind::Sample { input: $input, .. }
            | RelationKind::SubqueryAlias { input: $input, .. }
            | RelationKind::Repartition { input: $input, .. }
            | RelationKind::RepartitionByExpression { input: $input, .. }
            | RelationKind::ToDf { input: $input, .. }
            | RelationKind::RenameColumns { input: $input, .. }
            | RelationKind::WithColumns { input: $input, .. }
            | RelationKind::Drop { input: $input, .. }
            | RelationKind::Hint { input: $input, .. }
            | RelationKind::ToSchema { input: $input, .. }
            | RelationKind::LateralView { input: $input, .. }
            | RelationKind::CollectMetrics { input: $input, .. }
            | RelationKind::Parse { input: $input, .. }
            | RelationKind::WithWatermark { input: $input, .. }
            | RelationKind::Transpose { input: $input, .. }
            | RelationKind::MapPartitions { input: $input, .. }
            | RelationKind::GroupMap { input: $input, .. }
            | RelationKind::ShowString { input: $input, .. }
            | RelationKind::HtmlString { input: $input, .. }
            | RelationKind::FillNa { input: $input, .. }
            | RelationKind::DropNa { input: $input, .. }
            | RelationKind::Replace { input: $input, .. }
            | RelationKind::Summary { input: $input, .. }
            | RelationKind::Describe { input: $input, .. }
            | RelationKind::Crosstab { input: $input, .. }
            | RelationKind::Covariance { input: $input, .. }
            | RelationKind::Correlation { input: $input, .. }
            | RelationKind::ApproxQuantile { input: $input, .. }
            | RelationKind::FrequentItems { input: $input, .. }
            | RelationKind::SampleBy { input: $input, .. }
    };
}

impl Relation {
    /// Visits this relation and all within it, also those in expressions; a relation before its inputs.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Relation)) {
        visit(self);
        for input in self.inputs() {
            input.walk(visit);
        }
        self.expressions(&mut |expr| expr.walk_relations(visit));
    }

    /// The relations that this one reads, in order.
    pub fn inputs(&self) -> Vec<&Relation> {
        use RelationKind as R;
        match &self.kind {
            one_input!(input) => vec![input],
            R::With { input, tables, .. } => {
                tables.iter().map(|table| &table.relation).chain([input.as_ref()]).collect()
            }
            R::Unpivot(unpivot) => vec![&unpivot.input],
            R::Join { left, right, .. } | R::SetOperation { left, right, .. } | R::CoGroupMap { left, right, .. } => {
                vec![left, right]
            }
            R::AsOfJoin(join) => vec![&join.left, &join.right],
            R::NearestBy(join) => vec![&join.left, &join.right],
            R::Table { .. }
            | R::TableAsOf { .. }
            | R::DataSource(_)
            | R::Local { .. }
            | R::Values { .. }
            | R::OneRow
            | R::Range { .. }
            | R::TableFunction { .. }
            | R::InlineTableFunction(_)
            | R::Cached { .. }
            | R::Catalog(_)
            | R::Command(_) => Vec::new(),
        }
    }

    /// As [`Self::inputs`], to change them.
    pub fn inputs_mut(&mut self) -> Vec<&mut Relation> {
        use RelationKind as R;
        match &mut self.kind {
            one_input!(input) => vec![input],
            R::With { input, tables, .. } => {
                tables.iter_mut().map(|table| &mut table.relation).chain([input.as_mut()]).collect()
            }
            R::Unpivot(unpivot) => vec![&mut unpivot.input],
            R::Join { left, right, .. } | R::SetOperation { left, right, .. } | R::CoGroupMap { left, right, .. } => {
                vec![left, right]
            }
            R::AsOfJoin(join) => vec![&mut join.left, &mut join.right],
            R::NearestBy(join) => vec![&mut join.left, &mut join.right],
            R::Table { .. }
            | R::TableAsOf { .. }
            | R::DataSource(_)
            | R::Local { .. }
            | R::Values { .. }
            | R::OneRow
            | R::Range { .. }
            | R::TableFunction { .. }
            | R::InlineTableFunction(_)
            | R::Cached { .. }
            | R::Catalog(_)
            | R::Command(_) => Vec::new(),
        }
    }

    /// Calls `visit` with each expression of this relation itself.
    fn expressions<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        use RelationKind as R;
        let orders = |orders: &'a [SortOrder], visit: &mut dyn FnMut(&'a Expr)| {
            orders.iter().for_each(|order| visit(&order.expr));
        };
        match &self.kind {
            R::Project { expressions, .. } | R::RepartitionByExpression { expressions, .. } => {
                expressions.iter().for_each(visit);
            }
            R::Filter { condition, .. } | R::Qualify { condition, .. } => visit(condition),
            R::Aggregate { grouping, aggregates, having, .. } => {
                for element in grouping {
                    match element {
                        GroupingElement::Expr(expr) => visit(expr),
                        GroupingElement::Rollup(sets) | GroupingElement::Cube(sets) | GroupingElement::Sets(sets) => {
                            sets.iter().flatten().for_each(&mut *visit);
                        }
                        GroupingElement::All => {}
                    }
                }
                aggregates.iter().chain(having).for_each(visit);
            }
            R::Sort { order, .. } => orders(order, visit),
            R::Limit { limit: expr, .. } | R::Offset { offset: expr, .. } => visit(expr),
            R::WithColumns { columns, .. } | R::Drop { columns, .. } => columns.iter().for_each(visit),
            R::LateralView { generator, .. } => visit(generator),
            R::Values { rows } => rows.iter().flatten().for_each(visit),
            R::TableFunction { arguments, .. } => arguments.iter().for_each(visit),
            R::CollectMetrics { metrics, .. } => metrics.iter().for_each(visit),
            R::Join { condition, .. } => condition.iter().for_each(visit),
            R::Pivot { aggregates, .. } => aggregates.iter().for_each(visit),
            _ => {}
        }
    }
}

impl Expr {
    /// Visits the relations of all subqueries in this expression.
    pub fn walk_relations<'a>(&'a self, visit: &mut dyn FnMut(&'a Relation)) {
        match self {
            Self::ScalarSubquery(relation) | Self::Exists(relation) => relation.walk(visit),
            Self::InSubquery { values, relation } => {
                values.iter().for_each(|value| value.walk_relations(visit));
                relation.walk(visit);
            }
            Self::TableArgument { relation, .. } => relation.walk(visit),
            Self::Function(call) => {
                call.arguments.iter().chain(call.filter.as_deref()).for_each(|expr| expr.walk_relations(visit));
                call.within_group.iter().for_each(|order| order.expr.walk_relations(visit));
            }
            Self::Alias { expr, .. } | Self::Cast { expr, .. } | Self::Located { expr, .. } => {
                expr.walk_relations(visit);
            }
            Self::Sort(order) => order.expr.walk_relations(visit),
            Self::Lambda { body, .. } => body.walk_relations(visit),
            Self::Window { function, spec } => {
                function.walk_relations(visit);
                spec.partition_by.iter().for_each(|expr| expr.walk_relations(visit));
                spec.order_by.iter().for_each(|order| order.expr.walk_relations(visit));
                for bound in spec.frame.iter().flat_map(|frame| [&frame.lower, &frame.upper]) {
                    if let FrameBound::Value(expr) = bound {
                        expr.walk_relations(visit);
                    }
                }
            }
            Self::ExtractValue { child, extraction } => {
                child.walk_relations(visit);
                extraction.walk_relations(visit);
            }
            Self::UpdateField { child, value, .. } => {
                child.walk_relations(visit);
                value.iter().for_each(|value| value.walk_relations(visit));
            }
            Self::NamedArgument { value, .. } => value.walk_relations(visit),
            Self::Inline(function) => function.arguments.iter().for_each(|expr| expr.walk_relations(visit)),
            Self::Literal(_)
            | Self::Attribute { .. }
            | Self::Star { .. }
            | Self::Regex { .. }
            | Self::LambdaVariable(_) => {}
        }
    }
}
