//! Lists of many groups at once: batches are kept as they come, with the group of each value, and the lists are made by
//! one pass in the end. A list of its own for each group would be many small arrays, of which each has to be copied.

use std::mem;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{and, concat, filter, is_not_null, prep_null_mask_filter, take};
use arrow::datatypes::{DataType as ArrowType, FieldRef};
use datafusion::common::{Result, exec_err, internal_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

#[derive(Debug)]
pub(super) struct CollectedGroups {
    list: ArrowType,
    /// Without nulls.
    values: Vec<ArrayRef>,
    /// Of each value, in order.
    groups: Vec<u32>,
    group_count: usize,
    value_bytes: usize,
}

impl CollectedGroups {
    pub(super) fn new(list: ArrowType) -> Self {
        Self { list, values: Vec::new(), groups: Vec::new(), group_count: 0, value_bytes: 0 }
    }

    fn push(&mut self, values: ArrayRef, groups: impl Iterator<Item = usize>) {
        if values.is_empty() {
            return;
        }
        self.value_bytes += bytes_of(&values);
        self.values.push(values);
        self.groups.extend(groups.map(|group| group as u32));
    }

    /// The lists of the first groups; those of the others stay.
    fn emit(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let element = self.element()?;
        let emitted = match emit_to {
            EmitTo::All => self.group_count,
            EmitTo::First(count) => count.min(self.group_count),
        };
        let parts = mem::take(&mut self.values);
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let all = if parts.is_empty() { new_empty_array(element.data_type()) } else { concat(&parts)? };
        if i32::try_from(all.len()).is_err() {
            return exec_err!("the lists of one batch of groups have {} elements, and may have 2^31 - 1", all.len());
        }
        let groups = mem::take(&mut self.groups);
        let mut lengths = vec![0_usize; emitted];
        for group in &groups {
            if let Some(length) = lengths.get_mut(*group as usize) {
                *length += 1;
            }
        }
        let offsets = OffsetBuffer::<i32>::from_lengths(lengths.iter().copied());
        let mut places: Vec<usize> = offsets.iter().map(|offset| *offset as usize).collect();
        let mut order = vec![0_u32; places.last().copied().unwrap_or_default()];
        let mut rest = Vec::new();
        for (value, group) in groups.iter().enumerate() {
            if (*group as usize) < emitted {
                order[places[*group as usize]] = value as u32;
                places[*group as usize] += 1;
            } else {
                rest.push(value as u32);
            }
        }
        self.group_count -= emitted;
        self.value_bytes = 0;
        if !rest.is_empty() {
            let left = rest.iter().map(|value| groups[*value as usize] as usize - emitted).collect::<Vec<_>>();
            let values = take(&all, &UInt32Array::from(rest), None)?;
            self.push(values, left.into_iter());
        }
        let values = take(&all, &UInt32Array::from(order), None)?;
        Ok(Arc::new(ListArray::try_new(element, offsets, values, None)?))
    }

    fn element(&self) -> Result<FieldRef> {
        match &self.list {
            ArrowType::List(element) => Ok(Arc::clone(element)),
            other => internal_err!("{other} is no list"),
        }
    }
}

/// Which values count; none is left out where this says nothing.
fn present(values: &ArrayRef, wanted: Option<&BooleanArray>) -> Result<Option<BooleanArray>> {
    Ok(match (values.logical_null_count() > 0, wanted) {
        (false, None) => None,
        (false, Some(wanted)) => Some(prep_null_mask_filter(wanted)),
        (true, None) => Some(is_not_null(values)?),
        (true, Some(wanted)) => Some(and(&is_not_null(values)?, &prep_null_mask_filter(wanted))?),
    })
}

impl GroupsAccumulator for CollectedGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.group_count = self.group_count.max(total_num_groups);
        let values = &values[0];
        match present(values, opt_filter)? {
            None => self.push(Arc::clone(values), group_indices.iter().copied()),
            Some(present) => {
                let groups = group_indices.iter().zip(present.values()).filter(|(_, present)| *present);
                self.push(filter(values, &present)?, groups.map(|(group, _)| *group));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.group_count = self.group_count.max(total_num_groups);
        let Some(lists) = values[0].as_list_opt::<i32>() else {
            return internal_err!("a partial result of {} is no list", values[0].data_type());
        };
        let offsets = lists.offsets();
        let (first, last) = (offsets[0] as usize, offsets[lists.len()] as usize);
        if lists.null_count() == 0 {
            let groups = group_indices.iter().zip(offsets.windows(2));
            let groups = groups.flat_map(|(group, ends)| std::iter::repeat_n(*group, (ends[1] - ends[0]) as usize));
            self.push(lists.values().slice(first, last - first), groups);
            return Ok(());
        }
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| lists.is_valid(*row)) {
            let list = lists.value(row);
            let length = list.len();
            self.push(list, std::iter::repeat_n(*group, length));
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = &values[0];
        let (values, offsets) = match present(values, opt_filter)? {
            None => (Arc::clone(values), OffsetBuffer::from_repeated_length(1, values.len())),
            Some(present) => {
                let lengths = present.values().iter().map(usize::from);
                (filter(values, &present)?, OffsetBuffer::from_lengths(lengths))
            }
        };
        Ok(vec![Arc::new(ListArray::try_new(self.element()?, offsets, values, None)?)])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value_bytes + self.groups.capacity() * size_of::<u32>()
    }
}

/// Of the values alone: an array may be a small part of its buffers.
fn bytes_of(values: &ArrayRef) -> usize {
    values.to_data().get_slice_memory_size().unwrap_or_else(|_| values.get_array_memory_size())
}
