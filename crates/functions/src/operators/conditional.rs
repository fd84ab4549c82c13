//! `CASE` and what is made of it.

use datafusion::logical_expr::{Case, Expr};
use firesteel_spec::{DataType, SparkResult};

use super::{comparison, logic};
use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::common_type;
use crate::typed::Typed;

/// `when(condition, value, condition, value, …, else)`
pub(super) fn when(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    let pairs = call.arguments.len() / 2;
    let mut name = "CASE".to_owned();
    let mut values = Vec::with_capacity(pairs + 1);
    for pair in 0..pairs {
        let (condition, value) = (&call.arguments[2 * pair], &call.arguments[2 * pair + 1]);
        name.push_str(&format!(" WHEN {} THEN {}", condition.name, value.name));
        values.push(value.clone());
    }
    let otherwise = if call.arguments.len() % 2 == 1 { call.arguments.last() } else { None };
    if let Some(otherwise) = otherwise {
        name.push_str(&format!(" ELSE {}", otherwise.name));
        values.push(otherwise.clone());
    }
    name.push_str(" END");
    let conditions =
        (0..pairs).map(|pair| call.cast_no_text(2 * pair, &DataType::Boolean)).collect::<SparkResult<Vec<_>>>()?;
    choose(call, conditions, values).map(|typed| typed.named(name))
}

pub(super) fn if_else(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let names: Vec<&str> = call.arguments.iter().map(|argument| argument.name.as_str()).collect();
    let name = format!("(IF({}))", names.join(", "));
    let condition = call.cast_no_text(0, &DataType::Boolean)?;
    choose(call, vec![condition], vec![call.argument(1)?, call.argument(2)?]).map(|typed| typed.named(name))
}

/// The value beside the first true condition, or the last value if there is one more.
fn choose(call: &Call<'_>, conditions: Vec<Typed>, values: Vec<Typed>) -> SparkResult<Typed> {
    let types: Vec<DataType> = values.iter().map(|value| value.data_type.clone()).collect();
    let common = common_type(&types, call.settings.ansi).ok_or_else(|| call.data_diff_types(&types))?;
    let has_else = values.len() > conditions.len();
    let nullable = !has_else || values.iter().any(|value| value.nullable);
    let mut values =
        values.into_iter().map(|value| coerce(value, &common, call.settings)).collect::<SparkResult<Vec<_>>>()?;
    let otherwise = if has_else { values.pop().map(|value| Box::new(value.expr)) } else { None };
    let branches = conditions
        .into_iter()
        .zip(values)
        .map(|(condition, value)| (Box::new(condition.expr), Box::new(value.expr)))
        .collect();
    Ok(Typed::new(Expr::Case(Case::new(None, branches, otherwise)), common, nullable, ""))
}

pub(super) fn coalesce(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let (values, data_type) = call.common(0)?;
    let nullable = values.iter().all(|value| value.nullable);
    let mut typed = Typed::call(&datafusion::functions::core::coalesce(), values)?;
    typed.data_type = data_type;
    typed.nullable = nullable;
    Ok(call.shown(typed))
}

pub(super) fn nvl(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    coalesce(call)
}

pub(super) fn nvl2(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let condition = logic::is_not_null(&call.other("isnotnull", vec![call.argument(0)?]))?;
    let typed = choose(call, vec![condition], vec![call.argument(1)?, call.argument(2)?])?;
    Ok(call.shown(typed))
}

pub(super) fn null_if(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let equal = comparison::equal(&call.other("=", call.arguments.clone()))?;
    let value = call.argument(0)?;
    let null = Typed::null(value.data_type.clone());
    Ok(call.shown(choose(call, vec![equal], vec![null, value])?))
}

pub(super) fn null_if_zero(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = call.argument(0)?;
    let equal = comparison::equal(&call.other("=", vec![value.clone(), Typed::int(0)]))?;
    let null = Typed::null(value.data_type.clone());
    Ok(call.shown(choose(call, vec![equal], vec![null, value])?))
}

pub(super) fn zero_if_null(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let typed = coalesce(&call.other("coalesce", vec![call.argument(0)?, Typed::int(0)]))?;
    Ok(call.shown(typed))
}

pub(super) fn nanvl(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (value, other) = match (call.argument(0)?.data_type, call.argument(1)?.data_type) {
        (DataType::Float, DataType::Float) => (call.argument(0)?, call.argument(1)?),
        _ => (call.double(0)?, call.double(1)?),
    };
    let is_nan = logic::is_nan(&call.other("isnan", vec![value.clone()]))?;
    Ok(call.shown(choose(call, vec![is_nan], vec![other, value])?))
}
