//! What DataFrames do beyond SQL: columns added, renamed and dropped, missing values, pivots.

use datafusion::logical_expr::LogicalPlanBuilder;
use firesteel_functions::{Typed, literal};
use firesteel_spec::{DataType, Expr, FunctionCall, Literal, Relation, RelationKind, SparkError, SparkResult, Unpivot};

use super::attribute::{Attribute, Scope, quote, same_name};
use super::project::Item;
use super::{Resolved, Resolver, build};

impl Resolver<'_> {
    pub fn frame_function(&self, kind: &RelationKind, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        use RelationKind as R;
        match kind {
            R::ToDf { input, names } => self.to_df(self.relation(input, outer)?, names),
            R::RenameColumns { input, renames } => Ok(self.rename(self.relation(input, outer)?, renames)),
            R::WithColumns { input, columns } => self.with_columns(self.relation(input, outer)?, columns, outer),
            R::Drop { input, columns, names } => self.drop(self.relation(input, outer)?, columns, names, outer),
            R::ToSchema { input, schema } => self.to_schema(self.relation(input, outer)?, schema),
            R::Deduplicate { input, columns, within_watermark: false } => {
                self.deduplicate(self.relation(input, outer)?, columns.as_deref())
            }
            R::Sample { input, lower, upper, with_replacement: false, seed } => {
                self.sample(input, *lower, *upper, seed.unwrap_or(0), outer)
            }
            R::FillNa { input, columns, values } => self.fill_na(self.relation(input, outer)?, columns, values),
            R::DropNa { input, columns, min_non_nulls } => {
                self.drop_na(self.relation(input, outer)?, columns, *min_non_nulls)
            }
            R::Replace { input, columns, replacements } => {
                self.replace(self.relation(input, outer)?, columns, replacements)
            }
            R::Unpivot(unpivot) => self.unpivot(unpivot, outer),
            other => self.statistics(other, outer),
        }
    }

    fn to_df(&self, input: Resolved, names: &[String]) -> SparkResult<Resolved> {
        if names.len() != input.output.len() {
            return Err(SparkError::new(
                "ASSIGNMENT_ARITY_MISMATCH",
                format!("there are {} names for {} columns", names.len(), input.output.len()),
            )
            .with("numExpr", names.len().to_string())
            .with("numTarget", input.output.len().to_string()));
        }
        let output =
            input.output.into_iter().zip(names).map(|(column, name)| Attribute { name: name.clone(), ..column });
        Ok(Resolved::new(input.plan, output.collect()))
    }

    fn rename(&self, mut input: Resolved, renames: &[(String, String)]) -> Resolved {
        for (from, to) in renames {
            for column in &mut input.output {
                if same_name(&column.name, from, self.options.case_sensitive) {
                    column.name.clone_from(to);
                }
            }
        }
        input
    }

    fn with_columns(&self, input: Resolved, columns: &[Expr], outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let mut items: Vec<Item> = input.output.iter().map(Item::column).collect();
        let sensitive = self.options.case_sensitive;
        let mut generator = None;
        for expr in columns {
            if super::project::find_generator(expr).is_some() {
                generator = Some(expr);
                continue;
            }
            let new = self.item(expr, &Scope::of(&input.output, &input.hidden, outer))?;
            let new = Item { attribute: None, ..new };
            let mut known = items.iter_mut().filter(|item| same_name(&item.name, &new.name, sensitive)).peekable();
            if known.peek().is_some() {
                known.for_each(|item| *item = new.clone());
            } else {
                items.push(new);
            }
        }
        if let Some(generator) = generator {
            let mut list: Vec<Expr> = vec![Expr::Star { target: None, plan_id: None, except: Vec::new() }];
            list.push(generator.clone());
            return self.project_with_generators(input, &list, outer);
        }
        self.project_items(input, items)
    }

    /// Leaves out columns; names that are none are no error.
    fn drop(
        &self,
        input: Resolved,
        columns: &[Expr],
        names: &[String],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let sensitive = self.options.case_sensitive;
        let scope = Scope::of(&input.output, &input.hidden, outer);
        let mut ids = Vec::new();
        for column in columns {
            match self.expr(column, &scope) {
                Ok(typed) => ids.extend(super::project::column_id(&typed.expr).map(str::to_owned)),
                Err(error) if error.class.contains("COLUMN") => {}
                Err(error) => return Err(error),
            }
        }
        let output = input
            .output
            .iter()
            .filter(|column| {
                !ids.contains(&column.id) && !names.iter().any(|name| same_name(name, &column.name, sensitive))
            })
            .cloned();
        Ok(Resolved { output: output.collect(), ..input })
    }

    /// The columns of a schema, by name, with its types.
    fn to_schema(&self, input: Resolved, schema: &DataType) -> SparkResult<Resolved> {
        let DataType::Struct { fields } = schema else {
            return Err(SparkError::invalid_plan("the schema of to() is no struct"));
        };
        let items = fields
            .iter()
            .map(|field| {
                let scope = Scope::of(&input.output, &[], None);
                let found = scope.find(std::slice::from_ref(&field.name), None, self.options.case_sensitive);
                let typed = match found {
                    Ok(found) => found.typed,
                    Err(_) if field.nullable => Typed::null(field.data_type.clone()),
                    Err(error) => return Err(error),
                };
                if typed.nullable && !field.nullable {
                    return Err(SparkError::new(
                        "NULLABLE_COLUMN_OR_FIELD",
                        format!("the column {} may be null, and the schema says that it is not", field.name),
                    )
                    .with("name", quote(std::slice::from_ref(&field.name))));
                }
                let (from, name) = (typed.data_type.clone(), field.name.clone());
                let cast = firesteel_functions::implicit_cast(typed, &field.data_type, self.settings());
                let typed = cast.ok_or_else(|| {
                    SparkError::new(
                        "INVALID_COLUMN_OR_FIELD_DATA_TYPE",
                        format!("the column {name} is {from}, and the schema says {}", field.data_type),
                    )
                    .with("name", quote(&[name]))
                    .with("type", format!("\"{from}\""))
                    .with("expectedType", format!("\"{}\"", field.data_type))
                })?;
                Ok(Item { metadata: field.metadata.clone(), ..Item::named(typed, &field.name) })
            })
            .collect::<SparkResult<Vec<_>>>()?;
        self.project_items(input, items)
    }

    fn deduplicate(&self, input: Resolved, columns: Option<&[String]>) -> SparkResult<Resolved> {
        let input = self.only_output(input)?;
        let Some(columns) = columns else {
            let plan = build(LogicalPlanBuilder::new(input.plan).distinct())?;
            return Ok(Resolved { plan, ..input });
        };
        let keys = self.columns_named(&input, columns)?;
        let (mut group_by, mut firsts, mut renamed) = (Vec::new(), Vec::new(), Vec::new());
        for column in &input.output {
            if keys.iter().any(|key| key.id == column.id) {
                group_by.push(column.column());
                renamed.push(column.column());
                continue;
            }
            let id = self.fresh_id();
            let first = datafusion::functions_aggregate::first_last::first_value(column.column(), Vec::new());
            firsts.push(first.alias(&id));
            let first = datafusion::logical_expr::Expr::Column(datafusion::common::Column::new_unqualified(id));
            renamed.push(first.alias(&column.id));
        }
        let builder = LogicalPlanBuilder::new(input.plan).aggregate(group_by, firsts);
        let plan = build(builder.and_then(|builder| builder.project(renamed)))?;
        Ok(Resolved::new(plan, input.output))
    }

    fn sample(
        &self,
        input: &Relation,
        lower: f64,
        upper: f64,
        seed: i64,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let resolved = self.relation(input, outer)?;
        let bounds = vec![Typed::double(lower), Typed::double(upper), Typed::long(seed)];
        let condition = self.call("rand_within", bounds)?;
        let plan = build(LogicalPlanBuilder::new(resolved.plan.clone()).filter(condition.expr))?;
        Ok(Resolved { plan, ..resolved })
    }

    /// The columns of these names; all if there are none.
    pub fn columns_named(&self, input: &Resolved, names: &[String]) -> SparkResult<Vec<Attribute>> {
        if names.is_empty() {
            return Ok(input.output.clone());
        }
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let before = columns.len();
            let sensitive = self.options.case_sensitive;
            columns.extend(input.output.iter().filter(|column| same_name(&column.name, name, sensitive)).cloned());
            if columns.len() == before {
                let scope = Scope::of(&input.output, &[], None);
                scope.find(std::slice::from_ref(name), None, sensitive)?;
            }
        }
        Ok(columns)
    }

    /// Nulls become the value that fits the column; columns of other types stay.
    fn fill_na(&self, input: Resolved, names: &[String], values: &[Literal]) -> SparkResult<Resolved> {
        let chosen = self.columns_named(&input, names)?;
        let items = input
            .output
            .iter()
            .map(|column| {
                let index = chosen.iter().position(|own| own.id == column.id);
                let value = index.and_then(|index| values.get(if values.len() == 1 { 0 } else { index }));
                let Some(value) = value.filter(|value| fills(value, &column.data_type)) else {
                    return Ok(Item::column(column));
                };
                let value = super::aggregate::as_type(self, literal(value, self.settings())?, &column.data_type)?;
                let present = if column.data_type.is_fractional() {
                    let null = Typed::null(column.data_type.clone());
                    self.call("nanvl", vec![column.typed(), null])?
                } else {
                    column.typed()
                };
                let typed = self.call("coalesce", vec![present, value])?;
                Ok(Item { metadata: column.metadata.clone(), ..Item::named(typed, &column.name) })
            })
            .collect::<SparkResult<Vec<_>>>()?;
        self.project_items(input, items)
    }

    fn drop_na(&self, input: Resolved, names: &[String], min_non_nulls: Option<usize>) -> SparkResult<Resolved> {
        let columns = self.columns_named(&input, names)?;
        let min = min_non_nulls.unwrap_or(columns.len());
        let mut present = Typed::int(0);
        for column in &columns {
            let typed = if column.data_type.is_fractional() {
                self.call("nanvl", vec![column.typed(), Typed::null(column.data_type.clone())])?
            } else {
                column.typed()
            };
            let is_there = self.call("isnotnull", vec![typed])?;
            let one = self.call("if", vec![is_there, Typed::int(1), Typed::int(0)])?;
            present = self.call("+", vec![present, one])?;
        }
        let enough = self.call(">=", vec![present, Typed::int(min as i32)])?;
        let plan = build(LogicalPlanBuilder::new(input.plan.clone()).filter(enough.expr))?;
        Ok(Resolved { plan, ..input })
    }

    fn replace(&self, input: Resolved, names: &[String], replacements: &[(Literal, Literal)]) -> SparkResult<Resolved> {
        let chosen = self.columns_named(&input, names)?;
        let items = input
            .output
            .iter()
            .map(|column| {
                let fits: Vec<_> = replacements.iter().filter(|(old, _)| fills(old, &column.data_type)).collect();
                if fits.is_empty() || chosen.iter().all(|own| own.id != column.id) {
                    return Ok(Item::column(column));
                }
                let mut branches = Vec::new();
                for (old, new) in fits {
                    let old = super::aggregate::as_type(self, literal(old, self.settings())?, &column.data_type)?;
                    let new = super::aggregate::as_type(self, literal(new, self.settings())?, &column.data_type)?;
                    branches.extend([self.call("==", vec![column.typed(), old])?, new]);
                }
                branches.push(column.typed());
                let typed = self.call("when", branches)?;
                Ok(Item { metadata: column.metadata.clone(), ..Item::named(typed, &column.name) })
            })
            .collect::<SparkResult<Vec<_>>>()?;
        self.project_items(input, items)
    }

    /// Columns to rows: `inline` of an array with a struct for each value.
    fn unpivot(&self, unpivot: &Unpivot, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        let input = self.relation(&unpivot.input, outer)?;
        let ids = match &unpivot.ids {
            Some(ids) => self.items(&input, ids, outer)?,
            None => Vec::new(),
        };
        let values: Vec<(String, Vec<Item>)> = match &unpivot.values {
            Some(values) => {
                let mut all = Vec::new();
                for value in values {
                    let items = self.items(&input, &value.columns, outer)?;
                    if unpivot.value_names.len() == 1 && items.len() > 1 {
                        // A star: a value for each column.
                        all.extend(items.into_iter().map(|item| (item.name.clone(), vec![item])));
                        continue;
                    }
                    let names: Vec<_> = items.iter().map(|item| item.name.clone()).collect();
                    all.push((value.alias.clone().unwrap_or_else(|| names.join("_")), items));
                }
                all
            }
            None => {
                let is_id = |column: &&Attribute| {
                    ids.iter().any(|id| id.attribute.as_ref().is_some_and(|own| own.id == column.id))
                };
                let rest = input.output.iter().filter(|column| !is_id(column));
                rest.map(|column| (column.name.clone(), vec![Item::column(column)])).collect()
            }
        };
        let ids = match unpivot.ids {
            Some(_) => ids,
            None => {
                let used: Vec<_> =
                    values.iter().flat_map(|(_, items)| items).filter_map(|item| item.attribute.as_ref()).collect();
                let rest = input.output.iter().filter(|column| used.iter().all(|own| own.id != column.id));
                rest.map(Item::column).collect()
            }
        };
        if values.is_empty() {
            return Err(SparkError::new("UNPIVOT_REQUIRES_VALUE_COLUMNS", "there is no column left to unpivot"));
        }
        for position in 0..unpivot.value_names.len() {
            let at = values.iter().filter_map(|(_, items)| items.get(position));
            let types: Vec<_> = at.map(|item| item.typed.data_type.clone()).collect();
            if self.mixes_texts(&types) {
                let types: Vec<String> = types.iter().map(ToString::to_string).collect();
                return Err(unpivot_mismatch(&types.join(", ")));
            }
        }
        let mut structs = Vec::with_capacity(values.len());
        for (name, items) in values {
            let mut pairs = vec![Typed::string(&unpivot.variable), Typed::string(&name)];
            for (value_name, item) in unpivot.value_names.iter().zip(items) {
                pairs.extend([Typed::string(value_name), item.typed]);
            }
            structs.push(self.call("named_struct", pairs)?);
        }
        let array = self.call("array", structs).map_err(|error| unpivot_mismatch(&error.message))?;
        let id = self.fresh_id();
        let mut items = ids;
        items.push(Item::named(array.clone(), &id));
        let visible = items.len() - 1;
        let below = self.project_items(input, items)?;
        let inline = Expr::Function(FunctionCall {
            name: vec!["inline".to_owned()],
            arguments: vec![Expr::attribute(&id)],
            ..FunctionCall::default()
        });
        let mut resolved = self.lateral_view(below, &inline, false, None, &[], outer)?;
        resolved.output.remove(visible);
        if !unpivot.include_nulls {
            let values = &resolved.output[visible + 1..];
            let mut any = Typed::boolean(false);
            for value in values {
                let present = self.call("isnotnull", vec![value.typed()])?;
                any = self.call("or", vec![any, present])?;
            }
            resolved.plan = build(LogicalPlanBuilder::new(resolved.plan).filter(any.expr))?;
        }
        Ok(resolved)
    }
}

fn unpivot_mismatch(types: &str) -> SparkError {
    SparkError::new(
        "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
        format!("the columns to unpivot have no type in common, and have to be cast to one: {types}"),
    )
    .with("types", types)
}

/// Does a value of `fillna` or `replace` go with columns of a type?
fn fills(value: &Literal, column: &DataType) -> bool {
    match value.data_type() {
        DataType::Boolean => *column == DataType::Boolean,
        text if text.is_string() => column.is_string(),
        number if number.is_numeric() => column.is_numeric(),
        DataType::Null => true,
        other => other == *column,
    }
}

/// A function of columns, for relations that are made of others.
pub(crate) fn function(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::function(name, arguments)
}
