//! Calls of functions: which one a name means, where it may stand, and its arguments, lambdas among them.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr as DfExpr;
use datafusion::logical_expr::expr::{Lambda, LambdaVariable, NullTreatment, Sort};
use firesteel_functions::{Call, Kind, Typed, default_name, lookup, to_field};
use firesteel_spec::{CastMode, DataType, Expr, FunctionCall, Origin, SparkError, SparkResult, StructField};

use super::attribute::{LambdaScope, Scope, quote};
use super::expression::has_aggregate;
use super::{Resolver, plan_error};

impl Resolver<'_> {
    /// A call of a function by its own name, with arguments that are resolved.
    pub fn call(&self, name: &str, arguments: Vec<Typed>) -> SparkResult<Typed> {
        let function = lookup(name).ok_or_else(|| unresolved_routine(&[name.to_owned()]))?;
        let settings = self.settings();
        let call = Call { name, arguments, distinct: false, ignore_nulls: None, within_group: Vec::new(), settings };
        (function.build)(&call)
    }

    pub(super) fn function(&self, call: &FunctionCall, scope: &Scope<'_>) -> SparkResult<Typed> {
        if let Some(function) = self.options.python.function(call) {
            return self.python_function(&function, scope);
        }
        let name = function_name(call)?;
        match name.as_str() {
            "struct" => return self.structure(call, scope),
            "not" => {
                if let [only] = call.arguments.as_slice()
                    && let Expr::InSubquery { values, relation } = only.unlocated()
                    && let Some(typed) = self.not_in_rows(values, relation, scope)?
                {
                    return Ok(typed);
                }
            }
            "grouping" | "grouping_id" if self.in_groups.get() => return self.grouping_marker(&name, call, scope),
            "grouping" | "grouping_id" => {
                return Err(SparkError::new(
                    "UNSUPPORTED_GROUPING_EXPRESSION",
                    "grouping() and grouping_id() need GROUPING SETS, CUBE or ROLLUP",
                ));
            }
            _ => {}
        }
        if let (Some(to), [value]) = (type_function(&name), call.arguments.as_slice()) {
            let cast = Expr::Cast { expr: Box::new(value.clone()), to, mode: CastMode::Session };
            // Unlike a cast, it is not shown.
            let shown = self.expr(value, scope)?.name;
            return Ok(self.expr(&cast, scope)?.named(shown));
        }
        let function = lookup(&name).ok_or_else(|| unresolved_routine(&call.name))?;
        let (is_over, is_generated) = (self.is_over.replace(false), self.is_generated.replace(false));
        expect_place(function.kind, &name, is_over, is_generated)?;
        if matches!(function.kind, Kind::Scalar | Kind::Generator)
            && (call.distinct || call.filter.is_some() || call.ignore_nulls.is_some())
        {
            return Err(SparkError::new(
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                format!("{name} takes no DISTINCT, FILTER or IGNORE NULLS: it is no aggregate function"),
            ));
        }
        let arguments = self.arguments(&name, call, scope)?;
        if function.kind == Kind::Aggregate && !is_over && arguments.iter().any(|one| has_aggregate(&one.expr)) {
            return Err(SparkError::new(
                "NESTED_AGGREGATE_FUNCTION",
                format!("{name} is given what another aggregate function answers; aggregate in a subquery first"),
            ));
        }
        let within_group = call
            .within_group
            .iter()
            .map(|order| {
                let typed = self.expr(&order.expr, scope)?;
                let sort = Sort::new(typed.expr.clone(), order.ascending, order.are_nulls_first());
                Ok((typed, sort))
            })
            .collect::<SparkResult<_>>()?;
        let built = (function.build)(&Call {
            name: &name,
            arguments,
            distinct: call.distinct,
            ignore_nulls: call.ignore_nulls,
            within_group,
            settings: self.settings(),
        })?;
        expect_shallow(&built.data_type)?;
        match function.kind {
            Kind::Aggregate => self.finish_aggregate(built, call, scope),
            _ => Ok(built),
        }
    }

    /// `DISTINCT`, `FILTER` and `IGNORE NULLS` for each aggregate in what a builder made, and its type as declared.
    fn finish_aggregate(&self, built: Typed, call: &FunctionCall, scope: &Scope<'_>) -> SparkResult<Typed> {
        let filter = call.filter.as_deref().map(|filter| self.expr(filter, scope)).transpose()?;
        if let Some(filter) = &filter
            && !matches!(filter.data_type, DataType::Boolean | DataType::Null)
        {
            return Err(SparkError::new(
                "INVALID_AGGREGATE_FILTER.NOT_BOOLEAN",
                format!("the FILTER {} is {}, not BOOLEAN", filter.name, filter.data_type),
            )
            .with("filterExpr", format!("\"{}\"", filter.name)));
        }
        let name = match &filter {
            Some(filter) => format!("{} FILTER (WHERE {})", built.name, filter.name),
            None => built.name.clone(),
        };
        let expr = built.expr.transform_up(|expr| {
            let DfExpr::AggregateFunction(mut aggregate) = expr else {
                return Ok(Transformed::no(expr));
            };
            aggregate.params.distinct |= call.distinct;
            if let Some(filter) = &filter {
                aggregate.params.filter.get_or_insert_with(|| Box::new(filter.expr.clone()));
            }
            if call.ignore_nulls == Some(true) {
                aggregate.params.null_treatment.get_or_insert(NullTreatment::IgnoreNulls);
            }
            Ok(Transformed::yes(DfExpr::AggregateFunction(aggregate)))
        });
        let expr = expr.map_err(plan_error)?.data;
        Ok(super::aggregate::with_declared_type(Typed { expr, name, ..built }))
    }

    /// The arguments, with stars expanded and lambdas resolved after the values that say their parameters' types.
    fn arguments(&self, name: &str, call: &FunctionCall, scope: &Scope<'_>) -> SparkResult<Vec<Typed>> {
        if let [only] = call.arguments.as_slice()
            && name == "count"
            && !call.distinct
            && matches!(only.unlocated(), Expr::Star { target: None, plan_id: None, .. })
        {
            return Ok(vec![Typed::int(1)]);
        }
        let mut arguments: Vec<Option<Typed>> = Vec::with_capacity(call.arguments.len());
        let mut lambdas = Vec::new();
        for argument in &call.arguments {
            match argument.unlocated() {
                Expr::Lambda { body, parameters } => {
                    lambdas.push((arguments.len(), body.as_ref(), parameters.as_slice()));
                    arguments.push(None);
                }
                Expr::Star { .. } | Expr::Regex { .. } => {
                    arguments.extend(self.expand(argument, scope)?.into_iter().map(|column| Some(column.typed)));
                }
                _ => arguments.push(Some(self.expr(argument, scope)?)),
            }
        }
        for (index, body, parameters) in lambdas {
            let types = firesteel_functions::lambda_parameters(name, &arguments, index, parameters.len())?;
            arguments[index] = Some(self.lambda(body, parameters, &types, scope)?);
        }
        Ok(arguments.into_iter().flatten().collect())
    }

    fn lambda(
        &self,
        body: &Expr,
        parameters: &[String],
        types: &[(DataType, bool)],
        scope: &Scope<'_>,
    ) -> SparkResult<Typed> {
        let mut variables = Vec::with_capacity(parameters.len());
        let mut names = Vec::with_capacity(parameters.len());
        for (parameter, (data_type, nullable)) in parameters.iter().zip(types) {
            // Unique, since lambdas nest.
            let id = self.fresh_id();
            let field = to_field(&StructField::new(&id, data_type.clone(), *nullable));
            let variable = DfExpr::LambdaVariable(LambdaVariable::new(id.clone(), Some(field)));
            let typed = Typed::new(variable, data_type.clone(), *nullable, "namedlambdavariable()");
            variables.push((parameter.clone(), typed));
            names.push(id);
        }
        let inner = LambdaScope { parameters: &variables, outer: scope.lambda };
        let body = self.expr(body, &Scope { lambda: Some(&inner), ..*scope })?;
        let shown = vec!["namedlambdavariable()"; names.len()].join(", ");
        let name = format!("lambdafunction({}, {shown})", body.name);
        let expr = DfExpr::Lambda(Lambda::new(names, body.expr));
        Ok(Typed::new(expr, body.data_type, body.nullable, name))
    }

    /// `struct(a, b + 1 AS c, …)`: fields have their columns' names, or `col1`, `col2`, … by position.
    fn structure(&self, call: &FunctionCall, scope: &Scope<'_>) -> SparkResult<Typed> {
        let mut pairs = Vec::new();
        let mut shown = Vec::new();
        for argument in &call.arguments {
            if matches!(argument.unlocated(), Expr::Star { .. } | Expr::Regex { .. }) {
                for column in self.expand(argument, scope)? {
                    shown.push(column.typed.clone());
                    pairs.extend([Typed::string(&column.name), column.typed]);
                }
                continue;
            }
            let typed = self.expr(argument, scope)?;
            let name = super::output_names::own_name(argument).unwrap_or_else(|| format!("col{}", pairs.len() / 2 + 1));
            shown.push(typed.clone());
            pairs.extend([Typed::string(&name), typed]);
        }
        let name = default_name("struct", &shown);
        self.call("named_struct", pairs).map(|typed| typed.named(name))
    }
}

