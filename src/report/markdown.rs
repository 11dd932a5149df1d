//! A GitHub-flavoured Markdown table. What Markdown or HTML would act on is escaped.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Encoder, Result, value};

pub(super) struct Markdown {
    header: Option<SchemaRef>,
}

impl Markdown {
    pub(super) fn new(schema: &SchemaRef) -> Markdown {
        Markdown {
            header: Some(schema.clone()),
        }
    }

    fn begin(&mut self, out: &mut impl Write) -> Result<()> {
        if let Some(schema) = self.header.take() {
            let mut names = String::from("|");
            let mut rule = String::from("|");
            for field in schema.fields() {
                names.push(' ');
                cell(field.name(), &mut names);
                names.push_str(" |");
                rule.push_str(if value::is_numeric(field.data_type()) {
                    " ---: |"
                } else {
                    " --- |"
                });
            }
            writeln!(out, "{names}\n{rule}")?;
        }
        Ok(())
    }
}

impl<W: Write> Encoder<W> for Markdown {
    fn rows(&mut self, out: &mut W, batch: &RecordBatch) -> Result<()> {
        self.begin(out)?;
        let columns = value::plain_columns(batch)?;
        let mut lines = String::new();
        for row in 0..batch.num_rows() {
            lines.push('|');
            for column in &columns {
                lines.push(' ');
                cell(&value::text(column.as_ref(), row)?.unwrap_or_default(), &mut lines);
                lines.push_str(" |");
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

/// A cell's text, with what Markdown or HTML would act on escaped.
pub(super) fn cell(text: &str, line: &mut String) {
    for letter in value::visible(text).chars() {
        match letter {
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            '&' => line.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' => {
                line.push('\\');
                line.push(letter);
            }
            letter => line.push(letter),
        }
    }
}

/// A line of a table, or its rule.
pub(super) fn line<'c>(cells: impl IntoIterator<Item = &'c str>, out: &mut String) {
    out.push('|');
    for text in cells {
        out.push(' ');
        cell(text, out);
        out.push_str(" |");
    }
    out.push('\n');
}

/// A table's head with its rule.
pub(super) fn head(names: &[&str], out: &mut String) {
    line(names.iter().copied(), out);
    out.push('|');
    names.iter().for_each(|_| out.push_str(" --- |"));
    out.push('\n');
}

/// Text outside a table, escaped the same way.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    cell(text, &mut out);
    out
}
