//! Lists of expressions: `SELECT`, `withColumns` and what else gives columns.

use std::collections::HashSet;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder};
use firesteel_functions::{Typed, java_regex};
use firesteel_spec::{DataType, Expr, SparkError, SparkResult};

use super::attribute::{Attribute, Scope, quote, same_name};
use super::expression::has_aggregate;
use super::function::generator_of;
use super::output_names::output_name;
use super::{Resolved, Resolver, build, plan_error};

/// A column of a list.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub typed: Typed,
    pub name: String,
    pub metadata: Option<String>,
    /// The column itself, if this is nothing but a column.
    pub attribute: Option<Attribute>,
}

impl Item {
    /// A column as it is.
    pub fn column(attribute: &Attribute) -> Self {
        Self {
            typed: attribute.typed(),
            name: attribute.name.clone(),
            metadata: attribute.metadata.clone(),
            attribute: Some(attribute.clone()),
        }
    }

    pub fn named(typed: Typed, name: impl Into<String>) -> Self {
        Self { typed, name: name.into(), metadata: None, attribute: None }
    }
}

impl Resolver<'_> {
    pub fn project(&self, input: Resolved, list: &[Expr], outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        if list.iter().any(|expr| find_generator(expr).is_some()) {
            return self.project_with_generators(input, list, outer);
        }
        let mut items = self.items(&input, list, outer)?;
        let input = self.time_windows_below(input, &mut [], &mut [&mut items[..]])?;
        if items.iter().any(|item| has_aggregate(&item.typed.expr)) {
            return self.global_aggregate(input, items);
        }
        self.project_items(input, items)
    }

    /// The list's columns, with stars expanded. A name that is found nowhere may be an alias that came before.
    pub fn items(&self, input: &Resolved, list: &[Expr], outer: Option<&Scope<'_>>) -> SparkResult<Vec<Item>> {
        self.items_with(input, list, Vec::new(), outer)
    }

    /// [`Self::items`], with names that the list may use beside the input's.
    pub fn items_with(
        &self,
        input: &Resolved,
        list: &[Expr],
        mut aliases: Vec<(String, Typed)>,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Vec<Item>> {
        let mut items = Vec::with_capacity(list.len());
        for expr in list {
            let scope = Scope { aliases: &aliases, ..Scope::of(&input.output, &input.hidden, outer) };
            if matches!(expr.unlocated(), Expr::Star { .. } | Expr::Regex { .. }) {
                items.extend(self.expand(expr, &scope)?);
                continue;
            }
            let item = self.item(expr, &scope)?;
            if matches!(expr.unlocated(), Expr::Alias { .. }) {
                aliases.push((item.name.clone(), item.typed.clone()));
            }
            items.push(item);
        }
        Ok(items)
    }

    pub fn item(&self, expr: &Expr, scope: &Scope<'_>) -> SparkResult<Item> {
        let typed = self.expr(expr, scope)?;
        let name = output_name(expr, &typed);
        let mut metadata = match expr.unlocated() {
            Expr::Alias { metadata, .. } => metadata.clone(),
            _ => None,
        };
        let column =
            column_id(&typed.expr).and_then(|id| scope.output.iter().chain(scope.hidden).find(|own| own.id == id));
        if metadata.is_none() {
            metadata = column.and_then(|column| column.metadata.clone());
        }
        let renamed = matches!(expr.unlocated(), Expr::Alias { .. });
        // The name as it is written here, which may differ by the case of its letters.
        let named = |column: &Attribute| Attribute { name: name.clone(), ..column.clone() };
        let attribute = if renamed { None } else { column.map(named) };
        Ok(Item { typed, name, metadata, attribute })
    }

    /// A projection of columns that hold no aggregate: windows first, then the rest.
    pub fn project_items(&self, input: Resolved, items: Vec<Item>) -> SparkResult<Resolved> {
        let (input, items) = self.windows_below(input, items)?;
        let mut taken = HashSet::new();
        let mut columns = Vec::with_capacity(items.len());
        let mut output = Vec::with_capacity(items.len());
        for item in items {
            let reused = match (&item.attribute, column_id(&item.typed.expr)) {
                (Some(attribute), Some(id)) if attribute.id == id && taken.insert(id.to_owned()) => {
                    Some(attribute.clone())
                }
                _ => None,
            };
            match reused {
                Some(attribute) => {
                    columns.push(attribute.column());
                    output.push(Attribute { metadata: item.metadata, ..attribute });
                }
                None => {
                    let attribute = self.attribute_of(&item);
                    columns.push(item.typed.expr.alias(&attribute.id));
                    output.push(attribute);
                }
            }
        }
        let plan = build(LogicalPlanBuilder::new(input.plan).project(columns))?;
        Ok(Resolved::new(plan, output))
    }

    /// A new column for an item of a list.
    pub fn attribute_of(&self, item: &Item) -> Attribute {
        let mut attribute =
            Attribute::new(self.fresh_id(), &item.name, item.typed.data_type.clone(), item.typed.nullable);
        attribute.metadata.clone_from(&item.metadata);
        if let Some(old) = &item.attribute {
            attribute.qualifier.clone_from(&old.qualifier);
            attribute.plan_ids.clone_from(&old.plan_ids);
        }
        attribute
    }

    /// The columns that a star or a pattern means.
    pub fn expand(&self, expr: &Expr, scope: &Scope<'_>) -> SparkResult<Vec<Item>> {
        let sensitive = self.options.case_sensitive;
        match expr.unlocated() {
            Expr::Star { target, plan_id, except } => {
                let mut columns: Vec<Item> = match target {
                    None => scope.output.iter().map(Item::column).collect(),
                    Some(target) => self.star_of(target, scope)?,
                };
                if let Some(plan_id) = plan_id {
                    columns
                        .retain(|column| column.attribute.as_ref().is_some_and(|own| own.plan_ids.contains(plan_id)));
                }
                for name in except {
                    let before = columns.len();
                    columns.retain(|column| name.last().is_none_or(|last| !same_name(&column.name, last, sensitive)));
                    if columns.len() == before {
                        return Err(SparkError::new(
                            "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                            format!("EXCEPT names {}, which is no column", quote(name)),
                        )
                        .with("objectName", quote(name)));
                    }
                }
                Ok(columns)
            }
            Expr::Regex { pattern, plan_id, .. } => {
                let flags = if sensitive { "" } else { "(?i)" };
                let matches_name = java_regex(&format!("{flags}^(?:{pattern})$")).ok_or_else(|| {
                    SparkError::new("INVALID_PARAMETER_VALUE.PATTERN", format!("{pattern} is no regular expression"))
                        .with("parameter", "colName")
                        .with("value", format!("'{pattern}'"))
                })?;
                let matches = scope.output.iter().filter(|column| {
                    matches_name(&column.name) && plan_id.is_none_or(|plan_id| column.plan_ids.contains(&plan_id))
                });
                Ok(matches.map(Item::column).collect())
            }
            _ => Err(SparkError::internal("neither a star nor a pattern")),
        }
    }

    /// `t.*`: the columns of a table, or the fields of a struct.
    fn star_of(&self, target: &[String], scope: &Scope<'_>) -> SparkResult<Vec<Item>> {
        let sensitive = self.options.case_sensitive;
        let matches = |column: &&Attribute| {
            target.len() <= column.qualifier.len()
                && column
                    .qualifier
                    .iter()
                    .rev()
                    .zip(target.iter().rev())
                    .all(|(own, asked)| same_name(own, asked, sensitive))
        };
        let columns: Vec<Item> = scope.output.iter().filter(matches).map(Item::column).collect();
        if !columns.is_empty() {
            return Ok(columns);
        }
        let found = scope.find(target, None, sensitive).map_err(|_| {
            let known: Vec<_> = scope.output.iter().map(|column| column.name.clone()).collect();
            SparkError::new(
                "CANNOT_RESOLVE_STAR_EXPAND",
                format!(
                    "{}.* names neither a table nor a struct; there are the columns {}",
                    quote(target),
                    known.join(", ")
                ),
            )
            .with("targetString", quote(target))
            .with("columns", known.join(", "))
        })?;
        let DataType::Struct { fields } = &found.typed.data_type else {
            return Err(SparkError::new("CANNOT_RESOLVE_STAR_EXPAND", format!("{}.* is no struct", quote(target))));
        };
        fields
            .iter()
            .map(|field| {
                let typed = self.call("extract_value", vec![found.typed.clone(), Typed::string(&field.name)])?;
                Ok(Item { typed, name: field.name.clone(), metadata: field.metadata.clone(), attribute: None })
            })
            .collect()
    }

    /// Computes the windows of a list below it; the list then names their columns.
    pub fn windows_below(&self, input: Resolved, items: Vec<Item>) -> SparkResult<(Resolved, Vec<Item>)> {
        let mut windows: Vec<DfExpr> = Vec::new();
        let mut replaced = Vec::with_capacity(items.len());
        for item in items {
            let expr = item.typed.expr.clone().transform_up(|expr| {
                if !matches!(expr, DfExpr::WindowFunction(_)) {
                    return Ok(Transformed::no(expr));
                }
                // DataFusion names a window's column by its expression, and takes no alias for it.
                let column = DfExpr::Column(Column::new_unqualified(expr.schema_name().to_string()));
                if !windows.contains(&expr) {
                    windows.push(expr);
                }
                Ok(Transformed::yes(column))
            });
            let expr = expr.map_err(plan_error)?.data;
            replaced.push(Item { typed: Typed { expr, ..item.typed }, ..item });
        }
        if windows.is_empty() {
            return Ok((input, replaced));
        }
        let plan = LogicalPlanBuilder::window_plan(input.plan.clone(), windows).map_err(plan_error)?;
        Ok((Resolved { plan, ..input }, replaced))
    }
}

/// The id of a plan's column, if an expression is nothing else.
pub(crate) fn column_id(expr: &DfExpr) -> Option<&str> {
    match expr {
        DfExpr::Column(column) => Some(column.name.as_str()),
        _ => None,
    }
}

/// The generator that an item of a list calls, and the names that it is given.
pub(crate) fn find_generator(expr: &Expr) -> Option<(&Expr, &[String])> {
    match expr.unlocated() {
        Expr::Alias { expr, names, .. } => generator_of(expr).map(|_| (expr.as_ref(), names.as_slice())),
        expr => generator_of(expr).map(|_| (expr, &[][..])),
    }
}
