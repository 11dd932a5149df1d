//! CSV as in RFC 4180, with lines ended by a line feed.
//!
//! A text cell that a spreadsheet would take for a formula is led by an apostrophe
//! (<https://owasp.org/www-community/attacks/CSV_Injection>); null is nothing, empty text is `""`.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Encoder, Result, value};

pub(super) struct Csv {
    header: Option<SchemaRef>,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef) -> Csv {
        Csv {
            header: Some(schema.clone()),
        }
    }

    fn begin(&mut self, out: &mut impl Write) -> Result<()> {
        if let Some(schema) = self.header.take() {
            let mut line = String::new();
            for (index, field) in schema.fields().iter().enumerate() {
                if index > 0 {
                    line.push(',');
                }
                cell(field.name(), true, &mut line);
            }
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

impl<W: Write> Encoder<W> for Csv {
    fn rows(&mut self, out: &mut W, batch: &RecordBatch) -> Result<()> {
        self.begin(out)?;
        let columns = value::plain_columns(batch)?;
        let mut lines = String::new();
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    lines.push(',');
                }
                if let Some(text) = value::text(column.as_ref(), row)? {
                    cell(&text, value::is_textual(column.data_type()), &mut lines);
                }
            }
            lines.push('\n');
        }
        Ok(out.write_all(lines.as_bytes())?)
    }

    fn end(mut self: Box<Self>, mut out: W) -> Result<W> {
        self.begin(&mut out)?;
        Ok(out)
    }
}

/// One line of cells, all of them text from outside unless they say otherwise.
pub(super) fn line<'c>(cells: impl IntoIterator<Item = (Option<&'c str>, bool)>, out: &mut String) {
    for (index, (text, textual)) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if let Some(text) = text {
            cell(text, textual, out);
        }
    }
    out.push('\n');
}

fn cell(text: &str, textual: bool, line: &mut String) {
    // Spreadsheets differ in what they trim before they look for a formula.
    let formula = textual
        && (text.starts_with(['\t', '\r', '\n'])
            || text
                .trim_start_matches(|letter: char| {
                    letter.is_whitespace() || letter.is_control() || letter == '\u{feff}'
                })
                .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']));
    let quoted = text.is_empty() || formula || text.contains([',', '"', '\n', '\r']) || text.trim() != text;
    if !quoted {
        line.push_str(text);
        return;
    }
    line.push('"');
    if formula {
        line.push('\'');
    }
    for letter in text.chars() {
        if letter == '"' {
            line.push('"');
        }
        line.push(letter);
    }
    line.push('"');
}
