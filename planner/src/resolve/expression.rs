//! Expressions: names looked up and types known; see `function` for calls.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr as DfExpr;
use datafusion::logical_expr::expr::Sort;
use firesteel_functions::{CastEvaluation, Typed, cast, literal};
use firesteel_spec::{CastMode, DataType, Expr, FunctionCall, Literal, Origin, SortOrder, SparkError, SparkResult};

use super::attribute::{Scope, quote, same_name};
use super::function::{expect_public, expect_shallow};
use super::{Resolved, Resolver};

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
