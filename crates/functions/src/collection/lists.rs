//! Arrays and maps in Arrow, row by row: [`Lists`] reads them, [`Picks`] and [`Rows`] make new ones out of the elements
//! of old ones, without looking at the elements' type.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt64Array, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, interleave, take};
use arrow::datatypes::{DataType as ArrowType, FieldRef, Fields};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, internal_datafusion_err, internal_err};

/// The elements of an array of arrays, or the entries of an array of maps.
pub(super) struct Lists {
    /// Of all rows, also of those that a slice leaves out: only the ranges tell.
    pub values: ArrayRef,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
}

impl Lists {
    pub fn of(array: &ArrayRef) -> Result<Self> {
        match array.data_type() {
            ArrowType::List(_) => {
                let list = array.as_list::<i32>();
                Ok(Self {
                    values: Arc::clone(list.values()),
                    offsets: list.offsets().clone(),
                    nulls: list.nulls().cloned(),
                })
            }
            ArrowType::Map(_, _) => {
                let map = array.as_map();
                Ok(Self {
                    values: Arc::new(map.entries().clone()),
                    offsets: map.offsets().clone(),
                    nulls: map.nulls().cloned(),
                })
            }
            other => internal_err!("{other} is no array and no map"),
        }
    }

    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Where the elements of a row lie in `values`, unless the row is null.
    pub fn range(&self, row: usize) -> Option<Range<usize>> {
        if self.is_null(row) {
            return None;
        }
        Some(self.offsets[row] as usize..self.offsets[row + 1] as usize)
    }

    /// The keys of a map.
    pub fn keys(&self) -> Result<ArrayRef> {
        entries_column(&self.values, 0)
    }

    /// The values of a map.
    pub fn map_values(&self) -> Result<ArrayRef> {
        entries_column(&self.values, 1)
    }
}

fn entries_column(entries: &ArrayRef, index: usize) -> Result<ArrayRef> {
    let entries = entries.as_struct_opt().ok_or_else(|| internal_datafusion_err!("a map has entries"))?;
    Ok(Arc::clone(entries.column(index)))
}

/// Elements picked from several arrays of one type, in order.
#[derive(Default)]
pub(super) struct Picks {
    picks: Vec<(usize, usize)>,
    has_nulls: bool,
}

/// The source of a pick that is null.
const NULL: usize = usize::MAX;

impl Picks {
    pub fn len(&self) -> usize {
        self.picks.len()
    }

    pub fn push(&mut self, source: usize, index: usize) {
        self.picks.push((source, index));
    }

    /// An error if so many more picks would be more than an array's offsets count: before memory is taken for them.
    pub fn expect_room(&self, more: i64) -> Result<()> {
        if self.picks.len() as i64 + more <= i64::from(i32::MAX) {
            return Ok(());
        }
        Err(too_many())
    }

    pub fn extend(&mut self, source: usize, range: Range<usize>) {
        self.picks.extend(range.map(|index| (source, index)));
    }

    pub fn push_null(&mut self) {
        self.has_nulls = true;
        self.picks.push((NULL, 0));
    }

    pub fn push_option(&mut self, source: usize, index: Option<usize>) {
        match index {
            Some(index) => self.push(source, index),
            None => self.push_null(),
        }
    }

    /// What was picked, as the type `to`.
    pub fn take(mut self, sources: &[&ArrayRef], to: &ArrowType) -> Result<ArrayRef> {
        if let [source] = sources {
            let indices: UInt64Array =
                self.picks.iter().map(|&(source, index)| (source != NULL).then_some(index as u64)).collect();
            return retype(&take(source, &indices, None)?, to);
        }
        let mut sources = sources.iter().map(|source| retype(source, to)).collect::<Result<Vec<_>>>()?;
        if self.has_nulls {
            for pick in self.picks.iter_mut().filter(|pick| pick.0 == NULL) {
                pick.0 = sources.len();
            }
            sources.push(new_null_array(to, 1));
        }
        if self.picks.is_empty() {
            return Ok(arrow::array::new_empty_array(to));
        }
        let sources: Vec<&dyn Array> = sources.iter().map(AsRef::as_ref).collect();
        Ok(interleave(&sources, &self.picks)?)
    }
}