/// The function's name in lower case, without the schema of built-in functions.
pub(crate) fn function_name(call: &FunctionCall) -> SparkResult<String> {
    match call.name.as_slice() {
        [name] => Ok(name.to_lowercase()),
        [schema, name] if ["builtin", "session"].contains(&schema.to_lowercase().as_str()) => Ok(name.to_lowercase()),
        [catalog, schema, name]
            if catalog.eq_ignore_ascii_case("system")
                && ["builtin", "session"].contains(&schema.to_lowercase().as_str()) =>
        {
            Ok(name.to_lowercase())
        }
        name => Err(unresolved_routine(name)),
    }
}

/// The type of a function that casts to it, such as `float(x)`.
fn type_function(name: &str) -> Option<DataType> {
    Some(match name {
        "boolean" => DataType::Boolean,
        "tinyint" => DataType::Byte,
        "smallint" => DataType::Short,
        "int" => DataType::Integer,
        "bigint" => DataType::Long,
        "float" => DataType::Float,
        "double" => DataType::Double,
        "decimal" => DataType::USER_DECIMAL,
        "string" => DataType::STRING,
        "binary" => DataType::Binary,
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp,
        _ => return None,
    })
}

fn unresolved_routine(name: &[String]) -> SparkError {
    SparkError::new("UNRESOLVED_ROUTINE", format!("there is no function {}", quote(name)))
        .with("routineName", quote(name))
        .with("searchPath", "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]")
}

