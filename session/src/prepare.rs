//! What a query must know of its data before it can be resolved: the values of a pivot that names none, the columns of a
//! transposed frame.

use firesteel_connect::engine::ProgressSink;
use firesteel_spec::{DataType, Expr, Pivot, PivotValue, Relation, RelationKind, SortOrder, SparkError, SparkResult};
use futures::future::BoxFuture;

use crate::reshape;
use crate::session::SparkSession;

impl SparkSession {
    /// The relation with the values of its pivots, and without cross tables and transposed frames.
    pub(crate) async fn prepared(&self, relation: &Relation) -> SparkResult<Relation> {
        let mut needed = false;
        relation.walk(&mut |relation| needed |= is_open(relation));
        if !needed {
            return Ok(relation.clone());
        }
        let mut relation = relation.clone();
        self.prepare(&mut relation).await?;
        Ok(relation)
    }

    fn prepare<'a>(&'a self, relation: &'a mut Relation) -> BoxFuture<'a, SparkResult<()>> {
        Box::pin(async move {
            for input in relation.inputs_mut() {
                self.prepare(input).await?;
            }
            match &relation.kind {
                RelationKind::Crosstab { input, left, right } => {
                    relation.kind = reshape::crosstab(input, left, right);
                    for input in relation.inputs_mut() {
                        self.fill_pivot(input).await?;
                    }
                    Ok(())
                }
                RelationKind::Transpose { input, index } => {
                    relation.kind = self.transposed(input, index).await?;
                    Ok(())
                }
                _ => self.fill_pivot(relation).await,
            }
        })
    }

    async fn fill_pivot(&self, relation: &mut Relation) -> SparkResult<()> {
        let Some((input, pivot)) = open_pivot(relation) else { return Ok(()) };
        let found = self.pivot_values(input, pivot).await?;
        if let RelationKind::Aggregate { pivot: Some(pivot), .. } | RelationKind::Pivot { pivot, .. } =
            &mut relation.kind
        {
            pivot.values = found;
        }
        Ok(())
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

/// Do its columns depend on its data?
fn is_open(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Crosstab { .. } | RelationKind::Transpose { .. })
        || open_pivot(relation).is_some()
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
