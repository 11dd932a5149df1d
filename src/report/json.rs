//! JSON: one array of objects, or one object a line. Nulls are written, so that every row has every column.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Encoder, Result, value};

pub(super) struct Json {
    names: Vec<String>,
    array: bool,
    rows: usize,
}

impl Json {
    pub(super) fn array(schema: &SchemaRef) -> Json {
        Json {
            names: names(schema),
            array: true,
            rows: 0,
        }
    }

    pub(super) fn lines(schema: &SchemaRef) -> Json {
        Json {
            names: names(schema),
            array: false,
            rows: 0,
        }
    }
}

fn names(schema: &SchemaRef) -> Vec<String> {
    let quoted = schema.fields().iter().map(|field| {
        let mut name = String::new();
        value::quote(field.name(), &mut name);
        name
    });
    quoted.collect()
}

impl<W: Write> Encoder<W> for Json {
    fn rows(&mut self, out: &mut W, batch: &RecordBatch) -> Result<()> {
        let columns = value::plain_columns(batch)?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            if self.array {
                text.push_str(if self.rows == 0 { "[\n" } else { ",\n" });
            }
            self.rows += 1;
            text.push('{');
            for (index, (name, column)) in self.names.iter().zip(&columns).enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(name);
                text.push(':');
                value::json(column.as_ref(), row, &mut text)?;
            }
            text.push('}');
            if !self.array {
                text.push('\n');
            }
        }
        Ok(out.write_all(text.as_bytes())?)
    }

    fn end(self: Box<Self>, mut out: W) -> Result<W> {
        if self.array {
            out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        Ok(out)
    }
}
