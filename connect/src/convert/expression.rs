//! Expressions.

use std::sync::Arc;

use firesteel_spec::{CastMode, Expr, FunctionCall, Origin, SortOrder, SparkError, SparkResult};

use super::data_type::data_type;
use super::literal::literal;
use super::{Converter, invalid_enum, required};
use crate::proto::expression::cast::{CastToType, EvalMode};
use crate::proto::expression::sort_order::{NullOrdering, SortDirection};
use crate::proto::expression::{self as expressions, ExprType};
use crate::support::refused_expression;
use crate::{proto, text};

impl Converter<'_> {
    pub(crate) fn expression(&mut self, proto: proto::Expression) -> SparkResult<Expr> {
        self.count(1)?;
        let origin = proto.common.and_then(|common| common.origin).and_then(origin);
        let expr = self.expression_kind(required(proto.expr_type, "Expression.expr_type")?)?;
        Ok(match (origin, expr) {
            (Some(origin), expr) if !matches!(expr, Expr::Literal(_)) => {
                Expr::Located { expr: Box::new(expr), origin: Arc::new(origin) }
            }
            (_, expr) => expr,
        })
    }

    fn expression_kind(&mut self, kind: ExprType) -> SparkResult<Expr> {
        match kind {
            ExprType::Literal(value) => Ok(Expr::Literal(literal(value)?)),
            ExprType::UnresolvedAttribute(attribute) => unresolved_attribute(attribute),
            ExprType::UnresolvedFunction(function) => self.unresolved_function(function),
            ExprType::ExpressionString(string) => text::expression(&string.expression),
            ExprType::UnresolvedStar(star) => unresolved_star(star),
            ExprType::Alias(alias) => self.alias(*alias),
            ExprType::Cast(cast) => self.cast(*cast),
            ExprType::UnresolvedRegex(regex) => unresolved_regex(regex),
            ExprType::SortOrder(order) => Ok(Expr::Sort(Box::new(self.sort_order(*order)?))),
            ExprType::LambdaFunction(lambda) => self.lambda(*lambda),
            ExprType::Window(window) => self.window(*window),
            ExprType::UnresolvedExtractValue(extract) => self.extract_value(*extract),
            ExprType::UpdateFields(update) => self.update_fields(*update),
            ExprType::UnresolvedNamedLambdaVariable(variable) => lambda_variable(variable),
            ExprType::CommonInlineUserDefinedFunction(function) => Ok(Expr::Inline(self.inline_function(function)?)),
            ExprType::CallFunction(call) => self.call_function(call),
            ExprType::NamedArgumentExpression(argument) => self.named_argument(*argument),
            ExprType::SubqueryExpression(subquery) => self.subquery(subquery),
            ExprType::MergeAction(_) => Err(refused_expression("merge_action")),
            ExprType::TypedAggregateExpression(_) => Err(refused_expression("typed_aggregate_expression")),
            ExprType::DirectShufflePartitionId(_) => Err(refused_expression("direct_shuffle_partition_id")),
            ExprType::Extension(any) => Err(refused_expression("extension").with("extensionTypeUrl", any.type_url)),
        }
    }

    pub(super) fn expressions(&mut self, protos: Vec<proto::Expression>) -> SparkResult<Vec<Expr>> {
        protos.into_iter().map(|proto| self.expression(proto)).collect()
    }

    /// An expression that has to be there.
    pub(super) fn boxed(&mut self, proto: Option<impl Into<Box<proto::Expression>>>, what: &str) -> SparkResult<Expr> {
        self.expression(*required(proto, what)?.into())
    }

    pub(super) fn optional(&mut self, proto: Option<impl Into<Box<proto::Expression>>>) -> SparkResult<Option<Expr>> {
        proto.map(|proto| self.expression(*proto.into())).transpose()
    }

    fn unresolved_function(&mut self, function: expressions::UnresolvedFunction) -> SparkResult<Expr> {
        let name = if function.is_user_defined_function {
            text::name(&function.function_name)?
        } else {
            vec![function.function_name]
        };
        Ok(Expr::Function(FunctionCall {
            name,
            arguments: self.expressions(function.arguments)?,
            distinct: function.is_distinct,
            internal: function.is_internal.unwrap_or(false),
            ..FunctionCall::default()
        }))
    }

    fn call_function(&mut self, call: proto::CallFunction) -> SparkResult<Expr> {
        Ok(Expr::Function(FunctionCall {
            name: text::name(&call.function_name)?,
            arguments: self.expressions(call.arguments)?,
            ..FunctionCall::default()
        }))
    }

    pub(super) fn alias(&mut self, alias: expressions::Alias) -> SparkResult<Expr> {
        let metadata = alias.metadata.filter(|json| !json.is_empty());
        if alias.name.is_empty() {
            return Err(SparkError::invalid_plan("an alias has no name"));
        }
        if alias.name.len() > 1 && metadata.is_some() {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.ALIAS_WITH_MULTIPLE_IDENTIFIERS_AND_METADATA",
                "The Spark Connect plan is invalid. Alias expressions with more than 1 identifier must not use \
                 optional metadata.",
            ));
        }
        let expr = Box::new(self.boxed(alias.expr, "Expression.Alias.expr")?);
        Ok(Expr::Alias { expr, names: alias.name, metadata })
    }

    fn cast(&mut self, cast: expressions::Cast) -> SparkResult<Expr> {
        let mode = match EvalMode::try_from(cast.eval_mode) {
            Ok(EvalMode::Unspecified) => CastMode::Session,
            Ok(EvalMode::Legacy) => CastMode::Legacy,
            Ok(EvalMode::Ansi) => CastMode::Ansi,
            Ok(EvalMode::Try) => CastMode::Try,
            Err(_) => return Err(invalid_enum("Expression.Cast.eval_mode", cast.eval_mode)),
        };
        let to = match required(cast.cast_to_type, "Expression.Cast.cast_to_type")? {
            CastToType::Type(proto) => data_type(proto)?,
            CastToType::TypeStr(text) => text::data_type(&text)?,
        };
        Ok(Expr::Cast { expr: Box::new(self.boxed(cast.expr, "Expression.Cast.expr")?), to, mode })
    }

    pub(super) fn sort_order(&mut self, order: expressions::SortOrder) -> SparkResult<SortOrder> {
        let ascending = match SortDirection::try_from(order.direction) {
            Ok(SortDirection::Unspecified | SortDirection::Ascending) => true,
            Ok(SortDirection::Descending) => false,
            Err(_) => return Err(invalid_enum("Expression.SortOrder.direction", order.direction)),
        };
        let nulls_first = match NullOrdering::try_from(order.null_ordering) {
            Ok(NullOrdering::SortNullsUnspecified) => None,
            Ok(NullOrdering::SortNullsFirst) => Some(true),
            Ok(NullOrdering::SortNullsLast) => Some(false),
            Err(_) => return Err(invalid_enum("Expression.SortOrder.null_ordering", order.null_ordering)),
        };
        Ok(SortOrder { expr: self.boxed(order.child, "Expression.SortOrder.child")?, ascending, nulls_first })
    }

    pub(super) fn sort_orders(&mut self, orders: Vec<expressions::SortOrder>) -> SparkResult<Vec<SortOrder>> {
        orders.into_iter().map(|order| self.sort_order(order)).collect()
    }

    fn lambda(&mut self, lambda: expressions::LambdaFunction) -> SparkResult<Expr> {
        if !(1..=3).contains(&lambda.arguments.len()) {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.LAMBDA_FUNCTION_ARGUMENT_COUNT_INVALID",
                format!(
                    "The Spark Connect plan is invalid. LambdaFunction requires 1 ~ 3 arguments, but got {} ones!",
                    lambda.arguments.len()
                ),
            )
            .with("got", lambda.arguments.len().to_string()));
        }
        Ok(Expr::Lambda {
            body: Box::new(self.boxed(lambda.function, "Expression.LambdaFunction.function")?),
            parameters: lambda.arguments.into_iter().map(|argument| argument.name_parts.join(".")).collect(),
        })
    }

    fn extract_value(&mut self, extract: expressions::UnresolvedExtractValue) -> SparkResult<Expr> {
        Ok(Expr::ExtractValue {
            child: Box::new(self.boxed(extract.child, "Expression.UnresolvedExtractValue.child")?),
            extraction: Box::new(self.boxed(extract.extraction, "Expression.UnresolvedExtractValue.extraction")?),
        })
    }

    fn update_fields(&mut self, update: expressions::UpdateFields) -> SparkResult<Expr> {
        Ok(Expr::UpdateField {
            child: Box::new(self.boxed(update.struct_expression, "Expression.UpdateFields.struct_expression")?),
            field: update.field_name,
            value: self.optional(update.value_expression)?.map(Box::new),
        })
    }

    fn named_argument(&mut self, argument: proto::NamedArgumentExpression) -> SparkResult<Expr> {
        let value = Box::new(self.boxed(argument.value, "NamedArgumentExpression.value")?);
        Ok(Expr::NamedArgument { name: argument.key, value })
    }
}

