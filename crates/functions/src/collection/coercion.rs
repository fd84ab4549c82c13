//! Which types the arguments of functions over collections take from each other: the wider one, but nothing becomes a
//! string, nor a string something else.

use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::wider;
use crate::typed::Typed;

/// The type of both, unless one is a string where the other is none.
pub(super) fn wider_without_strings(left: &DataType, right: &DataType, ansi: bool) -> Option<DataType> {
    if mixes_strings(left, right) { None } else { wider(left, right, ansi) }
}

fn mixes_strings(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::Null, _) | (_, DataType::Null) => false,
        (DataType::Array { element: left, .. }, DataType::Array { element: right, .. }) => mixes_strings(left, right),
        (DataType::Map { key: k1, value: v1, .. }, DataType::Map { key: k2, value: v2, .. }) => {
            mixes_strings(k1, k2) || mixes_strings(v1, v2)
        }
        (DataType::Struct { fields: f1 }, DataType::Struct { fields: f2 }) => {
            f1.iter().zip(f2).any(|(left, right)| mixes_strings(&left.data_type, &right.data_type))
        }
        (left, right) => left.is_string() != right.is_string(),
    }
}

/// Are the types equal, whatever they say of nulls within?
pub(super) fn same_type(left: &DataType, right: &DataType) -> bool {
    nullable_within(left) == nullable_within(right)
}

fn nullable_within(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Array { element, .. } => DataType::array(nullable_within(element), true),
        DataType::Map { key, value, .. } => DataType::map(nullable_within(key), nullable_within(value), true),
        DataType::Struct { fields } => DataType::Struct {
            fields: fields
                .iter()
                .map(|field| StructField::new(&field.name, nullable_within(&field.data_type), true))
                .collect(),
        },
        other => other.clone(),
    }
}

/// May an element of an array be null?
pub(super) fn contains_null(array: &DataType) -> bool {
    matches!(array, DataType::Array { contains_null: true, .. })
}

/// The element type of an array.
pub(super) fn element_of(array: &DataType) -> DataType {
    match array {
        DataType::Array { element, .. } => (**element).clone(),
        _ => DataType::Null,
    }
}

/// Arguments `array` and `value`, an array and a value, cast so that the value could be an element.
pub(super) fn array_and_value(call: &Call<'_>, array: usize, value: usize) -> SparkResult<(Typed, Typed, DataType)> {
    let (given, item) = (call.argument(array)?.data_type, call.argument(value)?);
    let (list, element) = call.array(array)?;
    let common = wider_without_strings(&element, &item.data_type, call.settings.ansi)
        .filter(|_| given != DataType::Null)
        .ok_or_else(|| diff_types(call, "ARRAY_FUNCTION_DIFF_TYPES", "dataType", "ARRAY", &given, &item.data_type))?;
    let list_type = DataType::array(common.clone(), contains_null(&list.data_type));
    Ok((coerce(list, &list_type, call.settings)?, coerce(item, &common, call.settings)?, common))
}

/// The two arguments, arrays, as arrays of one element type; each still says by itself whether it contains nulls.
pub(super) fn two_arrays(call: &Call<'_>) -> SparkResult<(Typed, Typed, DataType)> {
    call.expect(2..=2)?;
    let given = [call.argument(0)?.data_type, call.argument(1)?.data_type];
    if given.iter().any(|given| !matches!(given, DataType::Array { .. } | DataType::Null)) {
        return Err(diff_types(call, "BINARY_ARRAY_DIFF_TYPES", "arrayType", "ARRAY", &given[0], &given[1]));
    }
    let ((left, left_element), (right, right_element)) = (call.array(0)?, call.array(1)?);
    let common = wider_without_strings(&left_element, &right_element, call.settings.ansi)
        .filter(|_| !given.contains(&DataType::Null))
        .ok_or_else(|| diff_types(call, "BINARY_ARRAY_DIFF_TYPES", "arrayType", "ARRAY", &given[0], &given[1]))?;
    let as_common = |array: Typed| {
        let to = DataType::array(common.clone(), contains_null(&array.data_type));
        coerce(array, &to, call.settings)
    };
    Ok((as_common(left)?, as_common(right)?, common))
}

/// Arguments 0 and 1, a map and a key, with the map's keys and the key in one type; and the map's value type.
pub(super) fn map_and_key(call: &Call<'_>) -> SparkResult<(Typed, Typed, DataType)> {
    let (map, key_type, value_type) = call.map(0)?;
    let key = call.argument(1)?;
    let common = wider_without_strings(&key_type, &key.data_type, call.settings.ansi).ok_or_else(|| {
        diff_types(call, "MAP_FUNCTION_DIFF_TYPES", "dataType", "MAP", &map.data_type, &key.data_type)
    })?;
    let with_null = matches!(map.data_type, DataType::Map { value_contains_null: true, .. } | DataType::Null);
    let map_type = DataType::map(common.clone(), value_type.clone(), with_null);
    Ok((coerce(map, &map_type, call.settings)?, coerce(key, &common, call.settings)?, value_type))
}

pub(super) fn diff_types(
    call: &Call<'_>,
    class: &str,
    parameter: &str,
    required: &str,
    left: &DataType,
    right: &DataType,
) -> SparkError {
    SparkError::new(
        format!("DATATYPE_MISMATCH.{class}"),
        format!("cannot resolve {}: {left} and {right} do not go together", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("functionName", format!("`{}`", call.name))
    .with(parameter, format!("\"{required}\""))
    .with("leftType", format!("\"{left}\""))
    .with("rightType", format!("\"{right}\""))
}

/// `DATATYPE_MISMATCH.NULL_TYPE`
pub(super) fn refuse_null_types(call: &Call<'_>) -> SparkResult<()> {
    if call.arguments.iter().all(|argument| argument.data_type != DataType::Null) {
        return Ok(());
    }
    let error = SparkError::new(
        "DATATYPE_MISMATCH.NULL_TYPE",
        format!("cannot resolve {}: a bare NULL can't be its argument; cast it to a type", call.display()),
    );
    Err(error.with("sqlExpr", format!("\"{}\"", call.display())).with("functionName", format!("`{}`", call.name)))
}

/// An error unless the values of a type have an order.
pub(super) fn expect_order(call: &Call<'_>, data_type: &DataType) -> SparkResult<()> {
    if has_order(data_type) {
        return Ok(());
    }
    let error = SparkError::new(
        "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
        format!("cannot resolve {}: values of type {data_type} have no order", call.display()),
    );
    Err(error
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("functionName", format!("`{}`", call.name))
        .with("dataType", format!("\"{data_type}\"")))
}

fn has_order(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map { .. } | DataType::CalendarInterval | DataType::Variant => false,
        spatial if spatial.is_spatial() => false,
        DataType::Array { element, .. } => has_order(element),
        DataType::Struct { fields } => fields.iter().all(|field| has_order(&field.data_type)),
        _ => true,
    }
}

/// The name that an expression gives a field made of it: a column's, an alias', an extracted field's.
pub(super) fn field_name(value: &Typed) -> Option<String> {
    use datafusion::logical_expr::Expr;
    match &value.expr {
        Expr::Alias(alias) => Some(alias.name.clone()),
        Expr::Column(_) => Some(value.name.clone()),
        Expr::LambdaVariable(variable) => {
            Some(variable.field.as_ref().map_or_else(|| variable.name.clone(), |field| field.name().clone()))
        }
        Expr::ScalarFunction(_) => super::extract::extracted_field(value),
        _ => None,
    }
}
