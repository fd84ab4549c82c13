//! Frames whose columns depend on their data: cross tables and transposed frames, made of other relations once the data
//! has been asked.

use firesteel_connect::engine::ProgressSink;
use firesteel_functions::common_type;
use firesteel_spec::{
    DataType, Expr, GroupingElement, Literal, Pivot, Relation, RelationKind, SortOrder, SparkError, SparkResult,
    StructField, WindowSpec,
};

use crate::query::{limited, value_of};
use crate::session::SparkSession;

const ROW: &str = "firesteel row";
const POSITION: &str = "firesteel position";
const KEY: &str = "key";
const VALUE: &str = "firesteel value";

/// `crosstab`: counts of pairs, as a pivot whose values are still to be found.
pub(crate) fn crosstab(input: &Relation, left: &str, right: &str) -> RelationKind {
    let text_of = |column: &str| Expr::attribute(column).cast(DataType::STRING);
    let or_null = |column: &str, present: Expr| {
        let is_null = Expr::function("isnull", vec![Expr::attribute(column)]);
        Expr::function("if", vec![is_null, text("null"), present])
    };
    let without_quotes = Expr::function("replace", vec![text_of(right), text("`"), text("")]);
    let counted = RelationKind::Aggregate {
        input: Box::new(input.clone()),
        grouping: vec![GroupingElement::Expr(or_null(left, text_of(left)).alias(format!("{left}_{right}")))],
        aggregates: vec![Expr::function("count", vec![Literal::Integer(1).into()])],
        having: None,
        with_grouping: true,
        pivot: Some(Box::new(Pivot { columns: vec![or_null(right, without_quotes)], values: Vec::new() })),
    };
    let zero = vec![Literal::Long(0)];
    RelationKind::FillNa { input: Box::new(counted.into()), columns: Vec::new(), values: zero }
}

impl SparkSession {
    /// `transpose`: a row for each column but the index, a column for each value of the index.
    pub(crate) async fn transposed(&self, input: &Relation, index: &[Expr]) -> SparkResult<RelationKind> {
        let columns = self.resolved(input).await?.schema;
        let index = match index {
            [] => match columns.first() {
                Some(first) => Expr::attribute(&first.name),
                // Nothing to transpose.
                None => return Ok(input.kind.clone()),
            },
            [column] => column.clone(),
            _ => return Err(SparkError::invalid_plan("transpose takes one index column")),
        };
        let index_field = self.index_field(input, &index).await?;
        let names = self.index_values(input, &index).await?;
        let rest: Vec<&StructField> = columns.iter().filter(|column| column.name != index_field.name).collect();
        let types: Vec<DataType> = rest.iter().map(|column| column.data_type.clone()).collect();
        let common = least_common_type(&types, self.resolve_options().settings.ansi)?;
        Ok(by_position(input, &index, &rest, &common, &names))
    }

    async fn index_field(&self, input: &Relation, index: &Expr) -> SparkResult<StructField> {
        let only = RelationKind::Project { input: Box::new(input.clone()), expressions: vec![index.clone()] };
        let invalid = |reason: String| {
            SparkError::new(
                "TRANSPOSE_INVALID_INDEX_COLUMN",
                format!("Invalid index column for TRANSPOSE because: {reason}"),
            )
            .with("reason", reason)
        };
        let fields = self.resolved(&only.into()).await?.schema;
        match fields.into_iter().next() {
            Some(field) if !is_atomic(&field.data_type) => {
                let found = &field.data_type;
                Err(invalid(format!("Index column must be of atomic type, but found: {found}")))
            }
            Some(field) => Ok(field),
            None => Err(invalid("it gives no column".to_owned())),
        }
    }

    /// The texts of the index, in its order.
    async fn index_values(&self, input: &Relation, index: &Expr) -> SparkResult<Vec<String>> {
        let max = self.config.value("spark.sql.transposeMaxValues").and_then(|value| value.parse().ok()).unwrap_or(500);
        let sorted = RelationKind::Sort {
            input: Box::new(with_index(input, index)),
            order: vec![SortOrder::ascending(index.clone())],
            global: true,
        };
        let texts = RelationKind::Project {
            input: Box::new(limited(&sorted.into(), max + 1)),
            expressions: vec![index.clone().cast(DataType::STRING).alias("value")],
        };
        let batches = self.rows(&texts.into(), &ProgressSink::default()).await?.collect().await?;
        let mut names = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                if let Literal::String(name) = value_of(batch.column(0), row, &DataType::STRING)? {
                    names.push(name);
                }
            }
        }
        if names.len() > max {
            return Err(SparkError::new(
                "TRANSPOSE_EXCEED_ROW_LIMIT",
                format!("Number of rows exceeds the allowed limit of {max} for TRANSPOSE."),
            )
            .with("maxValues", max.to_string())
            .with("config", "spark.sql.transposeMaxValues"));
        }
        Ok(names)
    }
}

