//! [`KernelUdf`]: a scalar function that is a name, a rule for its type, and a kernel over arrays. Its arguments have the
//! types that its builder gave them; nothing is coerced again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use firesteel_spec::SparkError;

use crate::task::without_mark;

/// The field that a function gives for its arguments' fields, some of which are constant.
pub type ReturnField = fn(&[FieldRef], &[Option<&ScalarValue>]) -> Result<FieldRef>;

/// Rows in, rows out: arrays of one length; `rows` is that length, also for no arguments.
pub type Kernel = fn(&[ArrayRef], usize) -> Result<ArrayRef>;

#[derive(Debug)]
pub struct KernelUdf {
    name: &'static str,
    signature: Signature,
    return_field: ReturnField,
    kernel: Kernel,
}

impl KernelUdf {
    /// A function whose answer depends on its arguments alone.
    pub fn udf(name: &'static str, return_field: ReturnField, kernel: Kernel) -> Arc<ScalarUDF> {
        Self::with_volatility(name, Volatility::Immutable, return_field, kernel)
    }

    pub fn with_volatility(
        name: &'static str,
        volatility: Volatility,
        return_field: ReturnField,
        kernel: Kernel,
    ) -> Arc<ScalarUDF> {
        let signature = Signature::variadic_any(volatility);
        Arc::new(ScalarUDF::from(Self { name, signature, return_field, kernel }))
    }
}

impl KernelUdf {
    fn own<'a, T>(&self, args: &'a [T]) -> &'a [T] {
        if self.signature.volatility == Volatility::Volatile { without_mark(args) } else { args }
    }
}

impl PartialEq for KernelUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for KernelUdf {}

impl Hash for KernelUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// The name of a call's column: short, whatever the arguments are. DataFusion asks for it at every level of an expression,
/// and would write out all that is below each time.
pub(crate) fn call_name(function: &str, arguments: &[Expr]) -> String {
    let mut hasher = DefaultHasher::new();
    arguments.hash(&mut hasher);
    format!("{function}#{:016x}", hasher.finish())
}

impl ScalarUDFImpl for KernelUdf {
    fn name(&self) -> &str {
        self.name
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(call_name(self.name, arguments))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal(format!("{} says its type by its arguments' fields", self.name)))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        (self.return_field)(self.own(args.arg_fields), self.own(args.scalar_arguments))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = !args.args.is_empty()
            && args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)))
            && self.signature.volatility == Volatility::Immutable;
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = self.own(&args.args).iter().map(|value| value.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let answer = (self.kernel)(&arrays, rows)?;
        let promised = args.return_field.data_type();
        // A constant that stands for a type says nothing of its nested fields' metadata.
        let answer = if answer.data_type() != promised && answer.data_type().equals_datatype(promised) {
            cast(&answer, promised)?
        } else {
            answer
        };
        if constant {
            return Ok(ColumnarValue::Scalar(match answer.as_list_opt::<i32>() {
                // `try_from_array` forgets what the element's field has as metadata.
                Some(list) => ScalarValue::List(Arc::new(list.slice(0, 1))),
                None => ScalarValue::try_from_array(&answer, 0)?,
            }));
        }
        Ok(ColumnarValue::Array(answer))
    }
}

/// A nullable field of a type.
pub fn nullable(data_type: DataType) -> Result<FieldRef> {
    Ok(Arc::new(Field::new("value", data_type, true)))
}

/// A field of a type that is nullable if an argument is.
pub fn null_if_any(data_type: DataType, arguments: &[FieldRef]) -> Result<FieldRef> {
    Ok(Arc::new(Field::new("value", data_type, arguments.iter().any(|field| field.is_nullable()))))
}

/// A Spark error on its way through DataFusion.
pub fn spark_error(error: SparkError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