fn unresolved_attribute(attribute: expressions::UnresolvedAttribute) -> SparkResult<Expr> {
    Ok(Expr::Attribute {
        name: text::attribute_name(&attribute.unparsed_identifier)?,
        plan_id: attribute.plan_id,
        metadata_column: attribute.is_metadata_column.unwrap_or(false),
    })
}

fn unresolved_star(star: expressions::UnresolvedStar) -> SparkResult<Expr> {
    let target = match star.unparsed_target {
        None => None,
        Some(_) if star.plan_id.is_some() => {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.UNRESOLVED_STAR_WITH_BOTH_TARGET_AND_PLAN_ID",
                "The Spark Connect plan is invalid. UnresolvedStar with both target and plan id is not supported.",
            ));
        }
        Some(target) => {
            let name = target.strip_suffix(".*").ok_or_else(|| {
                SparkError::new(
                    "CONNECT_INVALID_PLAN.UNRESOLVED_STAR_TARGET_INVALID",
                    format!(
                        "The Spark Connect plan is invalid. UnresolvedStar requires a unparsed target ending with \
                         '.*', but got {target}."
                    ),
                )
                .with("target", target.clone())
            })?;
            Some(text::attribute_name(name)?)
        }
    };
    Ok(Expr::Star { target, plan_id: star.plan_id, except: Vec::new() })
}