/// Levels of arrays, maps and structs within each other. Arrow's own format for the wire holds hardly more.
const TYPE_LEVELS_MAX: usize = 64;

pub(super) fn expect_shallow(data_type: &DataType) -> SparkResult<()> {
    if !is_deeper(data_type, TYPE_LEVELS_MAX) {
        return Ok(());
    }
    Err(SparkError::unsupported(format!("a type of more than {TYPE_LEVELS_MAX} levels of arrays, maps and structs")))
}

fn is_deeper(data_type: &DataType, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return true };
    match data_type {
        DataType::Array { element, .. } => is_deeper(element, inner),
        DataType::Map { key, value, .. } => is_deeper(key, inner) || is_deeper(value, inner),
        DataType::Struct { fields } => fields.iter().any(|field| is_deeper(&field.data_type, inner)),
        _ => false,
    }
}

/// Functions that only DataFrames call: SQL does not know their names.
const INTERNAL: [&str; 9] = [
    "distributed_sequence_id",
    "drop_field",
    "extract_value",
    "firesteel_type_of_line",
    "freq_items",
    "product",
    "rand_within",
    "unwrap_udt",
    "with_field",
];

pub(super) fn expect_public(expr: &Expr, origin: &Origin) -> SparkResult<()> {
    match (expr, origin) {
        (Expr::Function(call), Origin::Sql(_)) if INTERNAL.contains(&function_name(call)?.as_str()) => {
            Err(unresolved_routine(&call.name))
        }
        _ => Ok(()),
    }
}

/// An error for a window function without `OVER`, and for a generator within an expression.
fn expect_place(kind: Kind, name: &str, is_over: bool, is_generated: bool) -> SparkResult<()> {
    match kind {
        Kind::Window if !is_over => Err(SparkError::new(
            "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
            format!("{name} is a window function, and needs an OVER clause"),
        )
        .with("funcName", format!("\"{name}\""))),
        Kind::Generator if !is_generated => Err(SparkError::new(
            "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
            format!("{name} makes rows, and can't be a part of an expression; give it a column of its own first"),
        )
        .with("expression", format!("\"{name}\""))),
        _ => Ok(()),
    }
}

/// The kind of function that an expression calls outermost, and its name.
pub(crate) fn generator_of(expr: &Expr) -> Option<(String, &FunctionCall)> {
    let Expr::Function(call) = expr.unlocated() else { return None };
    let name = function_name(call).ok()?;
    lookup(&name).filter(|function| function.kind == Kind::Generator).map(|_| (name, call))
}
