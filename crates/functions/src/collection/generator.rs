//! Generators: arrays of structs whose fields are the columns. The resolver makes rows of them; null and no elements are
//! no row, or a row of nulls for the `…_outer` ones.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StructArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::lists::{Lists, Picks, Rows, element_type, retype};
use super::maps::values_contain_null;
use super::shape;
use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::common_type;
use crate::typed::Typed;

static EXPLODE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_explode", explode_kernel));
static INLINE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_inline", inline_kernel));
static STACK: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_stack", stack_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&EXPLODE, &INLINE, &STACK].map(|udf| Arc::clone(udf)).to_vec()
}

pub(super) fn explode(call: &Call<'_>) -> SparkResult<Typed> {
    explode_as(call, false, false)
}

pub(super) fn explode_outer(call: &Call<'_>) -> SparkResult<Typed> {
    explode_as(call, false, true)
}

pub(super) fn posexplode(call: &Call<'_>) -> SparkResult<Typed> {
    explode_as(call, true, false)
}

pub(super) fn posexplode_outer(call: &Call<'_>) -> SparkResult<Typed> {
    explode_as(call, true, true)
}

fn explode_as(call: &Call<'_>, with_position: bool, outer: bool) -> SparkResult<Typed> {
    call.require("collection")?;
    call.expect(1..=1)?;
    let collection = call.argument(0)?;
    let mut fields = Vec::new();
    if with_position {
        fields.push(StructField::new("pos", DataType::Integer, outer));
    }
    match &collection.data_type {
        DataType::Array { element, contains_null } => {
            fields.push(StructField::new("col", (**element).clone(), outer || *contains_null));
        }
        map @ DataType::Map { key, value, .. } => {
            fields.push(StructField::new("key", (**key).clone(), outer));
            fields.push(StructField::new("value", (**value).clone(), outer || values_contain_null(map)));
        }
        other => return Err(call.unexpected(0, other, "ARRAY\" or \"MAP")),
    }
    rows_of(call, &EXPLODE, vec![collection], fields)
}

fn rows_of(
    call: &Call<'_>,
    function: &Arc<ScalarUDF>,
    arguments: Vec<Typed>,
    fields: Vec<StructField>,
) -> SparkResult<Typed> {
    let nullable = arguments.iter().any(|argument| argument.nullable);
    let data_type = DataType::array(DataType::Struct { fields }, false);
    Ok(call.shown(shape::call(function, arguments, data_type, nullable)?))
}

/// The columns of a map are two, of an array one; a position stands before them if there is one column more.
fn explode_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([collection], target) = shape::split(arrays)? else { return internal_err!("explode takes 1 argument") };
    let ArrowType::Struct(fields) = element_type(target)? else { return internal_err!("explode gives structs") };
    let lists = Lists::of(collection)?;
    let columns = match collection.data_type() {
        ArrowType::Map(_, _) => vec![lists.keys()?, lists.map_values()?],
        _ => vec![Arc::clone(&lists.values)],
    };
    let mut ends = Rows::with_capacity(rows);
    let mut positions: Vec<i32> = Vec::new();
    let mut picks: Vec<Picks> = columns.iter().map(|_| Picks::default()).collect();
    for row in 0..rows {
        let Some(range) = lists.range(row) else {
            ends.null();
            continue;
        };
        positions.extend(0..range.len() as i32);
        picks.iter_mut().for_each(|picks| picks.extend(0, range.clone()));
        ends.end(positions.len())?;
    }
    let with_position = fields.len() > columns.len();
    let count = positions.len();
    let mut taken: Vec<ArrayRef> = if with_position { vec![Arc::new(Int32Array::from(positions))] } else { Vec::new() };
    let values = fields.iter().skip(usize::from(with_position));
    for (picks, (column, field)) in picks.into_iter().zip(columns.iter().zip(values)) {
        taken.push(picks.take(&[column], field.data_type())?);
    }
    let structs: ArrayRef = Arc::new(StructArray::try_new_with_length(fields.clone(), taken, None, count)?);
    ends.list(&structs, target)
}

pub(super) fn inline(call: &Call<'_>) -> SparkResult<Typed> {
    inline_as(call, false)
}

pub(super) fn inline_outer(call: &Call<'_>) -> SparkResult<Typed> {
    inline_as(call, true)
}

/// A null struct is a row of nulls.
fn inline_as(call: &Call<'_>, outer: bool) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let array = call.argument(0)?;
    let fields = match &array.data_type {
        DataType::Array { element, contains_null } => match &**element {
            DataType::Struct { fields } => fields
                .iter()
                .map(|field| StructField { nullable: outer || *contains_null || field.nullable, ..field.clone() })
                .collect(),
            _ => return Err(call.unexpected(0, &array.data_type, "ARRAY<STRUCT>")),
        },
        other => return Err(call.unexpected(0, other, "ARRAY<STRUCT>")),
    };
    rows_of(call, &INLINE, vec![array], fields)
}

