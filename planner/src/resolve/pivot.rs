//! Pivots: groups of the grouping and the pivot's columns first, then a column for each value.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr as DfExpr;
use firesteel_functions::{Typed, cast};
use firesteel_spec::{DataType, Expr, GroupingElement, Pivot, SparkError, SparkResult};

use super::attribute::{Attribute, Scope};
use super::expression::has_aggregate;
use super::project::Item;
use super::{Resolved, Resolver, plan_error};

impl Resolver<'_> {
    pub fn pivot(
        &self,
        input: Resolved,
        grouping: Option<&[GroupingElement]>,
        aggregates: &[Expr],
        pivot: &Pivot,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        if pivot.values.is_empty() {
            return Err(SparkError::internal("the values of a pivot were not looked up"));
        }
        let elements = match grouping {
            Some(grouping) => grouping.to_vec(),
            None => self.ungrouped(&input, aggregates, pivot, outer)?,
        };
        let groups = elements.len();
        let mut elements = elements;
        elements.extend(pivot.columns.iter().cloned().map(GroupingElement::Expr));
        let grouped = self.aggregate(input, &elements, aggregates, None, true, outer)?;
        let (keys, rest) = grouped.output.split_at(groups);
        let (pivoted, aggregated) = rest.split_at(pivot.columns.len());
        let (keys, pivoted, aggregated) = (keys.to_vec(), pivoted.to_vec(), aggregated.to_vec());
        let mut items: Vec<Item> = Vec::new();
        for value in &pivot.values {
            let (matches, shown) = self.pivot_condition(&pivoted, &value.value)?;
            for (aggregate, expr) in aggregated.iter().zip(aggregates) {
                let first = self.call("first", vec![aggregate.typed()])?;
                let filtered = with_filter(first, &matches)?;
                let shown = value.alias.clone().unwrap_or_else(|| shown.clone());
                let own = super::output_names::own_name(expr).unwrap_or_else(|| aggregate.name.clone());
                let name = if aggregated.len() == 1 { shown } else { format!("{shown}_{own}") };
                let typed = Typed { nullable: true, data_type: aggregate.data_type.clone(), ..filtered };
                items.push(Item::named(super::aggregate::with_declared_type(typed), name));
            }
        }
        let key_items: Vec<Item> = keys.iter().map(Item::column).collect();
        self.aggregate_by(grouped, key_items, items)
    }

    /// The columns that SQL's `PIVOT` groups by: those that it names nowhere.
    fn ungrouped(
        &self,
        input: &Resolved,
        aggregates: &[Expr],
        pivot: &Pivot,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Vec<GroupingElement>> {
        let scope = Scope::of(&input.output, &input.hidden, outer);
        let mut used = Vec::new();
        for expr in aggregates.iter().chain(&pivot.columns) {
            let typed = self.expr(expr, &scope)?;
            used.extend(typed.expr.column_refs().into_iter().map(|column| column.name.clone()));
        }
        let rest = input.output.iter().filter(|column| !used.contains(&column.id));
        Ok(rest
            .map(|column| {
                let mut name = column.qualifier.last().into_iter().cloned().collect::<Vec<_>>();
                name.push(column.name.clone());
                GroupingElement::Expr(Expr::Attribute { name, plan_id: None, metadata_column: false })
            })
            .collect())
    }

    /// Is the pivot's column this value? And how the value is written in a column's name.
    fn pivot_condition(&self, columns: &[Attribute], value: &Expr) -> SparkResult<(Typed, String)> {
        let value = self.expr(value, &Scope::empty(None))?;
        if has_aggregate(&value.expr) || !value.expr.column_refs().is_empty() {
            return Err(SparkError::new(
                "NON_LITERAL_PIVOT_VALUES",
                format!("the value {} of a pivot is no constant", value.name),
            )
            .with("expression", format!("\"{}\"", value.name)));
        }
        let shown = self.shown_value(&value)?;
        let column = match columns {
            [column] => column.typed(),
            several => {
                let pairs = several.iter().flat_map(|column| [Typed::string(&column.name), column.typed()]).collect();
                self.call("named_struct", pairs)?
            }
        };
        let value = super::aggregate::as_type(self, value, &column.data_type).map_err(|_| {
            SparkError::new("PIVOT_VALUE_DATA_TYPE_MISMATCH", "a value of a pivot has another type than its column")
        })?;
        Ok((self.call("<=>", vec![column, value])?, shown))
    }

    fn shown_value(&self, value: &Typed) -> SparkResult<String> {
        if value.value().is_some_and(datafusion::common::ScalarValue::is_null) {
            return Ok("null".to_owned());
        }
        let evaluation = firesteel_functions::CastEvaluation::Legacy;
        let shown = cast(value.clone(), &DataType::STRING, evaluation, self.settings())?;
        let folded = match shown.text() {
            Some(text) => Some(text.to_owned()),
            None => super::expression::fold(&shown.expr)
                .and_then(|value| Typed::literal(value, DataType::STRING, "").text().map(str::to_owned)),
        };
        Ok(folded.unwrap_or_else(|| value.name.clone()))
    }
}

fn with_filter(typed: Typed, condition: &Typed) -> SparkResult<Typed> {
    let expr = typed.expr.transform_up(|expr| {
        let DfExpr::AggregateFunction(mut aggregate) = expr else { return Ok(Transformed::no(expr)) };
        aggregate.params.filter = Some(Box::new(condition.expr.clone()));
        Ok(Transformed::yes(DfExpr::AggregateFunction(aggregate)))
    });
    Ok(Typed { expr: expr.map_err(plan_error)?.data, ..typed })
}
