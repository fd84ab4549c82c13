//! One part of a whole: a struct's field, an array's element, a map's value.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray};
use arrow::compute::nullif;
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::logical_expr::{Expr, ScalarUDF};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::coercion::{contains_null, map_and_key};
use super::edit::index_of_zero;
use super::keys::comparable;
use super::lists::{Lists, Picks, element_field, retype};
use super::shape;
use crate::call::Call;
use crate::cast::coerce;
use crate::kernel::spark_error;
use crate::typed::Typed;

/// Unlike DataFusion's `get_field` this gives null for a null struct, whatever lies below; and it goes by position, since
/// several fields may share a name.
static FIELD: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_field", field_kernel));
static FIELDS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_field_of_each", fields_kernel));
static ITEM: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_item", item_kernel));
static MAP_VALUE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_value", value_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&FIELD, &FIELDS, &ITEM, &MAP_VALUE].map(|udf| Arc::clone(udf)).to_vec()
}

/// `child[key]`, and `child.key`: what that is depends on the child's type.
pub(super) fn extract_value(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (child, key) = (call.argument(0)?, call.argument(1)?);
    match &child.data_type {
        DataType::Struct { fields } => {
            let name = field_key(&key)?;
            struct_field_named(&child, find(fields, name)?, name)
        }
        DataType::Array { element, .. } => match (&**element, key.text()) {
            (DataType::Struct { fields }, Some(name)) => field_of_each(&child, find(fields, name)?, name),
            _ => array_item(call, child, key),
        },
        DataType::Map { key: key_type, value, .. } => {
            let name = format!("{}[{}]", child.name, key.name);
            let (key_type, value) = ((**key_type).clone(), (**value).clone());
            let key = call.cast(1, &key_type)?;
            Ok(shape::call(&MAP_VALUE, vec![child, key], value, true)?.named(name))
        }
        other => Err(SparkError::new(
            "INVALID_EXTRACT_BASE_FIELD_TYPE",
            format!("{} is {other}: only structs, arrays and maps have parts to take", child.name),
        )
        .with("base", format!("\"{}\"", child.name))
        .with("other", format!("\"{other}\""))),
    }
}

fn field_key(key: &Typed) -> SparkResult<&str> {
    key.text().ok_or_else(|| {
        SparkError::new("INVALID_EXTRACT_FIELD_TYPE", format!("a field's name is constant text, not {}", key.name))
            .with("extraction", format!("\"{}\"", key.name))
    })
}

/// The position of the field of this name, in any case.
fn find(fields: &[StructField], name: &str) -> SparkResult<usize> {
    let found: Vec<usize> = (0..fields.len()).filter(|index| fields[*index].name.eq_ignore_ascii_case(name)).collect();
    match found.as_slice() {
        [index] => Ok(*index),
        [] => {
            let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            let names = names.join(", ");
            let error = SparkError::new("FIELD_NOT_FOUND", format!("the struct has no field {name}; it has {names}"));
            Err(error.with("fieldName", format!("`{name}`")).with("fields", names))
        }
        several => Err(SparkError::new(
            "AMBIGUOUS_REFERENCE_TO_FIELDS",
            format!("the struct has {} fields of the name {name}", several.len()),
        )
        .with("field", format!("`{name}`"))
        .with("count", several.len().to_string())),
    }
}

/// A struct's field by its position.
pub(super) fn struct_field(base: &Typed, index: usize) -> SparkResult<Typed> {
    let name = match &base.data_type {
        DataType::Struct { fields } => fields.get(index).map(|field| field.name.clone()),
        _ => None,
    };
    struct_field_named(base, index, &name.unwrap_or_default())
}

fn struct_field_named(base: &Typed, index: usize, name: &str) -> SparkResult<Typed> {
    let DataType::Struct { fields } = &base.data_type else {
        return Err(SparkError::internal(format!("{} is no struct", base.name)));
    };
    let (data_type, nullable) = (fields[index].data_type.clone(), base.nullable || fields[index].nullable);
    let arguments = vec![base.clone(), Typed::int(index as i32), Typed::string(name)];
    Ok(shape::call(&FIELD, arguments, data_type, nullable)?.named(format!("{}.{name}", base.name)))
}

