//! Rows to bytes, in the formats users ask for, as a stream, and documents of several answers. Pure: it writes to what
//! it is given and opens nothing.

pub mod admin_rights;
mod csv;
pub mod evidence;
pub mod grounds;
mod json;
mod markdown;
mod pages;
mod parquet;
mod table;
pub mod trace;
pub mod unused_keys;
mod value;

use std::io::Write;

pub(crate) use value::text as value_text;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

/// What can go wrong between rows and bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes could not be written.
    #[error("{0}")]
    Write(#[from] std::io::Error),
    /// A value has no form in this format.
    #[error("{0}")]
    Value(#[from] arrow::error::ArrowError),
    /// Parquet could not be written.
    #[error("{0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// Results of this room.
pub type Result<T> = std::result::Result<T, Error>;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// RFC 4180, safe to open in a spreadsheet.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Jsonl,
    /// A GitHub-flavoured table.
    Markdown,
    /// One Parquet file.
    Parquet,
}

trait Encoder<W> {
    fn rows(&mut self, out: &mut W, batch: &RecordBatch) -> Result<()>;
    fn end(self: Box<Self>, out: W) -> Result<W>;
}

/// Writes batches of one schema in one format.
pub struct Writer<W: Write + Send> {
    out: W,
    encoder: Box<dyn Encoder<W> + Send>,
    rows: usize,
}

impl<W: Write + Send + 'static> Writer<W> {
    /// A writer of rows with these columns.
    ///
    /// # Errors
    /// The columns have no form in this format, or the first bytes cannot be written.
    pub fn new(format: Format, schema: &SchemaRef, out: W) -> Result<Writer<W>> {
        let encoder: Box<dyn Encoder<W> + Send> = match format {
            Format::Table => Box::new(table::Table::new(schema)),
            Format::Csv => Box::new(csv::Csv::new(schema)),
            Format::Json => Box::new(json::Json::array(schema)),
            Format::Jsonl => Box::new(json::Json::lines(schema)),
            Format::Markdown => Box::new(markdown::Markdown::new(schema)),
            Format::Parquet => Box::new(parquet::Parquet::new(schema)),
        };
        Ok(Writer { out, encoder, rows: 0 })
    }

    /// Writes a batch's rows.
    ///
    /// # Errors
    /// The bytes cannot be written, or a value has no form in this format.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.encoder.rows(&mut self.out, batch)
    }

    /// Makes what was written so far visible to the reader.
    ///
    /// # Errors
    /// The bytes cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    /// Ends the output and returns the number of rows in it.
    ///
    /// # Errors
    /// The bytes cannot be written.
    pub fn finish(self) -> Result<(usize, W)> {
        let mut out = self.encoder.end(self.out)?;
        out.flush()?;
        Ok((self.rows, out))
    }
}

#[cfg(test)]
mod tests;
