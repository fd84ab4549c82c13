//! Vectors: arrays of floats, computed with in floats as Spark does. Null elements make the answer null.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, ListArray};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Float32Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::kernel::{KernelUdf, nullable, spark_error};
use crate::typed::Typed;

/// `spark_vector2(vector, vector, function)`
pub(super) static OF_TWO: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_vector2",
        |_, _| nullable(ArrowType::Float32),
        |arrays, rows| {
            let [left, right, function] = arrays else { return internal_err!("spark_vector2 takes 3 arguments") };
            if rows == 0 {
                return Ok(Arc::new(Float32Array::from(Vec::<f32>::new())));
            }
            let (left, right) = (left.as_list::<i32>(), right.as_list::<i32>());
            let function = function.as_string::<i32>().value(0);
            let answers = (0..rows).map(|row| {
                if left.is_null(row) || right.is_null(row) {
                    return Ok(None);
                }
                let (left, right) = (left.value(row), right.value(row));
                if left.len() != right.len() {
                    return Err(spark_error(different_dimensions(function, left.len(), right.len())));
                }
                let pair = (numbers(&left), numbers(&right));
                let (Some(left), Some(right)) = pair else { return Ok(None) };
                Ok(match function {
                    "vector_inner_product" => Some(inner_product(left, right)),
                    "vector_l2_distance" => Some(distance(left, right)),
                    _ => similarity(left, right),
                })
            });
            Ok(Arc::new(answers.collect::<Result<Float32Array>>()?))
        },
    )
});

/// `spark_vector_norm(vector, degree)`
pub(super) static NORM: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_vector_norm",
        |_, _| nullable(ArrowType::Float32),
        |arrays, rows| {
            let norms = (0..rows).map(|row| Ok(vector_and_norm(arrays, row, "vector_norm")?.map(|(_, norm)| norm)));
            Ok(Arc::new(norms.collect::<Result<Float32Array>>()?))
        },
    )
});

/// `spark_vector_normalize(vector, degree)`
pub(super) static NORMALIZE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_vector_normalize",
        |_, _| vectors_field(),
        |arrays, rows| {
            let vectors = (0..rows).map(|row| {
                // Of zeros nothing can be made.
                let normed = vector_and_norm(arrays, row, "vector_normalize")?;
                let normed = normed.filter(|(vector, norm)| *norm != 0.0 || vector.is_empty());
                Ok(normed.map(|(vector, norm)| vector.iter().map(|value| Some(value / norm)).collect::<Vec<_>>()))
            });
            let vectors = vectors.collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(vectors)))
        },
    )
});

/// `vector_cosine_similarity`, `vector_inner_product` and `vector_l2_distance`
pub(super) fn of_two(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let arguments = vec![vector(call, 0)?, vector(call, 1)?, Typed::string(call.name)];
    Ok(call.shown(Typed::call(&OF_TWO, arguments)?))
}

/// `vector_norm` and `vector_normalize`
pub(super) fn norm(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let mut arguments = call.arguments.clone();
    if !call.has(1) {
        let euclidean = datafusion::common::ScalarValue::Float32(Some(2.0));
        arguments.push(Typed::literal(euclidean, DataType::Float, "2.0"));
    }
    let call = call.other(call.name, arguments);
    let (vector, degree) = (vector(&call, 0)?, call.argument(1)?);
    if degree.data_type != DataType::Float {
        return Err(call.unexpected(1, &degree.data_type, "FLOAT"));
    }
    let function = if call.name == "vector_norm" { &NORM } else { &NORMALIZE };
    let mut typed = Typed::call(function, vec![vector, degree])?;
    typed.nullable = true;
    Ok(call.shown(typed))
}

/// Argument `index`, which must be an array of floats: Spark casts nothing here.
pub(crate) fn vector(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    match &argument.data_type {
        DataType::Array { element, .. } if **element == DataType::Float => Ok(argument),
        found => Err(call.unexpected(index, found, "ARRAY<FLOAT>")),
    }
}

/// `VECTOR_DIMENSION_MISMATCH`
pub(crate) fn different_dimensions(function: &str, left: usize, right: usize) -> SparkError {
    let message = format!("{function} takes vectors of one dimension, and got {left} and {right} numbers");
    SparkError::new("VECTOR_DIMENSION_MISMATCH", message)
        .with("functionName", format!("`{function}`"))
        .with("leftDim", left.to_string())
        .with("rightDim", right.to_string())
}

/// The numbers of a vector; nothing if one is null.
pub(crate) fn numbers(vector: &ArrayRef) -> Option<&[f32]> {
    let vector = vector.as_primitive_opt::<Float32Type>()?;
    (vector.null_count() == 0).then(|| &vector.values()[..])
}

fn vectors_field() -> Result<FieldRef> {
    let element = Arc::new(Field::new_list_field(ArrowType::Float32, true));
    nullable(ArrowType::List(element))
}

fn vector_and_norm(arrays: &[ArrayRef], row: usize, function: &str) -> Result<Option<(Vec<f32>, f32)>> {
    let (vectors, degrees) = (arrays[0].as_list::<i32>(), arrays[1].as_primitive::<Float32Type>());
    if vectors.is_null(row) || degrees.is_null(row) {
        return Ok(None);
    }
    let degree = degrees.value(row);
    if ![1.0, 2.0, f32::INFINITY].contains(&degree) {
        let message = format!("{function} has no norm of degree {degree}; there are 1.0, 2.0 and infinity");
        let error = SparkError::new("INVALID_VECTOR_NORM_DEGREE", message)
            .with("functionName", format!("`{function}`"))
            .with("degree", crate::cast::java_float(degree));
        return Err(spark_error(error));
    }
    let vector = vectors.value(row);
    let Some(vector) = numbers(&vector) else { return Ok(None) };
    let norm = if degree == 1.0 {
        vector.iter().fold(0.0, |sum, value| sum + value.abs())
    } else if degree == 2.0 {
        inner_product(vector, vector).sqrt()
    } else {
        vector.iter().fold(0.0, |most: f32, value| most.max(value.abs()))
    };
    Ok(Some((vector.to_vec(), norm)))
}

fn inner_product(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).fold(0.0, |sum, (left, right)| sum + left * right)
}

fn distance(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).fold(0.0_f32, |sum, (left, right)| sum + (left - right) * (left - right)).sqrt()
}

/// Nothing if either has no direction.
fn similarity(left: &[f32], right: &[f32]) -> Option<f32> {
    let product = inner_product(left, left) * inner_product(right, right);
    (product != 0.0).then(|| inner_product(left, right) / product.sqrt())
}
