//! Batches that hold what they show: texts of a joined row lie in the buffers of all rows that could have been joined, and
//! whoever keeps such a batch would count, and hold, all of them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::DataType;
use datafusion::error::Result;

/// Buffers below this are left alone.
const BYTES_MIN: usize = 256 << 10;
/// A text up to this long lies in its view.
const INLINE: u32 = 12;

/// The same rows, with the texts they show in buffers of their own where they lie in much larger ones. A text that several
/// rows share is still held once.
///
/// # Errors
/// The batch contradicts its schema, which it did before.
pub(super) fn compact(batch: RecordBatch) -> Result<RecordBatch> {
    let is_loose = |array: &ArrayRef| *array.data_type() == DataType::Utf8View && bytes_held(array) > BYTES_MIN;
    if !batch.columns().iter().any(is_loose) {
        return Ok(batch);
    }
    let columns = batch.columns().iter().map(|array| {
        if is_loose(array) {
            of_texts(array.as_string_view())
        } else {
            Ok(array.clone())
        }
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn bytes_held(array: &ArrayRef) -> usize {
    array.as_string_view_opt().map_or(0, bytes_of)
}

/// A buffer may be a slice of a much larger one, a page of a file above all, which it keeps alive.
fn bytes_of(texts: &StringViewArray) -> usize {
    texts.data_buffers().iter().map(Buffer::capacity).sum()
}

fn of_texts(texts: &StringViewArray) -> Result<ArrayRef> {
    // By where a text lies: length, buffer and offset are in the view.
    let mut places: HashMap<u128, u128> = HashMap::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut views = Vec::with_capacity(texts.len());
    for (row, view) in texts.views().iter().enumerate() {
        let length = *view as u32;
        if texts.is_null(row) {
            views.push(0);
        } else if length <= INLINE {
            views.push(*view);
        } else {
            let placed = places.entry(*view).or_insert_with(|| {
                let text = texts.value(row).as_bytes();
                let start = bytes.len();
                bytes.extend_from_slice(text);
                arrow::array::make_view(text, 0, u32::try_from(start).unwrap_or(u32::MAX))
            });
            views.push(*placed);
        }
    }
    if bytes.len() * 2 > bytes_of(texts) || bytes.len() > i32::MAX as usize {
        return Ok(Arc::new(texts.clone()));
    }
    let views = ScalarBuffer::from(views);
    Ok(Arc::new(StringViewArray::try_new(
        views,
        vec![Buffer::from(bytes)],
        texts.nulls().cloned(),
    )?))
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
        let schema = Arc::new(Schema::new(vec![
            Field::new("text", DataType::Utf8View, true),
            Field::new("other", DataType::Utf8, true),
        ]));
        let other: ArrayRef = Arc::new(StringArray::from(vec!["x"; 900]));
        let batch = RecordBatch::try_new(schema, vec![held, other]).unwrap();
        let before = batch.get_array_memory_size();
        let small = compact(batch.clone()).unwrap();
        assert_eq!(small, batch);
        assert!(
            before > 500_000 && small.get_array_memory_size() < 40_000,
            "{before}, {}",
            small.get_array_memory_size()
        );
        // What is compact already is left as it is.
        let again = compact(small.clone()).unwrap();
        assert!(Arc::ptr_eq(again.column(0), small.column(0)));
    }
}
