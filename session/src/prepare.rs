//! What a query must know of its data before it can be resolved: the values of a pivot that names none.

use firesteel_connect::engine::ProgressSink;
use firesteel_spec::{DataType, Expr, Pivot, PivotValue, Relation, RelationKind, SortOrder, SparkError, SparkResult};
use futures::future::BoxFuture;

use crate::session::SparkSession;

impl SparkSession {
    /// The relation with the values of its pivots.
    pub(crate) async fn prepared(&self, relation: &Relation) -> SparkResult<Relation> {
        let mut needed = false;
        relation.walk(&mut |relation| needed |= open_pivot(relation).is_some());
        if !needed {
            return Ok(relation.clone());
        }
        let mut relation = relation.clone();
        self.fill_pivots(&mut relation).await?;
        Ok(relation)
    }

    fn fill_pivots<'a>(&'a self, relation: &'a mut Relation) -> BoxFuture<'a, SparkResult<()>> {
        Box::pin(async move {
            if let Some(input) = only_input(relation) {
                self.fill_pivots(input).await?;
            }
            let Some((input, pivot)) = open_pivot(relation) else { return Ok(()) };
            let values = self.pivot_values(input, pivot).await?;
            match &mut relation.kind {
                RelationKind::Aggregate { pivot: Some(pivot), .. } | RelationKind::Pivot { pivot, .. } => {
                    pivot.values = values;
                }
                _ => {}
            }
            Ok(())
        })
    }

    async fn pivot_values(&self, input: &Relation, pivot: &Pivot) -> SparkResult<Vec<PivotValue>> {
        let [column] = pivot.columns.as_slice() else {
            return Err(SparkError::unsupported("a pivot of several columns without values"));
        };
        let max = self.resolve_options().pivot_values_max;
        let column = column.clone().alias("value");
        let distinct = RelationKind::Deduplicate {
            input: Box::new(RelationKind::Project { input: Box::new(input.clone()), expressions: vec![column] }.into()),
            columns: None,
            within_watermark: false,
        };
        let sorted = RelationKind::Sort {
            input: Box::new(distinct.into()),
            order: vec![SortOrder::ascending(Expr::attribute("value"))],
            global: true,
        };
        let rows = self.rows(&crate::query::limited(&sorted.into(), max + 1), &ProgressSink::default()).await?;
        let DataType::Struct { fields } = rows.schema.clone() else { return Ok(Vec::new()) };
        let data_type = fields.first().map_or(DataType::Null, |field| field.data_type.clone());
        let batches = rows.collect().await?;
        let mut values = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                values.push(PivotValue {
                    value: crate::query::value_of(batch.column(0), row, &data_type)?.into(),
                    alias: None,
                });
            }
        }
        if values.len() > max {
            return Err(SparkError::new(
                "PIVOT_TOO_MANY_VALUES",
                format!("the pivot's column has more than {max} values; name those that you want"),
            ));
        }
        Ok(values)
    }
}

/// The input and the pivot, if it has no values.
fn open_pivot(relation: &Relation) -> Option<(&Relation, &Pivot)> {
    match &relation.kind {
        RelationKind::Aggregate { input, pivot: Some(pivot), .. } | RelationKind::Pivot { input, pivot, .. } => {
            pivot.values.is_empty().then_some((input, pivot))
        }
        _ => None,
    }
}

/// The input of a relation that has one, to change it.
fn only_input(relation: &mut Relation) -> Option<&mut Relation> {
    use RelationKind as R;
    match &mut relation.kind {
        R::Project { input, .. }
        | R::Filter { input, .. }
        | R::Aggregate { input, .. }
        | R::Pivot { input, .. }
        | R::Sort { input, .. }
        | R::Limit { input, .. }
        | R::Offset { input, .. }
        | R::Tail { input, .. }
        | R::Deduplicate { input, .. }
        | R::SubqueryAlias { input, .. }
        | R::ToDf { input, .. }
        | R::RenameColumns { input, .. }
        | R::WithColumns { input, .. }
        | R::Drop { input, .. }
        | R::FillNa { input, .. }
        | R::DropNa { input, .. }
        | R::ShowString { input, .. }
        | R::HtmlString { input, .. } => Some(input),
        _ => None,
    }
}
