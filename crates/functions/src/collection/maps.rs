//! Maps: made of keys and values, taken apart, put together.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StringBuilder, StructArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};
use regex::Regex;

use super::coercion::{contains_null, map_and_key, refuse_null_types, wider_without_strings};
use super::keys::{check_keys, comparable, last_entries, normalized};
use super::lists::{Lists, Picks, Rows, element_field, entry_fields, retype};
use super::shape;
use super::structs::wrong_count;
use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::common_type;
use crate::kernel::spark_error;
use crate::typed::Typed;

static MAP: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map", map_kernel));
static CONCAT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_concat", concat_kernel));
static HAS_KEY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_contains_key", has_key_kernel));
static ENTRIES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_entries", entries_kernel));
static KEYS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_keys", keys_kernel));
static VALUES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_values", values_kernel));
static OF_ARRAYS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_of_arrays", of_arrays_kernel));
static OF_ENTRIES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_of_entries", of_entries_kernel));
static OF_TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_map_of_text", of_text_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&MAP, &CONCAT, &HAS_KEY, &ENTRIES, &KEYS, &VALUES, &OF_ARRAYS, &OF_ENTRIES, &OF_TEXT]
        .map(|udf| Arc::clone(udf))
        .to_vec()
}

/// Whether the last value of a key wins, as a constant argument of the functions that make maps.
pub(super) fn policy(call: &Call<'_>) -> Typed {
    Typed::boolean(call.settings.last_map_key_wins)
}

/// A map of these keys and values, which lie as `ends` says: an error if a key is null; or comes twice, if not by the
/// policy the last wins.
pub(super) fn checked_map(
    ends: Rows,
    keys: &ArrayRef,
    values: &ArrayRef,
    target: &ArrowType,
    policy: &ArrayRef,
) -> Result<ArrayRef> {
    let keys = normalized(keys)?;
    let last_wins = policy.as_boolean_opt().is_some_and(|policy| !policy.is_empty() && policy.value(0));
    if !last_wins {
        check_keys(&keys, ends.ranges())?;
        return ends.map(&keys, values, target);
    }
    let (ends, firsts, lasts) = last_entries(&keys, &ends)?;
    let keys = firsts.take(&[&keys], keys.data_type())?;
    let values = lasts.take(&[values], values.data_type())?;
    ends.map(&keys, &values, target)
}

/// An error if a map can't have keys of this type.
pub(super) fn expect_key(call: &Call<'_>, key: &DataType) -> SparkResult<()> {
    let Some(found) = forbidden_key(key) else { return Ok(()) };
    let error = SparkError::new(
        "DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE",
        format!("cannot resolve {}: the keys of a map can't be of type {found}", call.display()),
    );
    Err(error.with("sqlExpr", format!("\"{}\"", call.display())).with("keyType", format!("\"{found}\"")))
}

fn forbidden_key(key: &DataType) -> Option<&DataType> {
    match key {
        DataType::Map { .. } | DataType::Variant => Some(key),
        DataType::Array { element, .. } => forbidden_key(element),
        DataType::Struct { fields } => fields.iter().find_map(|field| forbidden_key(&field.data_type)),
        _ => None,
    }
}

/// `map(key, value, key, value, …)`
pub(super) fn map(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.len() % 2 == 1 {
        return Err(wrong_count(call));
    }
    let keys: Vec<Typed> = call.arguments.iter().step_by(2).cloned().collect();
    let values: Vec<Typed> = call.arguments.iter().skip(1).step_by(2).cloned().collect();
    let with_null = values.iter().any(|value| value.nullable);
    let (keys, key) = in_one_type(call, keys, "CREATE_MAP_KEY_DIFF_TYPES")?;
    let (values, value) = in_one_type(call, values, "CREATE_MAP_VALUE_DIFF_TYPES")?;
    expect_key(call, &key)?;
    let pairs = keys.into_iter().zip(values).flat_map(|(key, value)| [key, value]).chain([policy(call)]).collect();
    Ok(call.shown(shape::call(&MAP, pairs, DataType::map(key, value, with_null), false)?))
}

