//! Batches that hold what they show: texts of a joined row lie in the buffers of all rows that could have been joined, and
//! whoever keeps such a batch would count, and hold, all of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StringViewArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use datafusion::common::HashMap;
use datafusion::error::Result;

/// Buffers below this are left alone.
const BYTES_MIN: usize = 256 << 10;
/// A text up to this long lies in its view.
const INLINE: u32 = 12;

/// The same rows, with the texts they show, in lists too, in buffers of their own where they lie in much larger ones. A
/// text that several rows share is still held once.
///
/// # Errors
/// The batch contradicts its schema, which it did before.
pub(super) fn compact(batch: RecordBatch) -> Result<RecordBatch> {
    let columns: Vec<Option<ArrayRef>> = batch.columns().iter().map(compacted).collect::<Result<_>>()?;
    if columns.iter().all(Option::is_none) {
        return Ok(batch);
    }
    let columns = columns.into_iter().zip(batch.columns());
    let columns = columns.map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect();
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

/// The same values with less behind them; nothing where there is little to gain.
fn compacted(array: &ArrayRef) -> Result<Option<ArrayRef>> {
    Ok(match array.data_type() {
        DataType::Utf8View => of_texts(array.as_string_view())?,
        DataType::List(field) => {
            let lists: &ListArray = array.as_list();
            let offsets = lists.value_offsets();
            let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
                return Ok(None);
            };
            let shown = lists.values().slice(*first as usize, (last - first) as usize);
            let Some(values) = compacted(&shown)? else {
                return Ok(None);
            };
            let offsets = OffsetBuffer::new(offsets.iter().map(|offset| offset - first).collect());
            let nulls = lists.nulls().cloned();
            Some(Arc::new(ListArray::try_new(field.clone(), offsets, values, nulls)?))
        }
        _ => None,
    })
}

/// A buffer may be a slice of a much larger one, a page of a file above all, which it keeps alive.
fn bytes_of(texts: &StringViewArray) -> usize {
    texts.data_buffers().iter().map(Buffer::capacity).sum()
}

fn of_texts(texts: &StringViewArray) -> Result<Option<ArrayRef>> {
    let held = bytes_of(texts);
    if held <= BYTES_MIN {
        return Ok(None);
    }
    // By where a text lies: length, buffer and offset are in the view.
    let mut places: HashMap<u128, u128> = HashMap::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut views = Vec::with_capacity(texts.len());
    // Rows alike stand together.
    let (mut before, mut placed) = (0, 0);
    for (row, view) in texts.views().iter().enumerate() {
        let length = *view as u32;
        if texts.is_null(row) {
            views.push(0);
        } else if length <= INLINE {
            views.push(*view);
        } else {
            if *view != before {
                before = *view;
                placed = *places.entry(*view).or_insert_with(|| {
                    let text = texts.value(row).as_bytes();
                    let start = bytes.len();
                    bytes.extend_from_slice(text);
                    arrow::array::make_view(text, 0, u32::try_from(start).unwrap_or(u32::MAX))
                });
                if bytes.len() * 2 > held || bytes.len() > i32::MAX as usize {
                    return Ok(None);
                }
            }
            views.push(placed);
        }
    }
    let views = ScalarBuffer::from(views);
    let nulls = texts.nulls().cloned();
    Ok(Some(Arc::new(StringViewArray::try_new(
        views,
        vec![Buffer::from(bytes)],
        nulls,
    )?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    #[test]
    fn a_few_rows_of_many_hold_a_few_texts_and_say_the_same() {
        let long = |n: usize| format!("arn:aws:iam::111122223333:role/app/worker-{}", n % 7_000);
        let all: StringViewArray = (0..20_000)
            .map(|n| match n % 5 {
                0 => None,
                1 => Some("short".to_owned()),
                _ => Some(long(n)),
            })
            .collect();
        let held =
            arrow::compute::take(&all, &Int64Array::from_iter_values((0..900).map(|n| n * 3 % 40)), None).unwrap();
        let item = Arc::new(Field::new("item", DataType::Utf8View, true));
        let schema = Arc::new(Schema::new(vec![
            Field::new("text", DataType::Utf8View, true),
            Field::new("texts", DataType::List(item.clone()), true),
            Field::new("other", DataType::Utf8, true),
        ]));
        // Lists of none to two, some null, the first of them cut off.
        let offsets = OffsetBuffer::new((0..=901).map(|n: i32| (n - n % 3).min(900)).collect());
        let nulls = (0..901).map(|n| n % 7 != 0).collect();
        let lists = ListArray::new(item, offsets, held.clone(), Some(nulls)).slice(1, 900);
        let other: ArrayRef = Arc::new(StringArray::from(vec!["x"; 900]));
        let batch = RecordBatch::try_new(schema, vec![held, Arc::new(lists), other]).unwrap();
        let before = batch.get_array_memory_size();
        let small = compact(batch.clone()).unwrap();
        assert_eq!(small, batch);
        assert!(
            before > 1_000_000 && small.get_array_memory_size() < 90_000,
            "{before}, {}",
            small.get_array_memory_size()
        );
        // What is compact already is left as it is.
        let again = compact(small.clone()).unwrap();
        assert!(Arc::ptr_eq(again.column(0), small.column(0)));
    }
}
