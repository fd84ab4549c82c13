//! `variant_explode`: a row for each element of an array or field of an object.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, ListArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, SparkResult, StructField};

use super::column::{column, variants};
use super::value::Variant;
use crate::call::Call;
use crate::kernel::nullable;
use crate::string::rows::kernels;
use crate::typed::Typed;
use crate::types::to_arrow;

kernels! {
    EXPLODE = "spark_variant_explode", |_, _| nullable(to_arrow(&rows_type())), explode_kernel;
}

fn rows_type() -> DataType {
    let fields = vec![
        StructField::new("pos", DataType::Integer, false),
        StructField::new("key", DataType::STRING, true),
        StructField::new("value", DataType::Variant, false),
    ];
    DataType::array(DataType::Struct { fields }, false)
}

pub(super) fn variant_explode(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let typed = Typed::call(&EXPLODE, vec![super::variant_argument(call, 0)?])?;
    Ok(call.shown(Typed { data_type: rows_type(), nullable: true, ..typed }))
}

fn explode_kernel(arrays: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let rows_of = variants(&arrays[0])?;
    let (mut positions, mut keys, mut values, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in &rows_of {
        let before = values.len();
        match row {
            Some(Variant::Array(elements)) => {
                keys.extend(elements.iter().map(|_| None));
                values.extend(elements.iter().map(Some));
            }
            Some(Variant::Object(fields)) => {
                keys.extend(fields.iter().map(|(key, _)| Some(key.as_str())));
                values.extend(fields.iter().map(|(_, value)| Some(value)));
            }
            _ => {}
        }
        let count = values.len() - before;
        positions.extend(0..count as i32);
        lengths.push(count);
    }
    let ArrowType::List(field) = to_arrow(&rows_type()) else { return internal_err!("no list") };
    let ArrowType::Struct(fields) = field.data_type() else { return internal_err!("no struct") };
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(positions)), Arc::new(StringArray::from(keys)), column(values)?];
    let structs = StructArray::try_new(fields.clone(), columns, None)?;
    let nulls = arrays[0].nulls().cloned();
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(structs), nulls)?))
}