/// Where the rows of a new array or map end, and which are null.
pub(super) struct Rows {
    offsets: Vec<i32>,
    valid: Vec<bool>,
}

impl Rows {
    pub fn with_capacity(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, valid: Vec::with_capacity(rows) }
    }

    /// Ends a row after so many elements in all.
    pub fn end(&mut self, elements: usize) -> Result<()> {
        let end = i32::try_from(elements).map_err(|_| too_many())?;
        self.offsets.push(end);
        self.valid.push(true);
        Ok(())
    }

    pub fn null(&mut self) {
        self.offsets.push(self.offsets.last().copied().unwrap_or_default());
        self.valid.push(false);
    }

    fn nulls(&self) -> Option<NullBuffer> {
        self.valid.contains(&false).then(|| NullBuffer::from(self.valid.clone()))
    }

    /// The ranges of the rows that are not null.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let ends = self.offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize);
        ends.zip(&self.valid).filter_map(|(range, valid)| valid.then_some(range))
    }

    /// The range of each row; none for null.
    pub fn all(&self) -> impl Iterator<Item = Option<Range<usize>>> + '_ {
        let ends = self.offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize);
        ends.zip(&self.valid).map(|(range, valid)| valid.then_some(range))
    }

    /// For each element, the row that it is in.
    pub fn row_numbers(&self) -> UInt64Array {
        let counts = self.offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize);
        counts.enumerate().flat_map(|(row, count)| std::iter::repeat_n(row as u64, count)).collect::<Vec<_>>().into()
    }

    /// An array of the type `to`, a list, of these elements.
    pub fn list(self, elements: &ArrayRef, to: &ArrowType) -> Result<ArrayRef> {
        let nulls = self.nulls();
        let field = element_field(to)?;
        let elements = retype(elements, field.data_type())?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, elements, nulls)?))
    }

    /// A map of the type `to`. Duplicates are for the caller to look for.
    pub fn map(self, keys: &ArrayRef, values: &ArrayRef, to: &ArrowType) -> Result<ArrayRef> {
        let nulls = self.nulls();
        let (entries, fields) = entry_fields(to)?;
        let columns = vec![retype(keys, fields[0].data_type())?, retype(values, fields[1].data_type())?];
        let structs = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, structs, nulls, false)?))
    }
}

fn too_many() -> DataFusionError {
    exec_datafusion_err!("the arrays of one batch would have more than {} elements", i32::MAX)
}

/// A list's field.
pub(super) fn element_field(list: &ArrowType) -> Result<&FieldRef> {
    match list {
        ArrowType::List(field) => Ok(field),
        other => internal_err!("{other} is no array"),
    }
}

/// A list's element type.
pub(super) fn element_type(list: &ArrowType) -> Result<&ArrowType> {
    element_field(list).map(|field| field.data_type())
}

/// A map's field, and the fields of its keys and values.
pub(super) fn entry_fields(map: &ArrowType) -> Result<(&FieldRef, &Fields)> {
    match map {
        ArrowType::Map(entries, _) => match entries.data_type() {
            ArrowType::Struct(fields) if fields.len() == 2 => Ok((entries, fields)),
            other => internal_err!("{other} are no entries of a map"),
        },
        other => internal_err!("{other} is no map"),
    }
}

/// The same values under a type that differs only in what is said of nested fields.
pub(super) fn retype(array: &ArrayRef, to: &ArrowType) -> Result<ArrayRef> {
    if array.data_type() == to { Ok(Arc::clone(array)) } else { Ok(cast(array, to)?) }
}
