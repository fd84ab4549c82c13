//! Shapes: `GEOMETRY` and `GEOGRAPHY` from and to well-known binary, and their reference systems. A value is a struct of
//! its reference system's number and its well-known binary, little-endian.
//!
//! Spark's Java knows some thousand reference systems, of which its own Python client takes three; here there are these.

mod wkb;

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as ArrowType, FieldRef, Int32Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use crate::call::Call;
use crate::kernel::{KernelUdf, null_if_any, spark_error};
use crate::registry::{Family, Function, Implementations};
use crate::typed::Typed;
use crate::types::{to_arrow, to_field};
use wkb::{Order, Shape};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("st_asbinary", as_binary),
        Function::scalar("st_geogfromwkb", geography),
        Function::scalar("st_geomfromwkb", geometry),
        Function::scalar("st_setsrid", set_srid),
        Function::scalar("st_srid", srid),
    ],
    implementations: || Implementations {
        scalar: [&FROM_WKB, &AS_BINARY, &SRID, &SET_SRID].into_iter().map(|function| Arc::clone(function)).collect(),
        ..Implementations::default()
    },
};

/// The reference system of the earth's degrees, which is the only one of `GEOGRAPHY`.
const SRID_DEGREES: i32 = 4326;
const SRIDS_OF_GEOMETRY: [i32; 3] = [0, 3857, SRID_DEGREES];
const SRIDS_OF_GEOGRAPHY: [i32; 1] = [SRID_DEGREES];

/// `spark_st_fromwkb(bytes, srid, type)`
static FROM_WKB: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_st_fromwkb",
        |fields, constants| shape_field(fields, constants[2]),
        |arrays, rows| {
            let (bytes, srids) = (arrays[0].as_binary::<i32>(), arrays[1].as_primitive::<Int32Type>());
            let on_earth = constant_text(&arrays[2]).starts_with("GEOGRAPHY");
            let shapes = (0..rows).map(|row| {
                if bytes.is_null(row) || srids.is_null(row) {
                    return Ok(None);
                }
                check_srid(srids.value(row), on_earth)?;
                let shape = Shape::read(bytes.value(row), on_earth).map_err(spark_error)?;
                Ok(Some((srids.value(row), shape.write(Order::Little))))
            });
            shapes_array(shapes.collect::<Result<Vec<_>>>()?)
        },
    )
});

/// `spark_st_setsrid(shape, srid, type)`
static SET_SRID: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_st_setsrid",
        |fields, constants| shape_field(fields, constants[2]),
        |arrays, rows| {
            let (shapes, srids) = (arrays[0].as_struct(), arrays[1].as_primitive::<Int32Type>());
            let on_earth = constant_text(&arrays[2]).starts_with("GEOGRAPHY");
            let bytes = shapes.column(1).as_binary::<i32>();
            let moved = (0..rows).map(|row| {
                if shapes.is_null(row) || srids.is_null(row) {
                    return Ok(None);
                }
                check_srid(srids.value(row), on_earth)?;
                Ok(Some((srids.value(row), bytes.value(row).to_vec())))
            });
            shapes_array(moved.collect::<Result<Vec<_>>>()?)
        },
    )
});

/// `spark_st_asbinary(shape, order of bytes)`
static AS_BINARY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_st_asbinary",
        |fields, _| null_if_any(ArrowType::Binary, fields),
        |arrays, rows| {
            let (shapes, orders) = (arrays[0].as_struct(), arrays[1].as_string::<i32>());
            let bytes = shapes.column(1).as_binary::<i32>();
            let written = (0..rows).map(|row| {
                if shapes.is_null(row) || orders.is_null(row) {
                    return Ok(None);
                }
                let order = Order::named(orders.value(row)).map_err(spark_error)?;
                let shape = Shape::read(bytes.value(row), false).map_err(spark_error)?;
                Ok(Some(shape.write(order)))
            });
            Ok(Arc::new(written.collect::<Result<BinaryArray>>()?))
        },
    )
});

/// `spark_st_srid(shape)`
static SRID: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_st_srid",
        |fields, _| null_if_any(ArrowType::Int32, fields),
        |arrays, rows| {
            let shapes = arrays[0].as_struct();
            let srids = shapes.column(0).as_primitive::<Int32Type>();
            let srids = (0..rows).map(|row| shapes.is_valid(row).then(|| srids.value(row)));
            Ok(Arc::new(srids.collect::<Int32Array>()))
        },
    )
});

fn geography(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let to = DataType::Geography { srid: Some(SRID_DEGREES) };
    made(call, &FROM_WKB, call.binary(0)?, Typed::int(SRID_DEGREES), to)
}