fn field_of_each(base: &Typed, index: usize, name: &str) -> SparkResult<Typed> {
    let DataType::Array { element, contains_null } = &base.data_type else {
        return Err(SparkError::internal(format!("{} is no array", base.name)));
    };
    let DataType::Struct { fields } = &**element else {
        return Err(SparkError::internal(format!("{} is no array of structs", base.name)));
    };
    let data_type = DataType::array(fields[index].data_type.clone(), *contains_null || fields[index].nullable);
    let arguments = vec![base.clone(), Typed::int(index as i32), Typed::string(name)];
    Ok(shape::call(&FIELDS, arguments, data_type, base.nullable)?.named(format!("{}.{name}", base.name)))
}

/// The name of the field that an expression takes out of a struct, if it does that.
pub(super) fn extracted_field(value: &Typed) -> Option<String> {
    match &value.expr {
        Expr::ScalarFunction(function) if matches!(function.func.name(), "spark_field" | "spark_field_of_each") => {
            match function.args.get(2) {
                Some(Expr::Literal(ScalarValue::Utf8(name), _)) => name.clone(),
                _ => None,
            }
        }
        _ => None,
    }
}

fn field_kernel(arrays: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let ([base, index, _], target) = shape::split(arrays)? else { return internal_err!("a field takes 3 arguments") };
    if base.is_empty() {
        return Ok(arrow::array::new_empty_array(target));
    }
    let index = index.as_primitive::<Int32Type>().value(0) as usize;
    retype(&masked_field(base, index)?, target)
}

fn masked_field(base: &ArrayRef, index: usize) -> Result<ArrayRef> {
    let structs = base.as_struct_opt().ok_or_else(|| internal_datafusion_err!("{} is no struct", base.data_type()))?;
    let column = structs.column(index);
    match structs.nulls() {
        Some(nulls) if nulls.null_count() > 0 && !column.nulls().is_some_and(|own| own.contains(nulls)) => {
            Ok(nullif(column, &BooleanArray::new(!nulls.inner(), None))?)
        }
        _ => Ok(Arc::clone(column)),
    }
}

fn fields_kernel(arrays: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let ([base, index, _], target) = shape::split(arrays)? else { return internal_err!("a field takes 3 arguments") };
    if base.is_empty() {
        return Ok(arrow::array::new_empty_array(target));
    }
    let index = index.as_primitive::<Int32Type>().value(0) as usize;
    let list = base.as_list::<i32>();
    let field = element_field(target)?;
    let values = retype(&masked_field(list.values(), index)?, field.data_type())?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), list.offsets().clone(), values, list.nulls().cloned())?))
}

/// How an index that no element has is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lookup {
    /// From 0; null outside.
    Get,
    /// From 0; an error outside.
    Bracket,
    /// From 1, or from -1 at the end; an error outside.
    ElementAt,
    /// From 1, or from -1 at the end; null outside.
    TryElementAt,
}

impl Lookup {
    const ALL: [Self; 4] = [Self::Get, Self::Bracket, Self::ElementAt, Self::TryElementAt];

