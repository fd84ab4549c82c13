//! [`LambdaUdf`]: a higher-order function that is a name, a rule for its lambdas' parameters, and a kernel over arrays
//! that calls the lambdas with whole columns.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, UInt64Array, new_empty_array};
use arrow::compute::{take, take_arrays};
use arrow::datatypes::{DataType as ArrowType, FieldRef};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};
use firesteel_spec::{DataType, StructField};

use super::super::lists::{Lists, Rows, retype};
use super::super::shape;
use crate::types::{field_type, to_field};

/// For each lambda, the types of its parameters, given the fields of the values.
pub(super) type Parameters = fn(&[DataType]) -> Vec<Vec<(DataType, bool)>>;

pub(super) type Kernel = fn(&Invocation<'_>) -> Result<ArrayRef>;

pub(super) struct LambdaUdf {
    name: &'static str,
    signature: HigherOrderSignature,
    parameters: Parameters,
    kernel: Kernel,
}

impl LambdaUdf {
    pub fn udf(name: &'static str, parameters: Parameters, kernel: Kernel) -> Arc<HigherOrderUDF> {
        let signature = HigherOrderSignature::variadic_any(Volatility::Immutable);
        Arc::new(HigherOrderUDF::new_from_impl(Self { name, signature, parameters, kernel }))
    }

    /// The fields of the lambdas' parameters, just as the resolver makes them from the types.
    fn fields(&self, values: &[&FieldRef]) -> Result<Vec<Vec<FieldRef>>> {
        let types = values
            .iter()
            .map(|field| field_type(field).map_err(crate::kernel::spark_error))
            .collect::<Result<Vec<_>>>()?;
        let types = types.get(..types.len().saturating_sub(2)).unwrap_or_default();
        let field = |(data_type, nullable): (DataType, bool)| to_field(&StructField::new("", data_type, nullable));
        Ok((self.parameters)(types).into_iter().map(|parameters| parameters.into_iter().map(field).collect()).collect())
    }
}

impl std::fmt::Debug for LambdaUdf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("LambdaUdf").field(&self.name).finish()
    }
}

impl PartialEq for LambdaUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for LambdaUdf {}

impl Hash for LambdaUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl HigherOrderUDFImpl for LambdaUdf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn lambda_parameters(
        &self,
        _: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let values: Vec<&FieldRef> = fields
            .iter()
            .filter_map(|field| match field {
                ValueOrLambda::Value(field) => Some(field),
                ValueOrLambda::Lambda(_) => None,
            })
            .collect();
        Ok(LambdaParametersProgress::Complete(self.fields(&values)?))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs<'_>) -> Result<FieldRef> {
        let (mut fields, mut constants) = (Vec::new(), Vec::new());
        for (field, constant) in args.arg_fields.iter().zip(args.scalar_arguments) {
            if let ValueOrLambda::Value(field) = field {
                fields.push(Arc::clone(field));
                constants.push(*constant);
            }
        }
        shape::field(&fields, &constants)
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let (mut values, mut fields, mut lambdas) = (Vec::new(), Vec::new(), Vec::new());
        for (argument, field) in args.args.iter().zip(&args.arg_fields) {
            match (argument, field) {
                (ValueOrLambda::Value(value), ValueOrLambda::Value(field)) => {
                    values.push(value.to_array(rows)?);
                    fields.push(field);
                }
                (ValueOrLambda::Lambda(lambda), ValueOrLambda::Lambda(field)) => lambdas.push((lambda, field)),
                _ => return internal_err!("{}: an argument and its field differ", self.name),
            }
        }
        let parameters = self.fields(&fields)?;
        let lambdas = lambdas
            .into_iter()
            .zip(parameters)
            .map(|((argument, result), parameters)| LambdaCall { argument, result, parameters })
            .collect();
        let (values, target) = shape::split(&values)?;
        let invocation = Invocation { values, lambdas, target, rows };
        (self.kernel)(&invocation).map(ColumnarValue::Array)
    }
}

/// What a kernel is called with.
pub(super) struct Invocation<'a> {
    pub values: &'a [ArrayRef],
    lambdas: Vec<LambdaCall<'a>>,
    pub target: &'a ArrowType,
    pub rows: usize,
}

impl Invocation<'_> {
    pub fn value(&self, index: usize) -> Result<&ArrayRef> {
        self.values.get(index).ok_or_else(|| missing("value", index))
    }

    pub fn lambda(&self, index: usize) -> Result<&LambdaCall<'_>> {
        self.lambdas.get(index).ok_or_else(|| missing("lambda", index))
    }

    pub fn has_lambda(&self, index: usize) -> bool {
        index < self.lambdas.len()
    }
}

fn missing(what: &str, index: usize) -> DataFusionError {
    DataFusionError::Internal(format!("a higher-order function was called without {what} {index}"))
}

/// A lambda, ready to be called.
pub(super) struct LambdaCall<'a> {
    argument: &'a LambdaArgument,
    result: &'a FieldRef,
    parameters: Vec<FieldRef>,
}

impl LambdaCall<'_> {
    /// The lambda's answers for columns of parameters of one length. `outer` tells for each of their rows which row of
    /// the batch it belongs to, for the columns that the body captures.
    pub fn evaluate(&self, columns: &[ArrayRef], outer: &UInt64Array) -> Result<ArrayRef> {
        if outer.is_empty() {
            return Ok(new_empty_array(self.result.data_type()));
        }
        let columns = columns
            .iter()
            .zip(&self.parameters)
            .map(|(column, field)| retype(column, field.data_type()))
            .collect::<Result<Vec<_>>>()?;
        let givers: Vec<_> = columns.iter().map(|column| move || Ok(Arc::clone(column))).collect();
        let givers: Vec<&dyn Fn() -> Result<ArrayRef>> = givers.iter().map(|giver| giver as _).collect();
        let answer = self.argument.evaluate(&givers, |captures| Ok(take_arrays(captures, outer, None)?))?;
        answer.into_array(outer.len())
    }
}

/// The elements of all rows in one column, and where each comes from.
pub(super) struct Flat {
    pub elements: ArrayRef,
    pub outer: UInt64Array,
    pub ends: Rows,
}

impl Flat {
    /// Of an array, or a map's entries.
    pub fn of(array: &ArrayRef) -> Result<Self> {
        let lists = Lists::of(array)?;
        let mut ends = Rows::with_capacity(lists.rows());
        let (mut count, mut first, mut is_contiguous) = (0, None, true);
        for row in 0..lists.rows() {
            let Some(range) = lists.range(row) else {
                ends.null();
                continue;
            };
            if !range.is_empty() {
                let start = *first.get_or_insert(range.start);
                is_contiguous &= start + count == range.start;
            }
            count += range.len();
            ends.end(count)?;
        }
        let elements = if is_contiguous {
            lists.values.slice(first.unwrap_or_default(), count)
        } else {
            let indices = (0..lists.rows()).filter_map(|row| lists.range(row)).flatten().map(|index| index as u64);
            take(&lists.values, &UInt64Array::from(indices.collect::<Vec<_>>()), None)?
        };
        let outer = ends.row_numbers();
        Ok(Self { elements, outer, ends })
    }

    /// The position of each element in its array.
    pub fn positions(&self) -> ArrayRef {
        let positions: Vec<i32> = self.ends.ranges().flat_map(|range| 0..range.len() as i32).collect();
        Arc::new(Int32Array::from(positions))
    }

    /// The keys, or the values, of a map's entries.
    pub fn column(&self, index: usize) -> ArrayRef {
        Arc::clone(self.elements.as_struct().column(index))
    }
}
