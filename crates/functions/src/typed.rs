//! [`Typed`]: a DataFusion expression with its Spark type, as resolving builds them from the leaves up. The type is kept
//! beside the expression since asking a deep expression for it walks all of it.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Schema};
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, ScalarFunction};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{AggregateUDF, BinaryExpr, Cast, Expr, Operator, ReturnFieldArgs, ScalarUDF};
use datafusion::physical_expr::create_physical_expr;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::task::mark_of;
use crate::types::{field_type, to_arrow};

#[derive(Debug, Clone)]
pub struct Typed {
    pub expr: Expr,
    pub data_type: DataType,
    pub nullable: bool,
    /// The expression as Spark writes it in a generated column name, such as `(a + 1)`.
    pub name: String,
}

impl Typed {
    pub fn new(expr: Expr, data_type: DataType, nullable: bool, name: impl Into<String>) -> Self {
        Self { expr, data_type, nullable, name: name.into() }
    }

    pub fn literal(value: ScalarValue, data_type: DataType, name: impl Into<String>) -> Self {
        let nullable = value.is_null();
        Self::new(Expr::Literal(value, None), data_type, nullable, name)
    }

    pub fn string(text: &str) -> Self {
        Self::literal(ScalarValue::Utf8(Some(text.to_owned())), DataType::STRING, text)
    }

    pub fn int(value: i32) -> Self {
        Self::literal(ScalarValue::Int32(Some(value)), DataType::Integer, value.to_string())
    }

    pub fn long(value: i64) -> Self {
        Self::literal(ScalarValue::Int64(Some(value)), DataType::Long, value.to_string())
    }

    pub fn double(value: f64) -> Self {
        Self::literal(ScalarValue::Float64(Some(value)), DataType::Double, value.to_string())
    }

    pub fn boolean(value: bool) -> Self {
        Self::literal(ScalarValue::Boolean(Some(value)), DataType::Boolean, value.to_string())
    }

    /// A null of a type.
    pub fn null(data_type: DataType) -> Self {
        let value = ScalarValue::try_from(&to_arrow(&data_type)).unwrap_or(ScalarValue::Null);
        Self::new(Expr::Literal(value, None), data_type, true, "NULL")
    }

    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub fn arrow_type(&self) -> ArrowType {
        to_arrow(&self.data_type)
    }

    pub fn field(&self) -> FieldRef {
        Arc::new(Field::new(self.name.as_str(), self.arrow_type(), self.nullable))
    }

    /// The value, if this is a constant.
    pub fn value(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    /// The value, if this depends on no row: also of a call over constants, such as `array(0.25, 0.5)`.
    pub fn folded(&self) -> Option<ScalarValue> {
        if let Some(value) = self.value() {
            return Some(value.clone());
        }
        if self.expr.any_column_refs() || self.expr.is_volatile() {
            return None;
        }
        let (schema, context) = (DFSchema::empty(), PhysicalPlanningContext::default());
        let physical = create_physical_expr(&self.expr, &schema, &ExecutionProps::new(), &context).ok()?;
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).ok()?;
        let array = physical.evaluate(&row).ok()?.into_array(1).ok()?;
        ScalarValue::try_from_array(&array, 0).ok()
    }

    /// The text, if this is a constant one that is not null.
    pub fn text(&self) -> Option<&str> {
        match self.value()? {
            ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => text.as_deref(),
            _ => None,
        }
    }

    /// The number, if this is a constant integer that is not null.
    pub fn integer(&self) -> Option<i64> {
        match self.value()? {
            ScalarValue::Int8(value) => value.map(i64::from),
            ScalarValue::Int16(value) => value.map(i64::from),
            ScalarValue::Int32(value) => value.map(i64::from),
            ScalarValue::Int64(value) => *value,
            _ => None,
        }
    }

    /// A call of a function, with the type that it says; if that is no canonical one, it is cast.
    pub fn call(function: &Arc<ScalarUDF>, arguments: Vec<Self>) -> SparkResult<Self> {
        let name = default_name(function.name(), &arguments);
        let mut arguments = arguments;
        arguments.extend(mark_of(function, arguments.len()));
        let fields: Vec<FieldRef> = arguments.iter().map(Self::field).collect();
        let scalars: Vec<Option<&ScalarValue>> = arguments.iter().map(Self::value).collect();
        let field = function
            .return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars })
            .map_err(|error| plan_error(function.name(), error))?;
        let args = arguments.into_iter().map(|argument| argument.expr).collect();
        let expr = Expr::ScalarFunction(ScalarFunction { func: Arc::clone(function), args });
        Self::from_field(expr, &field, name)
    }

    /// A call of an aggregate function, without `DISTINCT`, filter and order.
    pub fn aggregate(function: &Arc<AggregateUDF>, arguments: Vec<Self>) -> SparkResult<Self> {
        let fields: Vec<FieldRef> = arguments.iter().map(Self::field).collect();
        let field = function.return_field(&fields).map_err(|error| plan_error(function.name(), error))?;
        let name = default_name(function.name(), &arguments);
        let params = AggregateFunctionParams {
            args: arguments.into_iter().map(|argument| argument.expr).collect(),
            distinct: false,
            filter: None,
            order_by: Vec::new(),
            null_treatment: None,
        };
        let expr = Expr::AggregateFunction(AggregateFunction { func: Arc::clone(function), params });
        // Not cast here: the resolver takes the aggregate out of its expression first.
        let data_type = field_type(&field)?;
        Ok(Self::new(expr, data_type, field.is_nullable(), name))
    }

    /// An expression of which DataFusion says the type; cast if that is no canonical one.
    pub fn from_field(expr: Expr, field: &Field, name: String) -> SparkResult<Self> {
        let data_type = field_type(field)?;
        let canonical = to_arrow(&data_type);
        let expr = if same_layout(&canonical, field.data_type()) {
            expr
        } else {
            Expr::Cast(Cast::new(Box::new(expr), canonical))
        };
        Ok(Self::new(expr, data_type, field.is_nullable(), name))
    }

    /// A binary operator of DataFusion's, whose operands have the right types already.
    pub fn binary(left: Self, operator: Operator, right: Self, data_type: DataType, name: impl Into<String>) -> Self {
        let nullable = left.nullable || right.nullable;
        let expr = Expr::BinaryExpr(BinaryExpr::new(Box::new(left.expr), operator, Box::new(right.expr)));
        Self::new(expr, data_type, nullable, name)
    }
}

/// Equal but for the names and nullability of nested fields, which don't matter to kernels.
fn same_layout(left: &ArrowType, right: &ArrowType) -> bool {
    left == right || left.equals_datatype(right)
}

/// `name(a, b)`
pub fn default_name(name: &str, arguments: &[Typed]) -> String {
    let arguments: Vec<&str> = arguments.iter().map(|argument| argument.name.as_str()).collect();
    format!("{name}({})", arguments.join(", "))
}

/// What DataFusion says about arguments that a function does not take.
pub fn plan_error(function: &str, error: DataFusionError) -> SparkError {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<SparkError>() {
            Some(error) => error.clone(),
            None => SparkError::internal(format!("{function}: {inner}")),
        },
        root => SparkError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!("{function}: {}", root.strip_backtrace()),
        )
        .with("functionName", format!("`{function}`")),
    }
}
