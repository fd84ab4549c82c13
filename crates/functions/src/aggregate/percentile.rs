//! Exact percentiles: `percentile`, `median`, `percentile_cont`, `percentile_disc`. All values of a group are kept, as
//! doubles.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Float64Type, Int64Type, IntervalUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Accumulator, AggregateUDF, Cast, Expr};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::own::{Inputs, OwnAggregate, list_of, list_scalar, list_values};
use crate::call::Call;
use crate::kernel::spark_error;
use crate::math::elementary::doubles;
use crate::typed::Typed;
use crate::types::to_arrow;

/// `spark_percentile(value, percentages, frequency, descending, discrete)`
pub(super) static PERCENTILE: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_percentile",
        return_type: |fields| Ok(answer_type(&fields[1])),
        state: |_| vec![list_of(&ArrowType::Float64), list_of(&ArrowType::Int64)],
        make: |inputs| Ok(Box::new(Percentile::new(inputs)?)),
        make_groups: None,
    }
    .udaf()
});

pub(super) fn median(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let typed = build(call, call.argument(0)?, Typed::double(0.5), Typed::long(1), false, false)?;
    Ok(call.shown(typed))
}

pub(super) fn percentile(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let frequency = if call.has(2) { call.long(2)? } else { Typed::long(1) };
    let percentages = percentages(call, 1)?;
    let typed = build(call, call.argument(0)?, percentages, frequency, false, false)?;
    let mut arguments = call.arguments.clone();
    if !call.has(2) {
        arguments.push(Typed::long(1));
    }
    Ok(call.shown(typed).named(call.other(call.name, arguments).display()))
}

/// `percentile_cont(p)` and `percentile_disc(p)`, with `WITHIN GROUP (ORDER BY value)`.
pub(super) fn within_group(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let [(value, order)] = call.within_group.as_slice() else {
        return Err(SparkError::new(
            "INVALID_WITHIN_GROUP_EXPRESSION.WRONG_NUM_ORDERINGS",
            format!("{} takes WITHIN GROUP (ORDER BY …) with one expression", call.name),
        )
        .with("funcName", format!("`{}`", call.name))
        .with("expectedNum", "1")
        .with("actualNum", call.within_group.len().to_string()));
    };
    let percentages = percentages(call, 0)?;
    let is_discrete = call.name == "percentile_disc";
    let typed = build(call, value.clone(), percentages, Typed::long(1), !order.asc, is_discrete)?;
    Ok(typed.named(format!("{} WITHIN GROUP (ORDER BY {})", call.display(), short_order(value, order))))
}

/// A key as functions of one key show it, without where nulls go.
pub(super) fn short_order(value: &Typed, order: &Sort) -> String {
    if order.asc { value.name.clone() } else { format!("{} DESC", value.name) }
}

