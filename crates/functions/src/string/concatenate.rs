//! Texts from several values.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::{string as spark, url};
use firesteel_spec::{DataType, SparkResult};

use crate::call::Call;
use crate::cast::coerce;
use crate::renamed::renamed;
use crate::typed::Typed;

/// Those of datafusion-spark that are used here.
pub(super) static SPARK: &[fn() -> Arc<ScalarUDF>] =
    &[spark::concat, spark::concat_ws, spark::elt, spark::format_string, url::parse_url, url::try_parse_url];

/// Of texts, of bytes, or of arrays; null if one is null.
pub(super) fn concat(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.iter().any(|argument| matches!(argument.data_type, DataType::Array { .. })) {
        return crate::collection::concat_arrays(call);
    }
    let names: Vec<&str> = call.arguments.iter().map(|argument| argument.name.as_str()).collect();
    let shown = format!("concat({})", names.join(", "));
    let all_binary =
        !call.arguments.is_empty() && call.arguments.iter().all(|argument| argument.data_type == DataType::Binary);
    let texts = if all_binary {
        call.arguments.clone()
    } else {
        (0..call.arguments.len()).map(|index| call.string(index)).collect::<SparkResult<Vec<_>>>()?
    };
    if texts.is_empty() {
        return Ok(Typed::string("").named(shown));
    }
    let nullable = texts.iter().any(|text| text.nullable);
    let typed = Typed::call(&renamed(spark::concat()), texts)?;
    Ok(Typed { nullable, ..typed }.named(shown))
}

/// Texts and arrays of texts with a separator between; nulls are left out.
pub(super) fn concat_ws(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let array = DataType::array(DataType::STRING, true);
    let values = call
        .arguments
        .iter()
        .enumerate()
        .map(|(index, argument)| match argument.data_type {
            DataType::Array { .. } => coerce(argument.clone(), &array, call.settings),
            _ => call.string(index),
        })
        .collect::<SparkResult<Vec<_>>>()?;
    if values.len() == 1 {
        return Ok(call.shown(Typed::string("")));
    }
    Ok(call.shown(Typed::call(&renamed(spark::concat_ws()), values)?))
}

pub(super) fn elt(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    let mut values = vec![call.int(0)?];
    for index in 1..call.arguments.len() {
        values.push(call.string(index)?);
    }
    Ok(call.shown(Typed::call(&renamed(spark::elt()), values)?))
}

pub(super) fn format_string(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let mut values = vec![call.string(0)?];
    values.extend(call.arguments.iter().skip(1).cloned());
    Ok(call.shown(Typed::call(&renamed(spark::format_string()), values)?))
}

pub(super) fn parse_url(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let function = if call.name == "parse_url" { url::parse_url() } else { url::try_parse_url() };
    let values = (0..call.arguments.len()).map(|index| call.string(index)).collect::<SparkResult<Vec<_>>>()?;
    Ok(call.shown(Typed::call(&renamed(function), values)?))
}
