//! Expressions: names looked up, functions built, types known.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr as DfExpr;
use datafusion::logical_expr::expr::{Lambda, LambdaVariable, NullTreatment, Sort};
use firesteel_functions::{Call, CastEvaluation, Kind, Typed, cast, default_name, literal, lookup, to_field};
use firesteel_spec::{
    CastMode, DataType, Expr, FunctionCall, Literal, Origin, SortOrder, SparkError, SparkResult, StructField,
};

use super::attribute::{LambdaScope, Scope, quote, same_name};
use super::{Resolved, Resolver, plan_error};

impl Resolver<'_> {
    /// An expression of one value.
    pub fn expr(&self, expr: &Expr, scope: &Scope<'_>) -> SparkResult<Typed> {
        match expr {
            Expr::Located { expr, origin } => {
                let typed = expect_public(expr, origin).and_then(|()| self.expr(expr, scope));
                typed.map_err(|error| located(error, origin))
            }
            Expr::Literal(value) => literal(value, self.settings()),
            Expr::Attribute { name, plan_id, .. } => self.attribute(name, *plan_id, scope),
            Expr::LambdaVariable(name) => self.lambda_variable(name, scope),
            Expr::Function(call) => self.function(call, scope),
            Expr::Alias { expr, names, .. } => {
                let typed = self.expr(expr, scope)?;
                Ok(match names.as_slice() {
                    [name] => typed.named(name),
                    _ => typed,
                })
            }
            Expr::Cast { expr, to, mode } => {
                expect_shallow(to)?;
                let value = self.expr(expr, scope)?;
                let evaluation = CastEvaluation::of(*mode, self.settings());
                let word = if evaluation == CastEvaluation::Try { "TRY_CAST" } else { "CAST" };
                // Spark does not show casts to nested types.
                let name = match to {
                    DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } => value.name.clone(),
                    _ => format!("{word}({} AS {})", value.name, to.sql()),
                };
                let typed = cast(value, to, evaluation, self.settings())?;
                // A literal of an instant is a text until the session's zone is known.
                if *mode == CastMode::Ansi
                    && matches!(expr.unlocated(), Expr::Literal(Literal::String(_)))
                    && let Some(ScalarValue::TimestampMicrosecond(Some(us), Some(_))) = typed.value()
                {
                    let shown = literal(&Literal::Timestamp(*us), self.settings())?.name;
                    return Ok(typed.named(shown));
                }
                Ok(typed.named(name))
            }
            Expr::ExtractValue { child, extraction } => {
                let child = self.expr(child, scope)?;
                let key = self.expr(extraction, scope)?;
                self.call("extract_value", vec![child, key])
            }
            Expr::UpdateField { child, field, value } => {
                let child = self.expr(child, scope)?;
                let value = value.as_deref().map(|value| self.expr(value, scope)).transpose()?;
                let path: Vec<&str> = field.split('.').map(|part| part.trim_matches('`')).collect();
                self.update_field(child, &path, value)
            }
            Expr::Window { function, spec } => self.window(function, spec, scope),
            Expr::ScalarSubquery(relation) => self.scalar_subquery(relation, scope),
            Expr::Exists(relation) => self.exists(relation, scope),
            Expr::InSubquery { values, relation } => self.in_subquery(values, relation, scope),
            Expr::NamedArgument { value, .. } => self.expr(value, scope),
            Expr::Star { .. } | Expr::Regex { .. } => Err(SparkError::new(
                "INVALID_USAGE_OF_STAR_OR_REGEX",
                "a * stands here for several columns, where one value is meant",
            )
            .with("elem", "'*'")
            .with("prettyName", "expression")),
            Expr::Sort(_) => Err(SparkError::invalid_plan("an order stands where a value is meant")),
            Expr::Lambda { .. } => Err(SparkError::new(
                "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
                "a lambda function is an argument of a function that takes none",
            )),
            Expr::Inline(function) => self.python_function(function, scope),
            Expr::TableArgument { .. } => Err(SparkError::unsupported("a table as an argument")),
        }
    }

    fn attribute(&self, name: &[String], plan_id: Option<i64>, scope: &Scope<'_>) -> SparkResult<Typed> {
        if let [only] = name
            && self.in_groups.get()
            && only.eq_ignore_ascii_case("grouping__id")
        {
            // Hive's name for it.
            return Ok(self.grouping_marker("grouping_id", &FunctionCall::default(), scope)?.named("grouping__id"));
        }
        if plan_id.is_none()
            && let Some(typed) = self.find_lambda_variable(name, scope)?
        {
            return Ok(typed);
        }
        let found = match scope.find(name, plan_id, self.options.case_sensitive) {
            Ok(found) => found,
            Err(error) => return self.bare_function(name).unwrap_or(Err(error)),
        };
        self.fields_of(found.typed, &found.fields)
    }

    /// A function that may be written without parentheses, such as `current_date`.
    fn bare_function(&self, name: &[String]) -> Option<SparkResult<Typed>> {
        const BARE: [&str; 8] = [
            "current_date",
            "current_timestamp",
            "localtimestamp",
            "current_time",
            "current_user",
            "user",
            "session_user",
            "grouping__id",
        ];
        let [name] = name else { return None };
        let name = name.to_lowercase();
        BARE.contains(&name.as_str()).then(|| self.call(&name, Vec::new()))
    }

    fn fields_of(&self, mut typed: Typed, fields: &[String]) -> SparkResult<Typed> {
        for field in fields {
            typed = self.call("extract_value", vec![typed, Typed::string(field)])?;
        }
        Ok(typed)
    }

    /// A struct with another value of a field, or without it, also deep inside.
    fn update_field(&self, child: Typed, path: &[&str], value: Option<Typed>) -> SparkResult<Typed> {
        let Some((first, rest)) = path.split_first() else { return Ok(child) };
        let field = Typed::string(first);
        let value = match (rest, value) {
            ([], value) => value,
            (rest, value) => {
                let inner = self.call("extract_value", vec![child.clone(), field.clone()])?;
                Some(self.update_field(inner, rest, value)?)
            }
        };
        match value {
            Some(value) => self.call("with_field", vec![child, field, value]),
            None => self.call("drop_field", vec![child, field]),
        }
    }

    fn lambda_variable(&self, name: &[String], scope: &Scope<'_>) -> SparkResult<Typed> {
        self.find_lambda_variable(name, scope)?.ok_or_else(|| {
            SparkError::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", format!("there is no parameter {}", quote(name)))
                .with("objectName", quote(name))
        })
    }

    fn find_lambda_variable(&self, name: &[String], scope: &Scope<'_>) -> SparkResult<Option<Typed>> {
        let Some((first, fields)) = name.split_first() else { return Ok(None) };
        let mut lambda = scope.lambda;
        while let Some(here) = lambda {
            let found = here.parameters.iter().find(|(own, _)| same_name(own, first, self.options.case_sensitive));
            if let Some((_, typed)) = found {
                return self.fields_of(typed.clone(), fields).map(Some);
            }
            lambda = here.outer;
        }
        Ok(None)
    }

    /// A call of a function by its own name, with arguments that are resolved.
    pub fn call(&self, name: &str, arguments: Vec<Typed>) -> SparkResult<Typed> {
        let function = lookup(name).ok_or_else(|| unresolved_routine(&[name.to_owned()]))?;
        let settings = self.settings();
        let call = Call { name, arguments, distinct: false, ignore_nulls: None, within_group: Vec::new(), settings };
        (function.build)(&call)
    }

    fn function(&self, call: &FunctionCall, scope: &Scope<'_>) -> SparkResult<Typed> {
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
                return Ok(datafusion::common::tree_node::Transformed::no(expr));
            };
            aggregate.params.distinct |= call.distinct;
            if let Some(filter) = &filter {
                aggregate.params.filter.get_or_insert_with(|| Box::new(filter.expr.clone()));
            }
            if call.ignore_nulls == Some(true) {
                aggregate.params.null_treatment.get_or_insert(NullTreatment::IgnoreNulls);
            }
            Ok(datafusion::common::tree_node::Transformed::yes(DfExpr::AggregateFunction(aggregate)))
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

    pub fn sort_order(&self, order: &SortOrder, scope: &Scope<'_>) -> SparkResult<(Typed, Sort)> {
        let typed = self.expr(&order.expr, scope)?;
        let sort = Sort::new(typed.expr.clone(), order.ascending, order.are_nulls_first());
        Ok((typed, sort))
    }

    /// A condition: a boolean.
    pub fn condition(&self, condition: &Expr, scope: &Scope<'_>, clause: &str) -> SparkResult<Typed> {
        let before = self.is_condition.replace(true);
        let typed = self.expr(condition, scope);
        self.is_condition.set(before);
        let typed = typed.map_err(|error| generator_in(clause, error))?;
        if has_aggregate(&typed.expr) && clause == "WHERE" {
            return Err(SparkError::new(
                "INVALID_WHERE_CONDITION",
                format!("the WHERE condition {} holds an aggregate function; use HAVING", typed.name),
            )
            .with("condition", format!("\"{}\"", typed.name))
            .with("expressionList", typed.name.clone()));
        }
        if clause != "HAVING" && has_window(&typed.expr) {
            return Err(SparkError::new(
                "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE",
                format!("the {clause} clause holds a window function: {}; use QUALIFY, or a subquery", typed.name),
            )
            .with("clauseName", clause));
        }
        let (name, data_type) = (typed.name.clone(), typed.data_type.clone());
        firesteel_functions::implicit_cast(typed, &DataType::Boolean, self.settings())
            .filter(|_| matches!(data_type, DataType::Boolean | DataType::Null))
            .ok_or_else(|| match clause {
                "JOIN" => SparkError::new(
                    "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE",
                    format!("the condition {name} of the join is {data_type}, not BOOLEAN"),
                )
                .with("joinCondition", format!("\"{name}\""))
                .with("conditionType", format!("\"{data_type}\"")),
                _ => SparkError::new(
                    "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                    format!("the condition {name} is {data_type}, not BOOLEAN"),
                )
                .with("sqlExpr", format!("\"{name}\""))
                .with("filter", format!("\"{name}\""))
                .with("type", format!("\"{data_type}\"")),
            })
    }

    /// A whole number that is constant, such as a limit; `input` is what a name in it could mean.
    pub fn constant_count(&self, expr: &Expr, name: &str, input: Option<&Resolved>) -> SparkResult<usize> {
        let scope = input.map_or(Scope::empty(None), |input| Scope::of(&input.output, &input.hidden, None));
        let typed = self.expr(expr, &scope)?;
        let value = match &typed.data_type {
            data_type if data_type.is_integral() => typed.integer().or_else(|| self.folded_integer(&typed)),
            other => {
                return Err(SparkError::new(
                    "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE",
                    format!("{name} is {other}, not an integer"),
                )
                .with("name", name)
                .with("expr", format!("\"{}\"", typed.name))
                .with("dataType", format!("\"{other}\"")));
            }
        };
        let value = value.ok_or_else(|| {
            SparkError::new(
                "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE",
                format!("{name} is no constant: {}", typed.name),
            )
            .with("name", name)
            .with("expr", format!("\"{}\"", typed.name))
        })?;
        usize::try_from(value).map_err(|_| {
            SparkError::new("INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", format!("{name} is negative: {value}"))
                .with("name", name)
                .with("expr", format!("\"{}\"", typed.name))
                .with("v", value.to_string())
        })
    }

    fn folded_integer(&self, typed: &Typed) -> Option<i64> {
        let value = fold(&typed.expr)?;
        Typed::literal(value, typed.data_type.clone(), "").integer()
    }
}