/// Rows that have an index.
fn with_index(input: &Relation, index: &Expr) -> Relation {
    let condition = Expr::function("isnotnull", vec![index.clone()]);
    RelationKind::Filter { input: Box::new(input.clone()), condition }.into()
}

/// The columns as rows in their order, and then for each of them the values of all rows.
fn by_position(
    input: &Relation,
    index: &Expr,
    rest: &[&StructField],
    common: &DataType,
    names: &[String],
) -> RelationKind {
    let integer = |value: usize| Expr::from(Literal::Integer(i32::try_from(value).unwrap_or(i32::MAX)));
    let number = Expr::Window {
        function: Box::new(Expr::function("row_number", Vec::new())),
        spec: Box::new(WindowSpec {
            partition_by: Vec::new(),
            order_by: vec![SortOrder::ascending(index.clone())],
            frame: None,
        }),
    };
    let cells = rest.iter().enumerate().map(|(position, column)| {
        let value = Expr::attribute(&column.name).cast(common.clone());
        let parts = vec![text(POSITION), integer(position), text(KEY), text(&column.name), text(VALUE), value];
        Expr::function("named_struct", parts)
    });
    let cells = Expr::function("inline", vec![Expr::function("array", cells.collect())]);
    let numbered =
        RelationKind::WithColumns { input: Box::new(with_index(input, index)), columns: vec![number.alias(ROW)] };
    let rows =
        RelationKind::Project { input: Box::new(numbered.into()), expressions: vec![Expr::attribute(ROW), cells] };
    let values = names.iter().enumerate().map(|(row, name)| {
        let is_here = Expr::function("==", vec![Expr::attribute(ROW), integer(row + 1)]);
        let null = Expr::from(Literal::Null(common.clone()));
        let value = Expr::function("if", vec![is_here, Expr::attribute(VALUE), null]);
        Expr::function("first", vec![value, Literal::Boolean(true).into()]).alias(name)
    });
    let aggregated = RelationKind::Aggregate {
        input: Box::new(rows.into()),
        grouping: vec![GroupingElement::Expr(Expr::attribute(POSITION)), GroupingElement::Expr(Expr::attribute(KEY))],
        aggregates: [Expr::attribute(POSITION), Expr::attribute(KEY)].into_iter().chain(values).collect(),
        having: None,
        with_grouping: false,
        pivot: None,
    };
    let sorted = RelationKind::Sort {
        input: Box::new(aggregated.into()),
        order: vec![SortOrder::ascending(Expr::attribute(POSITION))],
        global: true,
    };
    RelationKind::Drop { input: Box::new(sorted.into()), columns: Vec::new(), names: vec![POSITION.to_owned()] }
}

fn least_common_type(types: &[DataType], ansi: bool) -> SparkResult<DataType> {
    // A text and something else have no type in common here, other than in `coalesce`.
    let meet = |left: &DataType, right: &DataType| {
        (left.is_string() == right.is_string() || [left, right].contains(&&DataType::Null))
            && common_type(&[left.clone(), right.clone()], ansi).is_some()
    };
    let pair = types.iter().enumerate().find_map(|(index, left)| {
        types[index + 1..].iter().find(|right| !meet(left, right)).map(|right| (left, right))
    });
    if pair.is_none()
        && let Some(common) = common_type(types, ansi)
    {
        return Ok(common);
    }
    let (left, right) = pair.map(|(left, right)| (left.sql(), right.sql())).unwrap_or_default();
    Err(SparkError::new(
        "TRANSPOSE_NO_LEAST_COMMON_TYPE",
        format!("Transpose requires non-index columns to share a least common type, but {left} and {right} do not."),
    )
    .with("dt1", format!("\"{left}\""))
    .with("dt2", format!("\"{right}\"")))
}

fn is_atomic(data_type: &DataType) -> bool {
    !matches!(
        data_type,
        DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } | DataType::Variant | DataType::Null
    )
}

fn text(text: &str) -> Expr {
    Literal::String(text.to_owned()).into()
}
