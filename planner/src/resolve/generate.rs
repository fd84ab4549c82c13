//! Generators: functions that make rows. Each gives an array of structs, which is unnested; see `Kind::Generator`.

use datafusion::common::{Column, NullHandling, UnnestOptions};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder};
use firesteel_functions::Typed;
use firesteel_spec::{DataType, Expr, FunctionCall, JoinKind, RelationKind, SparkError, SparkResult, StructField};

use super::attribute::{Attribute, Scope};
use super::function::generator_of;
use super::join::JoinSpec;
use super::project::{Item, find_generator};
use super::{Resolved, Resolver, build};

impl Resolver<'_> {
    /// A list with generators: their rows first, each with each, then the list over them.
    pub fn project_with_generators(
        &self,
        input: Resolved,
        list: &[Expr],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let generators: Vec<_> = list.iter().filter_map(find_generator).collect();
        let before = (input.output.clone(), input.hidden.clone());
        let mut rest = input;
        let mut made = Vec::with_capacity(generators.len());
        for (generator, names) in generators {
            let (generated, columns) = self.generate(rest, generator, names, None, outer)?;
            made.push(columns);
            rest = Resolved { output: before.0.clone(), hidden: before.1.clone(), ..generated };
        }
        let mut made = made.into_iter();
        let mut items = Vec::new();
        for expr in list {
            if find_generator(expr).is_some() {
                items.extend(made.next().unwrap_or_default().iter().map(Item::column));
            } else {
                items.extend(self.items(&rest, std::slice::from_ref(expr), outer)?);
            }
        }
        self.project_items(rest, items)
    }

    /// `LATERAL VIEW`, and a generator in `FROM`: the input's columns and then the generator's.
    pub fn lateral_view(
        &self,
        input: Resolved,
        generator: &Expr,
        keeps_all: bool,
        table: Option<&str>,
        columns: &[String],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let (mut output, hidden) = (input.output.clone(), input.hidden.clone());
        let (generated, mut new) = self.generate(input, generator, columns, keeps_all.then_some(true), outer)?;
        if let Some(table) = table {
            new.iter_mut().for_each(|column| column.qualifier = vec![table.to_owned()]);
        }
        output.extend(new);
        Ok(Resolved { plan: generated.plan, output, hidden })
    }

    /// `LATERAL explode(…)`: a generator over the columns of the left side.
    pub fn generator_join(
        &self,
        left: &Resolved,
        join: &JoinSpec<'_>,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Option<Resolved>> {
        if join.kind != JoinKind::LeftOuter
            && join.condition.is_none()
            && let RelationKind::Project { input, expressions } = &join.right.kind
        {
            // A list over a generator: the generator first, then the list over its columns.
            let below = JoinSpec { right: input, ..*join };
            let Some(view) = self.generator_join(left, &below, outer)? else { return Ok(None) };
            return self.list_beside(left, view, expressions, outer).map(Some);
        }
        if let RelationKind::SubqueryAlias { input, alias, columns, .. } = &join.right.kind
            && matches!(input.kind, RelationKind::Project { .. })
        {
            let below = JoinSpec { right: input, ..*join };
            let Some(mut view) = self.generator_join(left, &below, outer)? else { return Ok(None) };
            for (index, column) in view.output.iter_mut().skip(left.output.len()).enumerate() {
                column.qualifier = vec![alias.clone()];
                if let Some(name) = columns.get(index) {
                    column.name.clone_from(name);
                }
            }
            return Ok(Some(view));
        }
        let (function, table, columns) = match &join.right.kind {
            RelationKind::SubqueryAlias { input, alias, columns, .. } => {
                (input, Some(alias.as_str()), columns.as_slice())
            }
            _ => (&Box::new(join.right.clone()), None, &[][..]),
        };
        if let Some(python) = self.python_table_of(function) {
            let mut joined = self.python_join(left, join, &python, outer)?;
            for (index, column) in joined.output.iter_mut().skip(left.output.len()).enumerate() {
                if let Some(table) = table {
                    column.qualifier = vec![table.to_owned()];
                }
                if let Some(name) = columns.get(index) {
                    column.name.clone_from(name);
                }
            }
            return Ok(Some(joined));
        }
        let RelationKind::TableFunction { name, arguments } = &function.kind else { return Ok(None) };
        let call = FunctionCall { name: name.clone(), arguments: arguments.clone(), ..FunctionCall::default() };
        let call = Expr::Function(call);
        let Some((name, _)) = generator_of(&call) else { return Ok(None) };
        if join.condition.is_some() {
            return Err(SparkError::unsupported("a condition of a lateral join with a generator"));
        }
        let keeps_all = name.ends_with("_outer") || join.kind == JoinKind::LeftOuter;
        self.lateral_view(left.clone(), &call, keeps_all, table, columns, outer).map(Some)
    }

    /// The columns of the left side, and a list over those that were generated for it.
    fn list_beside(
        &self,
        left: &Resolved,
        view: Resolved,
        list: &[Expr],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let count = left.output.len();
        let generated = Resolved {
            plan: view.plan.clone(),
            output: view.output.get(count..).unwrap_or_default().to_vec(),
            hidden: view.output.iter().take(count).cloned().collect(),
        };
        let mut items: Vec<Item> = generated.hidden.iter().map(Item::column).collect();
        items.extend(self.items(&generated, list, outer)?);
        self.project_items(view, items)
    }

    /// The input's plan with the generator's columns beside its own.
    fn generate(
        &self,
        input: Resolved,
        generator: &Expr,
        names: &[String],
        keeps_all: Option<bool>,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<(Resolved, Vec<Attribute>)> {
        let (name, _) = generator_of(generator)
            .ok_or_else(|| SparkError::new("UNRESOLVED_TABLE_VALUED_FUNCTION", "the function makes no rows"))?;
        let keeps_all = keeps_all.unwrap_or_else(|| name.ends_with("_outer"));
        self.is_generated.set(true);
        let typed = self.expr(generator, &Scope::of(&input.output, &input.hidden, outer));
        self.is_generated.set(false);
        let typed = typed?;
        self.unnested(input, typed, &name, names, keeps_all)
    }

    /// The input's plan with the fields of an array of structs, which the input's columns give, beside its columns.
    pub fn unnested(
        &self,
        input: Resolved,
        typed: Typed,
        name: &str,
        names: &[String],
        keeps_all: bool,
    ) -> SparkResult<(Resolved, Vec<Attribute>)> {
        let fields = generated_fields(&typed)?;
        let new = self.generated_attributes(name, &fields, names)?;
        let list = self.fresh_id();
        let mut below: Vec<DfExpr> = input.plan.schema().columns().into_iter().map(DfExpr::Column).collect();
        let mut above = below.clone();
        below.push(typed.expr.alias(&list));
        let handling = if keeps_all { NullHandling::PreserveAndExpandEmpty } else { NullHandling::Drop };
        let options = UnnestOptions { null_handling: handling, ..UnnestOptions::default() };
        let element = Typed::new(
            DfExpr::Column(Column::new_unqualified(&list)),
            DataType::Struct { fields: fields.clone() },
            keeps_all,
            "",
        );
        for (field, attribute) in fields.iter().zip(&new) {
            let column = self.call("extract_value", vec![element.clone(), Typed::string(&field.name)])?;
            above.push(column.expr.alias(&attribute.id));
        }
        let builder = LogicalPlanBuilder::new(input.plan)
            .project(below)
            .and_then(|builder| builder.unnest_column_with_options(Column::new_unqualified(&list), options))
            .and_then(|builder| builder.project(above));
        let new =
            new.into_iter().map(|column| Attribute { nullable: column.nullable || keeps_all, ..column }).collect();
        Ok((Resolved { plan: build(builder)?, ..input }, new))
    }

    fn generated_attributes(
        &self,
        generator: &str,
        fields: &[StructField],
        names: &[String],
    ) -> SparkResult<Vec<Attribute>> {
        if !names.is_empty() && names.len() != fields.len() {
            return Err(SparkError::new(
                "UDTF_ALIAS_NUMBER_MISMATCH",
                format!("{generator} gives {} columns, and there are {} names for them", fields.len(), names.len()),
            )
            .with("aliasesSize", fields.len().to_string())
            .with("aliasesNames", names.join(",")));
        }
        Ok(fields
            .iter()
            .enumerate()
            .map(|(index, field)| {
                let name = names.get(index).unwrap_or(&field.name);
                Attribute::new(self.fresh_id(), name, field.data_type.clone(), field.nullable)
            })
            .collect())
    }
}

fn generated_fields(typed: &Typed) -> SparkResult<Vec<StructField>> {
    if let DataType::Array { element, .. } = &typed.data_type
        && let DataType::Struct { fields } = element.as_ref()
    {
        return Ok(fields.clone());
    }
    Err(SparkError::internal(format!("the generator {} gives {}", typed.name, typed.data_type)))
}