    fn find(self, index: i64, length: usize) -> Result<Option<usize>> {
        let from_zero = match self {
            Self::Get | Self::Bracket => index,
            Self::ElementAt | Self::TryElementAt if index == 0 => return Err(spark_error(index_of_zero())),
            Self::ElementAt | Self::TryElementAt if index > 0 => index - 1,
            Self::ElementAt | Self::TryElementAt => index.saturating_add(length as i64),
        };
        if (0..length as i64).contains(&from_zero) {
            return Ok(Some(from_zero as usize));
        }
        let (class, instead) = match self {
            Self::Get | Self::TryElementAt => return Ok(None),
            Self::Bracket => ("INVALID_ARRAY_INDEX", "get"),
            Self::ElementAt => ("INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "try_element_at"),
        };
        let message =
            format!("the array has {length} elements, and none at {index}; {instead}() gives null for such an index");
        let error = SparkError::new(class, message);
        Err(spark_error(error.with("indexValue", index.to_string()).with("arraySize", length.to_string())))
    }
}

fn item(array: Typed, index: Typed, lookup: Lookup, call: &Call<'_>) -> SparkResult<Typed> {
    let element = super::coercion::element_of(&array.data_type);
    let nullable = index.integer().and_then(|index| is_known_valid(&array, index, lookup)) != Some(true);
    let lookup = Lookup::ALL.iter().position(|known| *known == lookup).unwrap_or_default();
    let index = coerce(index, &DataType::Long, call.settings)?;
    shape::call(&ITEM, vec![array, index, Typed::int(lookup as i32)], element, nullable)
}

/// Is the element there and not null, as far as an array tells that is built of so many expressions?
fn is_known_valid(array: &Typed, index: i64, lookup: Lookup) -> Option<bool> {
    let Expr::ScalarFunction(function) = &array.expr else { return None };
    if function.func.name() != "spark_array" {
        return None;
    }
    // The last two arguments say the array's type.
    let elements = function.args.get(..function.args.len().checked_sub(2)?)?;
    match &elements[lookup.find(index, elements.len()).ok()??] {
        Expr::Literal(value, _) => Some(!value.is_null()),
        _ => Some(!contains_null(&array.data_type)),
    }
}

fn array_item(call: &Call<'_>, array: Typed, index: Typed) -> SparkResult<Typed> {
    let name = format!("{}[{}]", array.name, index.name);
    if !index.data_type.is_integral() && index.data_type != DataType::Null {
        let error = call.unexpected(1, &index.data_type, "INTEGRAL");
        return Err(error.with("sqlExpr", format!("\"{name}\"")));
    }
    let lookup = if call.settings.ansi { Lookup::Bracket } else { Lookup::Get };
    Ok(item(array, index, lookup, call)?.named(name))
}

pub(super) fn get(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    if call.argument(0)?.data_type == DataType::Null {
        return Err(call.unexpected(0, &DataType::Null, "ARRAY"));
    }
    let (array, _) = call.array(0)?;
    let mut typed = item(array, call.int(1)?, Lookup::Get, call)?;
    // Text may be no number.
    typed.nullable |= call.argument(1)?.data_type.is_string();
    Ok(call.shown(typed))
}

pub(super) fn element_at(call: &Call<'_>) -> SparkResult<Typed> {
    element(call, if call.settings.ansi { Lookup::ElementAt } else { Lookup::TryElementAt })
}

pub(super) fn try_element_at(call: &Call<'_>) -> SparkResult<Typed> {
    element(call, Lookup::TryElementAt)
}

fn element(call: &Call<'_>, lookup: Lookup) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    if let DataType::Map { .. } = call.argument(0)?.data_type {
        let (map, key, value) = map_and_key(call)?;
        return Ok(call.shown(shape::call(&MAP_VALUE, vec![map, key], value, true)?));
    }
    let (collection, index) = (call.argument(0)?.data_type, call.argument(1)?.data_type);
    if collection == DataType::Null {
        return Err(call.unexpected(0, &collection, "ARRAY\" or \"MAP"));
    }
    let (array, _) = call.array(0)?;
    if !index.is_integral() {
        return Err(call.unexpected(1, &index, "INT"));
    }
    Ok(call.shown(item(array, call.int(1)?, lookup, call)?))
}

fn item_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, index, lookup], target) = shape::split(arrays)? else {
        return internal_err!("an element takes 3 arguments");
    };
    let (indices, lookups) = (index.as_primitive::<Int64Type>(), lookup.as_primitive::<Int32Type>());
    let lists = Lists::of(array)?;
    let mut picks = Picks::default();
    for row in 0..rows {
        let found = match lists.range(row) {
            Some(range) if indices.is_valid(row) => Lookup::ALL[lookups.value(row) as usize]
                .find(indices.value(row), range.len())?
                .map(|index| range.start + index),
            _ => None,
        };
        picks.push_option(0, found);
    }
    picks.take(&[&lists.values], target)
}

fn value_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([map, key], target) = shape::split(arrays)? else { return internal_err!("a map's value takes 2 arguments") };
    let lists = Lists::of(map)?;
    let (keys, values) = (lists.keys()?, lists.map_values()?);
    let [keys, wanted] = comparable([&keys, key])?;
    let mut picks = Picks::default();
    for row in 0..rows {
        let range = lists.range(row).filter(|_| key.is_valid(row)).unwrap_or_default();
        let found = range.into_iter().find(|index| keys.row(*index) == wanted.row(row));
        picks.push_option(0, found);
    }
    picks.take(&[&values], target)
}