fn in_one_type(call: &Call<'_>, values: Vec<Typed>, class: &str) -> SparkResult<(Vec<Typed>, DataType)> {
    let types: Vec<DataType> = values.iter().map(|value| value.data_type.clone()).collect();
    let common = common_type(&types, call.settings.ansi).ok_or_else(|| diff_types(call, class, &types))?;
    let values =
        values.into_iter().map(|value| coerce(value, &common, call.settings)).collect::<SparkResult<Vec<_>>>()?;
    Ok((values, common))
}

fn diff_types(call: &Call<'_>, class: &str, types: &[DataType]) -> SparkError {
    let types: Vec<String> = types.iter().map(|data_type| format!("\"{data_type}\"")).collect();
    SparkError::new(
        format!("DATATYPE_MISMATCH.{class}"),
        format!("cannot resolve {}: these have no type in common: {}", call.display(), types.join(", ")),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("functionName", format!("`{}`", call.name))
    .with("dataType", format!("[{}]", types.join(", ")))
}

fn map_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([pairs @ .., policy], target) = shape::split(arrays)? else { return internal_err!("map takes a policy") };
    let (_, fields) = entry_fields(target)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), [Picks::default(), Picks::default()]);
    for row in 0..rows {
        for pair in 0..pairs.len() / 2 {
            picks.iter_mut().for_each(|picks| picks.push(pair, row));
        }
        ends.end(picks[0].len())?;
    }
    let [key_picks, value_picks] = picks;
    let keys: Vec<&ArrayRef> = pairs.iter().step_by(2).collect();
    let values: Vec<&ArrayRef> = pairs.iter().skip(1).step_by(2).collect();
    let keys = key_picks.take(&keys, fields[0].data_type())?;
    let values = value_picks.take(&values, fields[1].data_type())?;
    checked_map(ends, &keys, &values, target, policy)
}

pub(super) fn concat(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.is_empty() {
        let data_type = DataType::map(DataType::STRING, DataType::STRING, true);
        return Ok(call.shown(shape::call(&MAP, vec![policy(call)], data_type, false)?));
    }
    let types: Vec<DataType> = call.arguments.iter().map(|argument| argument.data_type.clone()).collect();
    if !types.iter().all(|data_type| matches!(data_type, DataType::Map { .. })) {
        return Err(diff_types(call, "MAP_CONCAT_DIFF_TYPES", &types));
    }
    let common = types
        .iter()
        .skip(1)
        .try_fold(types[0].clone(), |common, next| wider_without_strings(&common, next, call.settings.ansi))
        .ok_or_else(|| call.data_diff_types(&types))?;
    let nullable = call.arguments.iter().any(|argument| argument.nullable);
    let maps = call
        .arguments
        .iter()
        .map(|map| coerce(map.clone(), &common, call.settings))
        .chain([Ok(policy(call))])
        .collect::<SparkResult<Vec<_>>>()?;
    Ok(call.shown(shape::call(&CONCAT, maps, common, nullable)?))
}

fn concat_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([maps @ .., policy], target) = shape::split(arrays)? else {
        return internal_err!("map_concat takes a policy");
    };
    let (_, fields) = entry_fields(target)?;
    let lists = maps.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
    let keys = lists.iter().map(Lists::keys).collect::<Result<Vec<_>>>()?;
    let values = lists.iter().map(Lists::map_values).collect::<Result<Vec<_>>>()?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), [Picks::default(), Picks::default()]);
    for row in 0..rows {
        let ranges: Option<Vec<_>> = lists.iter().map(|lists| lists.range(row)).collect();
        let Some(ranges) = ranges else {
            ends.null();
            continue;
        };
        for (source, range) in ranges.into_iter().enumerate() {
            picks.iter_mut().for_each(|picks| picks.extend(source, range.clone()));
        }
        ends.end(picks[0].len())?;
    }
    let [key_picks, value_picks] = picks;
    let keys = key_picks.take(&keys.iter().collect::<Vec<_>>(), fields[0].data_type())?;
    let values = value_picks.take(&values.iter().collect::<Vec<_>>(), fields[1].data_type())?;
    checked_map(ends, &keys, &values, target, policy)
}

pub(super) fn contains_key(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    refuse_null_types(call)?;
    let (map, key, _) = map_and_key(call)?;
    // Spark takes the array of the keys for one that may hold nulls.
    Ok(call.shown(shape::call(&HAS_KEY, vec![map, key], DataType::Boolean, true)?))
}

