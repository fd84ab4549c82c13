//! `transform_keys`, `transform_values`, `map_filter` and `map_zip_with`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray};
use datafusion::common::Result;
use datafusion::logical_expr::HigherOrderUDF;
use firesteel_spec::{DataType, SparkResult};

use super::super::coercion::{diff_types, wider_without_strings};
use super::super::keys::comparable;
use super::super::lists::{Lists, Picks, Rows};
use super::super::maps::{checked_map, expect_key, policy, values_contain_null};
use super::array::kept;
use super::invocation::{Flat, Invocation, LambdaUdf};
use super::{higher_order, lambda, lambda_of};
use crate::call::Call;
use crate::cast::coerce;
use crate::typed::Typed;

static KEYS: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_transform_keys", key_and_value, keys_kernel));
static VALUES: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_transform_values", key_and_value, values_kernel));
static FILTER: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_map_filter", key_and_value, filter_kernel));
static ZIP: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_map_zip_with", key_and_two_values, zip_kernel));

pub(super) fn implementations() -> Vec<Arc<HigherOrderUDF>> {
    [&KEYS, &VALUES, &FILTER, &ZIP].map(|udf| Arc::clone(udf)).to_vec()
}

fn key_and_value(values: &[DataType]) -> Vec<Vec<(DataType, bool)>> {
    let Some(DataType::Map { key, value, value_contains_null }) = values.first() else { return Vec::new() };
    vec![vec![((**key).clone(), false), ((**value).clone(), *value_contains_null)]]
}

fn key_and_two_values(values: &[DataType]) -> Vec<Vec<(DataType, bool)>> {
    let [DataType::Map { key, value: left, .. }, DataType::Map { value: right, .. }] = values else {
        return Vec::new();
    };
    vec![vec![((**key).clone(), false), ((**left).clone(), true), ((**right).clone(), true)]]
}

pub(in super::super) fn transform_keys(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let ((map, _, value), body) = (call.map(0)?, lambda(call, 1)?);
    expect_key(call, &body.data_type)?;
    let data_type = DataType::map(body.data_type.clone(), value, values_contain_null(&map.data_type));
    let nullable = map.nullable;
    Ok(call.shown(higher_order(&KEYS, vec![map, policy(call)], vec![body], data_type, nullable)))
}

fn keys_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let flat = Flat::of(call.value(0)?)?;
    let (keys, values) = (flat.column(0), flat.column(1));
    let answers = call.lambda(0)?.evaluate(&[keys, Arc::clone(&values)], &flat.outer)?;
    checked_map(flat.ends, &answers, &values, call.target, call.value(1)?)
}

pub(in super::super) fn transform_values(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let ((map, key, _), body) = (call.map(0)?, lambda(call, 1)?);
    let data_type = DataType::map(key, body.data_type.clone(), body.nullable);
    let nullable = map.nullable;
    Ok(call.shown(higher_order(&VALUES, vec![map], vec![body], data_type, nullable)))
}

fn values_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let flat = Flat::of(call.value(0)?)?;
    let (keys, values) = (flat.column(0), flat.column(1));
    let answers = call.lambda(0)?.evaluate(&[Arc::clone(&keys), values], &flat.outer)?;
    flat.ends.map(&keys, &answers, call.target)
}

pub(in super::super) fn map_filter(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let ((map, _, _), body) = (call.map(0)?, lambda_of(call, 1, &DataType::Boolean)?);
    let (data_type, nullable) = (map.data_type.clone(), map.nullable);
    Ok(call.shown(higher_order(&FILTER, vec![map], vec![body], data_type, nullable)))
}

fn filter_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let map = call.value(0)?;
    let flat = Flat::of(map)?;
    let answers = call.lambda(0)?.evaluate(&[flat.column(0), flat.column(1)], &flat.outer)?;
    let (ends, entries) = kept(map, &flat, &answers)?;
    let entries = entries.as_struct();
    ends.map(entries.column(0), entries.column(1), call.target)
}

pub(in super::super) fn map_zip_with(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let ((left, left_key, left_value), (right, right_key, right_value)) = (call.map(0)?, call.map(1)?);
    let body = lambda(call, 2)?;
    let key = wider_without_strings(&left_key, &right_key, call.settings.ansi)
        .ok_or_else(|| diff_types(call, "MAP_ZIP_WITH_DIFF_TYPES", "dataType", "MAP", &left_key, &right_key))?;
    let nullable = left.nullable || right.nullable;
    let with_key = |map: Typed, value: DataType| {
        let to = DataType::map(key.clone(), value, values_contain_null(&map.data_type));
        coerce(map, &to, call.settings)
    };
    let maps = vec![with_key(left, left_value)?, with_key(right, right_value)?];
    let data_type = DataType::map(key.clone(), body.data_type.clone(), body.nullable);
    Ok(call.shown(higher_order(&ZIP, maps, vec![body], data_type, nullable)))
}

/// The keys of the first map, then those that only the second has.
fn zip_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let (left, right) = (Lists::of(call.value(0)?)?, Lists::of(call.value(1)?)?);
    let (left_keys, right_keys) = (left.keys()?, right.keys()?);
    let [left_rows, right_rows] = comparable([&left_keys, &right_keys])?;
    let mut ends = Rows::with_capacity(call.rows);
    let [mut keys, mut firsts, mut seconds] = [Picks::default(), Picks::default(), Picks::default()];
    let (mut others, mut used) = (HashMap::new(), HashSet::new());
    for row in 0..call.rows {
        let (Some(first), Some(second)) = (left.range(row), right.range(row)) else {
            ends.null();
            continue;
        };
        others.clear();
        used.clear();
        others.extend(second.clone().map(|index| (right_rows.row(index), index)));
        for index in first {
            let other = others.get(&left_rows.row(index)).copied();
            used.extend(other);
            keys.push(0, index);
            firsts.push(0, index);
            seconds.push_option(0, other);
        }
        for index in second.filter(|index| !used.contains(index)) {
            keys.push(1, index);
            firsts.push_null();
            seconds.push(0, index);
        }
        ends.end(keys.len())?;
    }
    let keys = keys.take(&[&left_keys, &right_keys], left_keys.data_type())?;
    let (left_values, right_values) = (left.map_values()?, right.map_values()?);
    let firsts = firsts.take(&[&left_values], left_values.data_type())?;
    let seconds = seconds.take(&[&right_values], right_values.data_type())?;
    let answers = call.lambda(0)?.evaluate(&[Arc::clone(&keys), firsts, seconds], &ends.row_numbers())?;
    ends.map(&keys, &answers, call.target)
}