/// The value of an expression without columns.
pub(crate) fn fold(expr: &DfExpr) -> Option<datafusion::common::ScalarValue> {
    use datafusion::common::DFSchema;
    use datafusion::execution::context::ExecutionProps;
    use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
    use datafusion::physical_expr::create_physical_expr;
    let planning = PhysicalPlanningContext::default();
    let physical = create_physical_expr(expr, &DFSchema::empty(), &ExecutionProps::new(), &planning).ok()?;
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(1));
    let schema = std::sync::Arc::new(arrow::datatypes::Schema::empty());
    let row = arrow::record_batch::RecordBatch::try_new_with_options(schema, Vec::new(), &options).ok()?;
    let array = physical.evaluate(&row).ok()?.into_array(1).ok()?;
    datafusion::common::ScalarValue::try_from_array(&array, 0).ok()
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

fn expect_shallow(data_type: &DataType) -> SparkResult<()> {
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

fn expect_public(expr: &Expr, origin: &Origin) -> SparkResult<()> {
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

/// A generator that stands in a clause which is no list.
fn generator_in(clause: &str, error: SparkError) -> SparkError {
    if !error.is("UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS") {
        return error;
    }
    let message = format!("a generator stands in {clause}, outside of a SELECT clause");
    SparkError::new("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", message).with("plan", clause)
}

fn located(error: SparkError, origin: &Origin) -> SparkError {
    match origin {
        Origin::Sql(context) => error.at(context.clone()),
        Origin::DataFrame { .. } => error,
    }
}

/// Is there an aggregate function that is not over a window?
pub(crate) fn has_aggregate(expr: &DfExpr) -> bool {
    let mut found = false;
    let visited = expr.apply(|expr| {
        found |= matches!(expr, DfExpr::AggregateFunction(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found && visited.is_ok()
}

fn has_window(expr: &DfExpr) -> bool {
    expr.exists(|expr| Ok(matches!(expr, DfExpr::WindowFunction(_)))).unwrap_or(false)
}

/// The kind of function that an expression calls outermost, and its name.
pub(crate) fn generator_of(expr: &Expr) -> Option<(String, &FunctionCall)> {
    let Expr::Function(call) = expr.unlocated() else { return None };
    let name = function_name(call).ok()?;
    lookup(&name).filter(|function| function.kind == Kind::Generator).map(|_| (name, call))
}