fn has_key_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([map, key], _) = shape::split(arrays)? else { return internal_err!("map_contains_key takes 2 arguments") };
    let lists = Lists::of(map)?;
    let keys = lists.keys()?;
    let [keys, wanted] = comparable([&keys, key])?;
    let found: BooleanArray = (0..rows)
        .map(|row| {
            let mut range = lists.range(row).filter(|_| key.is_valid(row))?;
            Some(range.any(|index| keys.row(index) == wanted.row(row)))
        })
        .collect();
    Ok(Arc::new(found))
}

pub(super) fn entries(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (map, key, value) = call.map(0)?;
    let fields = vec![
        StructField::new("key", key, false),
        StructField::new("value", value, values_contain_null(&map.data_type)),
    ];
    let nullable = map.nullable;
    let data_type = DataType::array(DataType::Struct { fields }, false);
    Ok(call.shown(shape::call(&ENTRIES, vec![map], data_type, nullable)?))
}

pub(super) fn values_contain_null(map: &DataType) -> bool {
    matches!(map, DataType::Map { value_contains_null: true, .. })
}

fn entries_kernel(arrays: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let ([map], target) = shape::split(arrays)? else { return internal_err!("map_entries takes 1 argument") };
    let entries: ArrayRef = Arc::new(map.as_map().entries().clone());
    part_of(map, &entries, target)
}

/// A map's part as an array that lies as the map does.
fn part_of(map: &ArrayRef, part: &ArrayRef, target: &ArrowType) -> Result<ArrayRef> {
    let map = map.as_map();
    let field = element_field(target)?;
    let part = retype(part, field.data_type())?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), map.offsets().clone(), part, map.nulls().cloned())?))
}

pub(super) fn keys(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (map, key, _) = call.map(0)?;
    let nullable = map.nullable;
    Ok(call.shown(shape::call(&KEYS, vec![map], DataType::array(key, true), nullable)?))
}

fn keys_kernel(arrays: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let ([map], target) = shape::split(arrays)? else { return internal_err!("map_keys takes 1 argument") };
    part_of(map, map.as_map().keys(), target)
}

pub(super) fn values(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (map, _, value) = call.map(0)?;
    let nullable = map.nullable;
    Ok(call.shown(shape::call(&VALUES, vec![map], DataType::array(value, true), nullable)?))
}

fn values_kernel(arrays: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let ([map], target) = shape::split(arrays)? else { return internal_err!("map_values takes 1 argument") };
    part_of(map, map.as_map().values(), target)
}

pub(super) fn from_arrays(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let ((keys, key), (values, value)) = (call.array(0)?, call.array(1)?);
    expect_key(call, &key)?;
    let data_type = DataType::map(key, value, contains_null(&values.data_type));
    let nullable = keys.nullable || values.nullable;
    Ok(call.shown(shape::call(&OF_ARRAYS, vec![keys, values, policy(call)], data_type, nullable)?))
}

fn of_arrays_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([keys, values, policy], target) = shape::split(arrays)? else {
        return internal_err!("map_from_arrays takes 2 arguments and a policy");
    };
    let (_, fields) = entry_fields(target)?;
    let (keys, values) = (Lists::of(keys)?, Lists::of(values)?);
    let (mut ends, mut key_picks, mut value_picks) = (Rows::with_capacity(rows), Picks::default(), Picks::default());
    for row in 0..rows {
        let (Some(key_range), Some(value_range)) = (keys.range(row), values.range(row)) else {
            ends.null();
            continue;
        };
        if key_range.len() != value_range.len() {
            let (keys, values) = (key_range.len(), value_range.len());
            let message = format!("a map needs as many values as keys, and there are {keys} keys and {values} values");
            return Err(spark_error(SparkError::new("_LEGACY_ERROR_TEMP_2128", message)));
        }
        key_picks.extend(0, key_range);
        value_picks.extend(0, value_range);
        ends.end(key_picks.len())?;
    }
    let keys = key_picks.take(&[&keys.values], fields[0].data_type())?;
    let values = value_picks.take(&[&values.values], fields[1].data_type())?;
    checked_map(ends, &keys, &values, target, policy)
}