fn geometry(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let mut arguments = call.arguments.clone();
    if !call.has(1) {
        arguments.push(Typed::int(0));
    }
    let call = call.other(call.name, arguments);
    let srid = call.int(1)?;
    let to = DataType::Geometry { srid: constant_srid(&srid, &SRIDS_OF_GEOMETRY)? };
    made(&call, &FROM_WKB, call.binary(0)?, srid, to)
}

fn set_srid(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (shape, srid) = (shape(call)?, call.int(1)?);
    let to = match shape.data_type {
        DataType::Geometry { .. } => DataType::Geometry { srid: constant_srid(&srid, &SRIDS_OF_GEOMETRY)? },
        _ => DataType::Geography { srid: constant_srid(&srid, &SRIDS_OF_GEOGRAPHY)? },
    };
    made(call, &SET_SRID, shape, srid, to)
}

fn srid(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&SRID, vec![shape(call)?])?))
}

fn as_binary(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let mut arguments = call.arguments.clone();
    if !call.has(1) {
        arguments.push(Typed::string(Order::Little.name()));
    }
    let call = call.other(call.name, arguments);
    let order = call.string(1)?;
    if let Some(name) = order.text() {
        Order::named(name)?;
    }
    Ok(call.shown(Typed::call(&AS_BINARY, vec![shape(&call)?, order])?))
}

fn made(call: &Call<'_>, function: &Arc<ScalarUDF>, value: Typed, srid: Typed, to: DataType) -> SparkResult<Typed> {
    let mut typed = Typed::call(function, vec![value, srid, Typed::string(&to.sql())])?;
    typed.data_type = to;
    Ok(call.shown(typed))
}

/// The first argument, which must be a shape.
fn shape(call: &Call<'_>) -> SparkResult<Typed> {
    let argument = call.argument(0)?;
    match &argument.data_type {
        found if found.is_spatial() => Ok(argument),
        DataType::Null => Ok(Typed::null(DataType::Geography { srid: Some(SRID_DEGREES) }).named(argument.name)),
        found => {
            let required = "(\"GEOGRAPHY\" or \"GEOMETRY\")";
            Err(call.unexpected(0, found, required).with("requiredType", required))
        }
    }
}

/// The reference system that a constant says; none for null, and for what is no constant.
fn constant_srid(srid: &Typed, known: &[i32]) -> SparkResult<Option<i32>> {
    match srid.folded() {
        Some(ScalarValue::Int32(Some(srid))) if known.contains(&srid) => Ok(Some(srid)),
        Some(ScalarValue::Int32(Some(srid))) => Err(unknown_srid(srid, known)),
        _ => Ok(None),
    }
}

fn check_srid(srid: i32, on_earth: bool) -> Result<()> {
    let known: &[i32] = if on_earth { &SRIDS_OF_GEOGRAPHY } else { &SRIDS_OF_GEOMETRY };
    if known.contains(&srid) { Ok(()) } else { Err(spark_error(unknown_srid(srid, known))) }
}

fn unknown_srid(srid: i32, known: &[i32]) -> SparkError {
    let message = format!("there is no reference system {srid} for such shapes; there are {known:?}");
    SparkError::new("ST_INVALID_SRID_VALUE", message).with("srid", srid.to_string())
}

/// A field of the type that a constant argument says, null where the first two arguments are.
fn shape_field(fields: &[FieldRef], named: Option<&ScalarValue>) -> Result<FieldRef> {
    let name = named.and_then(|named| named.try_as_str().flatten()).unwrap_or_default();
    let srid = name.split_once('(').and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
    let data_type = match name.starts_with("GEOGRAPHY") {
        true => DataType::Geography { srid },
        false if name.starts_with("GEOMETRY") => DataType::Geometry { srid },
        false => return internal_err!("{name} is no type of shapes"),
    };
    let nullable = fields[..2].iter().any(|field| field.is_nullable());
    Ok(to_field(&StructField::new("value", data_type, nullable)))
}

fn constant_text(array: &ArrayRef) -> &str {
    let texts = array.as_string::<i32>();
    if texts.is_empty() { "" } else { texts.value(0) }
}

fn shapes_array(shapes: Vec<Option<(i32, Vec<u8>)>>) -> Result<ArrayRef> {
    let ArrowType::Struct(fields) = to_arrow(&DataType::Geometry { srid: None }) else {
        return Err(internal_datafusion_err!("a shape is no struct"));
    };
    let valid = NullBuffer::from_iter(shapes.iter().map(Option::is_some));
    let srids = Int32Array::from_iter_values(shapes.iter().map(|shape| shape.as_ref().map_or(0, |(srid, _)| *srid)));
    let bytes = shapes.iter().map(|shape| shape.as_ref().map_or(&[][..], |(_, bytes)| bytes.as_slice()));
    let columns: Vec<ArrayRef> = vec![Arc::new(srids), Arc::new(BinaryArray::from_iter_values(bytes))];
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, Some(valid), shapes.len())?))
}
