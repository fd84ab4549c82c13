//! Structs: `struct`, `named_struct`, and a struct with a field more or less.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::coercion::field_name;
use super::extract::struct_field;
use super::lists::retype;
use super::shape;
use crate::call::Call;
use crate::typed::Typed;

static STRUCT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_struct", struct_kernel));
static REBUILT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_struct_rebuilt", rebuilt_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&STRUCT), Arc::clone(&REBUILT)]
}

/// Fields are named as their expressions are, or `col1`, `col2`, ….
pub(super) fn structure(call: &Call<'_>) -> SparkResult<Typed> {
    let fields = call.arguments.iter().enumerate().map(|(index, value)| {
        let name = field_name(value).unwrap_or_else(|| format!("col{}", index + 1));
        StructField::new(name, value.data_type.clone(), value.nullable)
    });
    let data_type = DataType::Struct { fields: fields.collect() };
    Ok(call.shown(shape::call(&STRUCT, call.arguments.clone(), data_type, false)?))
}

pub(super) fn named_struct(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.is_empty() || call.arguments.len() % 2 == 1 {
        return Err(wrong_count(call));
    }
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for pair in call.arguments.chunks_exact(2) {
        let name = match pair[0].folded() {
            Some(ScalarValue::Utf8(Some(name))) => name,
            _ => return Err(name_is_no_constant(call)),
        };
        fields.push(StructField::new(name, pair[1].data_type.clone(), pair[1].nullable));
        values.push(pair[1].clone());
    }
    Ok(call.shown(shape::call(&STRUCT, values, DataType::Struct { fields }, false)?))
}

/// `2n` arguments are expected.
pub(super) fn wrong_count(call: &Call<'_>) -> SparkError {
    SparkError::new(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        format!("{} takes arguments in pairs, not {}", call.name, call.arguments.len()),
    )
    .with("functionName", format!("`{}`", call.name))
    .with("expectedNum", "2n (n > 0)")
    .with("actualNum", call.arguments.len().to_string())
    .with("docroot", "https://spark.apache.org/docs/latest")
}

fn name_is_no_constant(call: &Call<'_>) -> SparkError {
    let names: Vec<String> = call
        .arguments
        .iter()
        .step_by(2)
        .filter(|name| name.text().is_none())
        .map(|name| format!("\"{}\"", name.name))
        .collect();
    SparkError::new(
        "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING",
        format!("cannot resolve {}: the names of fields must be constant text", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("inputExprs", format!("[{}]", names.join(", ")))
}

fn struct_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, target) = shape::split(arrays)?;
    of_columns(values.iter().map(Arc::clone), None, target, rows)
}

fn of_columns(
    columns: impl Iterator<Item = ArrayRef>,
    nulls: Option<NullBuffer>,
    target: &ArrowType,
    rows: usize,
) -> Result<ArrayRef> {
    let ArrowType::Struct(fields) = target else { return internal_err!("{target} is no struct") };
    let columns =
        columns.zip(fields).map(|(column, field)| retype(&column, field.data_type())).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?))
}

/// `with_field(struct, name, value)`: the field of that name replaced, or one more. What lies deeper is for the caller
/// to take apart. A null struct stays null.
pub(super) fn with_field(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let (base, mut fields) = base_fields(call)?;
    let (name, value) = (call.constant_text(1)?, call.argument(2)?);
    let mut values = (0..fields.len()).map(|index| struct_field(&base, index)).collect::<SparkResult<Vec<_>>>()?;
    let mut is_new = true;
    for (index, field) in fields.iter_mut().enumerate() {
        if field.name.eq_ignore_ascii_case(&name) {
            *field = StructField::new(&name, value.data_type.clone(), value.nullable);
            values[index] = value.clone();
            is_new = false;
        }
    }
    if is_new {
        fields.push(StructField::new(name, value.data_type.clone(), value.nullable));
        values.push(value.clone());
    }
    let shown = format!("update_fields({}, WithField({}))", base.name, value.name);
    rebuilt(base, values, fields).map(|typed| typed.named(shown))
}

/// `drop_field(struct, name)`: without the fields of that name, if there are any.
pub(super) fn drop_field(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (base, fields) = base_fields(call)?;
    let name = call.constant_text(1)?;
    let shown = format!("update_fields({}, dropfield())", base.name);
    let (mut kept, mut values) = (Vec::new(), Vec::new());
    for (index, field) in fields.into_iter().enumerate() {
        if !field.name.eq_ignore_ascii_case(&name) {
            kept.push(field);
            values.push(struct_field(&base, index)?);
        }
    }
    if kept.is_empty() {
        let error = SparkError::new(
            "DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS",
            format!("cannot resolve {shown}: {name} is the last field of the struct"),
        );
        return Err(error.with("sqlExpr", format!("\"{shown}\"")));
    }
    rebuilt(base, values, kept).map(|typed| typed.named(shown))
}

fn base_fields(call: &Call<'_>) -> SparkResult<(Typed, Vec<StructField>)> {
    let base = call.argument(0)?;
    match &base.data_type {
        DataType::Struct { fields } => {
            let fields = fields.clone();
            Ok((base, fields))
        }
        other => Err(call.unexpected(0, other, "STRUCT")),
    }
}

fn rebuilt(base: Typed, values: Vec<Typed>, fields: Vec<StructField>) -> SparkResult<Typed> {
    let nullable = base.nullable;
    // The fields of a null struct are null, whatever their type says; the rebuilt struct's mask hides that.
    let data_type = DataType::Struct { fields };
    shape::call(&REBUILT, std::iter::once(base).chain(values).collect(), data_type, nullable)
}

fn rebuilt_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([base, values @ ..], target) = shape::split(arrays)? else {
        return internal_err!("a struct is rebuilt from one");
    };
    let nulls = base.as_struct().nulls().cloned();
    of_columns(values.iter().map(Arc::clone), nulls, target, rows)
}