fn inline_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array], target) = shape::split(arrays)? else { return internal_err!("inline takes 1 argument") };
    let ArrowType::Struct(fields) = element_type(target)? else { return internal_err!("inline gives structs") };
    let lists = Lists::of(array)?;
    let structs = lists.values.as_struct();
    let mut ends = Rows::with_capacity(rows);
    let mut picks: Vec<Picks> = fields.iter().map(|_| Picks::default()).collect();
    let mut count = 0;
    for row in 0..rows {
        let Some(range) = lists.range(row) else {
            ends.null();
            continue;
        };
        count += range.len();
        for index in range {
            picks.iter_mut().for_each(|picks| picks.push_option(0, structs.is_valid(index).then_some(index)));
        }
        ends.end(count)?;
    }
    let columns = picks
        .into_iter()
        .zip(structs.columns().iter().zip(fields))
        .map(|(picks, (column, field))| picks.take(&[column], field.data_type()))
        .collect::<Result<Vec<_>>>()?;
    let structs: ArrayRef = Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, count)?);
    ends.list(&structs, target)
}

/// `stack(n, values…)`: the values in `n` rows, filled up with nulls.
pub(super) fn stack(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    let count = call.int(0)?;
    let given = call.argument(0)?.data_type;
    let rows = match count.folded() {
        Some(ScalarValue::Int32(Some(rows))) if !given.is_string() => i64::from(rows),
        // A text that is no number, or null.
        Some(_) => return Err(call.unexpected(0, &given, "INT")),
        None if given.is_string() => return Err(call.unexpected(0, &given, "INT")),
        _ => return Err(count_is_no_constant(call, &count)),
    };
    if rows <= 0 {
        return Err(count_out_of_range(call, rows));
    }
    let rows = rows as usize;
    let width = (call.arguments.len() - 1).div_ceil(rows);
    let mut values = call.arguments[1..].to_vec();
    let mut fields = Vec::new();
    for column in 0..width {
        let indices = || (column..call.arguments.len() - 1).step_by(width);
        let types: Vec<DataType> = indices().map(|index| values[index].data_type.clone()).collect();
        let known = types.iter().find(|data_type| **data_type != DataType::Null).unwrap_or(&DataType::Null);
        if let Some(other) =
            types.iter().position(|found| *found != DataType::Null && !super::coercion::same_type(found, known))
        {
            return Err(column_types(call, column, width, &types, other));
        }
        let common = common_type(&types, call.settings.ansi).ok_or_else(|| call.data_diff_types(&types))?;
        for index in indices() {
            values[index] = coerce(values[index].clone(), &common, call.settings)?;
        }
        fields.push(StructField::new(format!("col{column}"), common, true));
    }
    let data_type = DataType::array(DataType::Struct { fields }, false);
    values.insert(0, Typed::int(rows as i32));
    Ok(call.shown(shape::call(&STACK, values, data_type, false)?))
}

fn count_is_no_constant(call: &Call<'_>, count: &Typed) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
        format!("cannot resolve {}: the number of rows must be a constant", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("inputName", "`n`")
    .with("inputType", "\"INT\"")
    .with("inputExpr", format!("\"{}\"", count.name))
}

fn count_out_of_range(call: &Call<'_>, rows: i64) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        format!("cannot resolve {}: the number of rows must be more than 0, not {rows}", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("exprName", "`n`")
    .with("valueRange", "(0, 2147483647]")
    .with("currentValue", rows.to_string())
}

fn column_types(call: &Call<'_>, column: usize, width: usize, types: &[DataType], other: usize) -> SparkError {
    let first = types.iter().position(|data_type| *data_type != DataType::Null).unwrap_or_default();
    SparkError::new(
        "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
        format!("cannot resolve {}: column {column} is {} and {}", call.display(), types[first], types[other]),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("columnIndex", column.to_string())
    .with("leftParamIndex", (column + first * width + 1).to_string())
    .with("leftType", format!("\"{}\"", types[first]))
    .with("rightParamIndex", (column + other * width + 1).to_string())
    .with("rightType", format!("\"{}\"", types[other]))
}

fn stack_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([count, values @ ..], target) = shape::split(arrays)? else { return internal_err!("stack takes values") };
    let ArrowType::Struct(fields) = element_type(target)? else { return internal_err!("stack gives structs") };
    let counts = count.as_primitive::<arrow::datatypes::Int32Type>();
    let mut ends = Rows::with_capacity(rows);
    let mut picks: Vec<Picks> = fields.iter().map(|_| Picks::default()).collect();
    let mut total = 0;
    for row in 0..rows {
        let count = counts.value(row) as usize;
        picks.iter().try_for_each(|picks| picks.expect_room(count as i64))?;
        for line in 0..count {
            for (column, picks) in picks.iter_mut().enumerate() {
                let index = line * fields.len() + column;
                if index < values.len() { picks.push(line, row) } else { picks.push_null() }
            }
        }
        total += count;
        ends.end(total)?;
    }
    let columns = picks
        .into_iter()
        .zip(fields)
        .enumerate()
        .map(|(column, (picks, field))| {
            let sources = values.iter().skip(column).step_by(fields.len());
            let sources = sources.map(|source| retype(source, field.data_type())).collect::<Result<Vec<_>>>()?;
            picks.take(&sources.iter().collect::<Vec<_>>(), field.data_type())
        })
        .collect::<Result<Vec<_>>>()?;
    let structs: ArrayRef = Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, total)?);
    ends.list(&structs, target)
}