/// Null if an entry is.
pub(super) fn from_entries(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (array, element) = call.array(0)?;
    let DataType::Struct { fields } = &element else {
        return Err(call.unexpected(0, &array.data_type, "ARRAY\" of pair \"STRUCT"));
    };
    let [key, value] = fields.as_slice() else {
        return Err(call.unexpected(0, &array.data_type, "ARRAY\" of pair \"STRUCT"));
    };
    expect_key(call, &key.data_type)?;
    let data_type = DataType::map(key.data_type.clone(), value.data_type.clone(), value.nullable);
    let nullable = array.nullable || contains_null(&array.data_type);
    Ok(call.shown(shape::call(&OF_ENTRIES, vec![array, policy(call)], data_type, nullable)?))
}

fn of_entries_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, policy], target) = shape::split(arrays)? else {
        return internal_err!("map_from_entries takes 1 argument and a policy");
    };
    let (_, fields) = entry_fields(target)?;
    let lists = Lists::of(array)?;
    let entries: &StructArray = lists.values.as_struct();
    let (mut ends, mut picks) = (Rows::with_capacity(rows), [Picks::default(), Picks::default()]);
    for row in 0..rows {
        match lists.range(row) {
            Some(range) if range.clone().all(|index| entries.is_valid(index)) => {
                picks.iter_mut().for_each(|picks| picks.extend(0, range.clone()));
                ends.end(picks[0].len())?;
            }
            _ => ends.null(),
        }
    }
    let [key_picks, value_picks] = picks;
    let keys = key_picks.take(&[entries.column(0)], fields[0].data_type())?;
    let values = value_picks.take(&[entries.column(1)], fields[1].data_type())?;
    checked_map(ends, &keys, &values, target, policy)
}

/// `str_to_map(text, between pairs, between key and value)`: the last two are regular expressions.
pub(super) fn from_text(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=3)?;
    let pairs = if call.has(1) { call.text(1)? } else { Typed::string(",") };
    let key_value = if call.has(2) { call.text(2)? } else { Typed::string(":") };
    let mut arguments = vec![call.text(0)?, pairs, key_value];
    let nullable = arguments.iter().any(|argument| argument.nullable);
    let name = crate::typed::default_name(call.name, &arguments);
    arguments.push(policy(call));
    let data_type = DataType::map(DataType::STRING, DataType::STRING, true);
    Ok(shape::call(&OF_TEXT, arguments, data_type, nullable)?.named(name))
}

fn of_text_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([text, pairs, key_value, policy], target) = shape::split(arrays)? else {
        return internal_err!("str_to_map takes 3 arguments and a policy");
    };
    let [texts, pairs, key_values] = [text, pairs, key_value].map(|array| array.as_string::<i32>());
    let (mut keys, mut values) = (StringBuilder::new(), StringBuilder::new());
    let (mut ends, mut count) = (Rows::with_capacity(rows), 0);
    let mut patterns = [Pattern::default(), Pattern::default()];
    for row in 0..rows {
        if texts.is_null(row) || pairs.is_null(row) || key_values.is_null(row) {
            ends.null();
            continue;
        }
        let [pair_pattern, key_pattern] = &mut patterns;
        let (pair_pattern, key_pattern) = (pair_pattern.of(pairs.value(row))?, key_pattern.of(key_values.value(row))?);
        for pair in pair_pattern.split(texts.value(row)) {
            let mut parts = key_pattern.splitn(pair, 2);
            keys.append_option(parts.next());
            values.append_option(parts.next());
            count += 1;
        }
        ends.end(count)?;
    }
    let (keys, values): (ArrayRef, ArrayRef) = (Arc::new(keys.finish()), Arc::new(values.finish()));
    checked_map(ends, &keys, &values, target, policy)
}

/// The regular expression of the rows before, which is most often that of the next one.
#[derive(Default)]
struct Pattern(Option<(String, Regex)>);

impl Pattern {
    fn of(&mut self, text: &str) -> Result<&Regex> {
        let known = self.0.take().filter(|(known, _)| known == text);
        let entry = match known {
            Some(entry) => entry,
            None => (text.to_owned(), Regex::new(text).map_err(|error| invalid_pattern(text, &error))?),
        };
        Ok(&self.0.insert(entry).1)
    }
}

fn invalid_pattern(text: &str, error: &regex::Error) -> datafusion::common::DataFusionError {
    let error = SparkError::new("INVALID_PARAMETER_VALUE.PATTERN", format!("{text} is no regular expression: {error}"));
    spark_error(
        error.with("parameter", "`pairDelim`").with("functionName", "`str_to_map`").with("value", format!("'{text}'")),
    )
}
