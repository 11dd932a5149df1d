//! Aligned columns for people: widths come from the first rows, later rows stream through them.
//!
//! Whatever a terminal would obey is shown as an escape, so that a hostile user agent cannot write on the screen.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Encoder, Result, value};

/// Rows held back to find the widths.
const SAMPLE_ROWS: usize = 1_000;

pub(super) struct Table {
    names: Vec<String>,
    right: Vec<bool>,
    widths: Option<Vec<usize>>,
    held: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(schema: &SchemaRef) -> Table {
        let names = schema
            .fields()
            .iter()
            .map(|field| value::visible(field.name()))
            .collect();
        let right = schema
            .fields()
            .iter()
            .map(|field| value::is_numeric(field.data_type()))
            .collect();
        Table {
            names,
            right,
            widths: None,
            held: Vec::new(),
        }
    }

    /// Fixes the widths and writes the header and the rows held back.
    fn release(&mut self, out: &mut impl Write) -> Result<()> {
        let mut widths: Vec<usize> = self.names.iter().map(|name| width(name)).collect();
        for row in &self.held {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let left = vec![false; widths.len()];
        self.line(out, &self.names, &widths, &left)?;
        writeln!(out, "{}", rule.join("  "))?;
        for row in std::mem::take(&mut self.held) {
            self.line(out, &row, &widths, &self.right)?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn line(&self, out: &mut impl Write, cells: &[String], widths: &[usize], right: &[bool]) -> Result<()> {
        let mut line = String::new();
        for (index, ((cell, widest), right)) in cells.iter().zip(widths).zip(right).enumerate() {
            if index > 0 {
                line.push_str("  ");
            }
            let padding = " ".repeat(widest.saturating_sub(width(cell)));
            if *right {
                line.push_str(&padding);
            }
            line.push_str(cell);
            if !*right {
                line.push_str(&padding);
            }
        }
        Ok(writeln!(out, "{}", line.trim_end_matches(' '))?)
    }
}

impl<W: Write> Encoder<W> for Table {
    fn rows(&mut self, out: &mut W, batch: &RecordBatch) -> Result<()> {
        let columns = value::plain_columns(batch)?;
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(columns.len());
            for column in &columns {
                cells.push(value::visible(&value::text(column.as_ref(), row)?.unwrap_or_default()));
            }
            if let Some(widths) = &self.widths {
                self.line(out, &cells, widths, &self.right)?;
                continue;
            }
            self.held.push(cells);
            if self.held.len() >= SAMPLE_ROWS {
                self.release(out)?;
            }
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, mut out: W) -> Result<W> {
        if self.widths.is_none() {
            self.release(&mut out)?;
        }
        Ok(out)
    }
}

/// Cells a text takes on a terminal: East Asian wide characters and emoji take two, combining marks none.
fn width(text: &str) -> usize {
    text.chars()
        .map(|letter| match u32::from(letter) {
            0x0300..=0x036f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
            0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}