/// `` `pattern` ``, `` table.`pattern` ``, or a plain name.
fn unresolved_regex(regex: expressions::UnresolvedRegex) -> SparkResult<Expr> {
    let plain = |regex: expressions::UnresolvedRegex| {
        let name = text::attribute_name(&regex.col_name)?;
        Ok(Expr::Attribute { name, plan_id: regex.plan_id, metadata_column: false })
    };
    let Some(quoted) = regex.col_name.strip_suffix('`') else { return plain(regex) };
    let (target, pattern) = match (quoted.strip_prefix('`'), quoted.rsplit_once(".`")) {
        (Some(pattern), _) => (None, pattern),
        (None, Some((table, pattern))) => (Some(text::name(table)?), pattern),
        (None, None) => return plain(regex),
    };
    Ok(Expr::Regex { pattern: pattern.to_owned(), target, plan_id: regex.plan_id })
}

fn lambda_variable(variable: expressions::UnresolvedNamedLambdaVariable) -> SparkResult<Expr> {
    if variable.name_parts.is_empty() {
        return Err(SparkError::new(
            "CONNECT_INVALID_PLAN.UNRESOLVED_NAMED_LAMBDA_VARIABLE_REQUIRES_NAME_PART",
            "The Spark Connect plan is invalid. UnresolvedNamedLambdaVariable requires at least one name part!",
        ));
    }
    Ok(Expr::LambdaVariable(variable.name_parts))
}

/// Where the expression stands in the client's program.
fn origin(origin: proto::Origin) -> Option<Origin> {
    match origin.function? {
        proto::origin::Function::PythonOrigin(python) if !python.fragment.is_empty() => {
            Some(Origin::DataFrame { fragment: python.fragment, call_site: python.call_site })
        }
        proto::origin::Function::PythonOrigin(_) => None,
        proto::origin::Function::JvmOrigin(jvm) => {
            let frame = jvm.stack_trace.into_iter().next()?;
            let file = frame.file_name.unwrap_or_default();
            let call_site = format!("{}.{}({file}:{})", frame.declaring_class, frame.method_name, frame.line_number);
            Some(Origin::DataFrame { fragment: frame.method_name, call_site })
        }
    }
}