/// The percentages, one or a list, between 0 and 1.
pub(super) fn percentages(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    let is_list = matches!(argument.data_type, DataType::Array { .. });
    let target = if is_list { DataType::array(DataType::Double, false) } else { DataType::Double };
    let name = argument.name.clone();
    let constant = argument.folded().ok_or_else(|| {
        SparkError::new(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            format!("cannot resolve {}: the percentage must be a constant", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("inputName", "`percentage`")
        .with("inputType", "\"DOUBLE\"")
        .with("inputExpr", format!("\"{name}\""))
    })?;
    let out_of_range = |value: String| {
        SparkError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("cannot resolve {}: a percentage must be between 0.0 and 1.0, not {value}", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("exprName", "percentage")
        .with("valueRange", "[0.0, 1.0]")
        .with("currentValue", value)
    };
    let value =
        constant.cast_to(&to_arrow(&target)).map_err(|_| call.unexpected(index, &argument.data_type, "DOUBLE"))?;
    let all = constants(&value).map_err(|error| SparkError::internal(error.to_string()))?;
    if let Some(outside) = all.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(out_of_range(outside.to_string()));
    }
    if value.is_null() {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_NULL",
            format!("cannot resolve {}: the percentage must not be null", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("exprName", "percentage"));
    }
    Ok(Typed::literal(value, target, name))
}

fn build(
    call: &Call<'_>,
    value: Typed,
    percentages: Typed,
    frequency: Typed,
    descending: bool,
    discrete: bool,
) -> SparkResult<Typed> {
    let interval = match &value.data_type {
        DataType::YearMonthInterval { .. } => Some(DataType::YEAR_MONTH),
        DataType::DayTimeInterval { .. } => Some(DataType::DAY_TIME),
        _ => None,
    };
    let value = match &interval {
        Some(_) => value,
        None => {
            let only = Call { arguments: vec![value], ..call.other(call.name, Vec::new()) };
            only.double(0)?
        }
    };
    let arguments = vec![value, percentages, frequency, Typed::boolean(descending), Typed::boolean(discrete)];
    let mut typed = Typed::aggregate(&PERCENTILE, arguments)?;
    typed.nullable = true;
    Ok(match interval {
        Some(interval) => from_double(typed, &interval),
        None => typed,
    })
}

/// Doubles, or a list of them, back as the type that they were made of.
pub(super) fn from_double(typed: Typed, data_type: &DataType) -> Typed {
    let arrow = to_arrow(data_type);
    let through = match &arrow {
        ArrowType::Interval(IntervalUnit::YearMonth) | ArrowType::Date32 => Some(ArrowType::Int32),
        ArrowType::Duration(_) | ArrowType::Timestamp(..) | ArrowType::Time64(_) => Some(ArrowType::Int64),
        _ => None,
    };
    let is_list = matches!(typed.data_type, DataType::Array { .. });
    let wrapped = |element: ArrowType| {
        if is_list { ArrowType::List(Arc::new(Field::new_list_field(element, false))) } else { element }
    };
    let mut expr = typed.expr;
    for step in through.into_iter().chain([arrow]) {
        expr = Expr::Cast(Cast::new(Box::new(expr), wrapped(step)));
    }
    let data_type = if is_list { DataType::array(data_type.clone(), false) } else { data_type.clone() };
    Typed::new(expr, data_type, typed.nullable, typed.name)
}

/// A double, or a list of doubles.
pub(super) fn answer_type(percentages: &FieldRef) -> ArrowType {
    match percentages.data_type() {
        ArrowType::List(_) => ArrowType::List(Arc::new(Field::new_list_field(ArrowType::Float64, false))),
        _ => ArrowType::Float64,
    }
}

/// The doubles of a constant that is one or a list.
pub(super) fn constants(value: &ScalarValue) -> Result<Vec<f64>> {
    let array = value.to_array()?;
    let elements = if matches!(value, ScalarValue::List(_)) { list_values(&array, 0)? } else { array };
    Ok(elements.as_primitive::<Float64Type>().iter().flatten().collect())
}

/// The answers as one value; null where there are none.
pub(super) fn answer(return_type: &ArrowType, answers: Option<Vec<f64>>) -> Result<ScalarValue> {
    match (return_type, answers) {
        (ArrowType::List(_), Some(answers)) => list_scalar(return_type, Arc::new(Float64Array::from(answers))),
        (ArrowType::List(_), None) => ScalarValue::try_from(return_type),
        (_, answers) => Ok(ScalarValue::Float64(answers.and_then(|answers| answers.first().copied()))),
    }
}

#[derive(Debug)]
struct Percentile {
    percentages: Vec<f64>,
    descending: bool,
    discrete: bool,
    return_type: ArrowType,
    values: Vec<f64>,
    /// How often each value counts; empty as long as each counts once.
    frequencies: Vec<i64>,
}

impl Percentile {
    fn new(inputs: &Inputs) -> Result<Self> {
        Ok(Self {
            percentages: constants(inputs.constant(1)?)?,
            descending: inputs.boolean(3)?,
            discrete: inputs.boolean(4)?,
            return_type: inputs.return_type.clone(),
            values: Vec::new(),
            frequencies: Vec::new(),
        })
    }

    fn add(&mut self, value: f64, frequency: i64) {
        if frequency != 1 && self.frequencies.is_empty() {
            self.frequencies = vec![1; self.values.len()];
        }
        if frequency != 1 || !self.frequencies.is_empty() {
            self.frequencies.push(frequency);
        }
        self.values.push(value);
    }

    fn add_all(&mut self, values: &Float64Array, frequencies: &Int64Array) -> Result<()> {
        for pair in values.iter().zip(frequencies) {
            match pair {
                (Some(_), Some(frequency)) if frequency < 0 => return Err(spark_error(negative_frequency(frequency))),
                (Some(value), Some(frequency)) if frequency > 0 => self.add(value, frequency),
                _ => {}
            }
        }
        Ok(())
    }

    /// The values in order, each with how many come up to it and with it.
    fn sorted(&self) -> Vec<(f64, i64)> {
        let frequencies = self.frequencies.iter().copied().chain(std::iter::repeat(1));
        let mut sorted: Vec<(f64, i64)> = self.values.iter().copied().zip(frequencies).collect();
        sorted.sort_unstable_by(|left, right| {
            let order = left.0.total_cmp(&right.0);
            if self.descending { order.reverse() } else { order }
        });
        let mut total = 0;
        for (_, count) in &mut sorted {
            total += *count;
            *count = total;
        }
        sorted
    }
}

/// The value at a percentage of `sorted`, which is not empty.
fn at(sorted: &[(f64, i64)], percentage: f64, discrete: bool) -> f64 {
    let total = sorted.last().map_or(0, |(_, total)| *total);
    let value_at = |position: f64| {
        let index = sorted.partition_point(|(_, count)| (*count as f64) <= position);
        sorted[index.min(sorted.len() - 1)].0
    };
    if discrete {
        let needed = total as f64 * percentage;
        let index = sorted.partition_point(|(_, count)| (*count as f64) < needed);
        return sorted[index.min(sorted.len() - 1)].0;
    }
    let position = (total - 1) as f64 * percentage;
    let (lower, higher) = (position.floor(), position.ceil());
    let (low, high) = (value_at(lower), value_at(higher));
    if lower == higher || low == high {
        return low;
    }
    (higher - position) * low + (position - lower) * high
}

impl Accumulator for Percentile {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add_all(&doubles(&values[0])?, values[2].as_primitive::<Int64Type>())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sorted = self.sorted();
        let answers = self.percentages.iter().map(|percentage| at(&sorted, *percentage, self.discrete));
        let answers = if sorted.is_empty() { None } else { Some(answers.collect()) };
        answer(&self.return_type, answers)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>() + self.frequencies.capacity() * size_of::<i64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let frequencies =
            if self.frequencies.is_empty() { vec![1; self.values.len()] } else { self.frequencies.clone() };
        Ok(vec![
            list_scalar(&list_of(&ArrowType::Float64), Arc::new(Float64Array::from(self.values.clone())))?,
            list_scalar(&list_of(&ArrowType::Int64), Arc::new(Int64Array::from(frequencies)))?,
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            let (values, frequencies) = (list_values(&states[0], row)?, list_values(&states[1], row)?);
            self.add_all(values.as_primitive::<Float64Type>(), frequencies.as_primitive::<Int64Type>())?;
        }
        Ok(())
    }
}

fn negative_frequency(frequency: i64) -> SparkError {
    SparkError::new(
        "NEGATIVE_VALUES_IN_FREQUENCY_EXPRESSION",
        format!("percentile() got the frequency {frequency}, and it must not be negative"),
    )
    .with("frequencyExpression", "\"frequency\"")
    .with("negativeValue", format!("{frequency}L"))
}
