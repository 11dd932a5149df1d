//! One Parquet file, in plain Parquet types so that every engine reads it.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Encoder, Result};

pub(super) struct Parquet {
    schema: SchemaRef,
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl Parquet {
    pub(super) fn new(schema: &SchemaRef) -> Parquet {
        let fields: Vec<Field> = schema.fields().iter().map(|field| plain(field)).collect();
        Parquet {
            schema: SchemaRef::new(Schema::new(fields)),
            writer: None,
        }
    }

    fn writer(&mut self) -> Result<&mut ArrowWriter<Vec<u8>>> {
        if self.writer.is_none() {
            let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?));
            let properties = properties.set_max_row_group_row_count(Some(131_072)).build();
            self.writer = Some(ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(properties))?);
        }
        self.writer
            .as_mut()
            .ok_or_else(|| parquet::errors::ParquetError::General("no writer".to_owned()).into())
    }

    /// Hands on the finished row groups: the writer's own sink is memory, so that a closed pipe stays an I/O error.
    fn drain(&mut self, out: &mut impl Write) -> Result<()> {
        let bytes = std::mem::take(self.writer()?.inner_mut());
        Ok(out.write_all(&bytes)?)
    }
}

impl<W: Write> Encoder<W> for Parquet {
    fn rows(&mut self, out: &mut W, batch: &RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns
            .map(|(column, field)| cast(column, field.data_type()))
            .collect::<std::result::Result<_, _>>()?;
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.writer()?.write(&batch)?;
        self.drain(out)
    }

    fn end(mut self: Box<Self>, mut out: W) -> Result<W> {
        self.writer()?.finish()?;
        self.drain(&mut out)?;
        Ok(out)
    }
}

/// The field without views and dictionaries, nullable: what a query returns may hold nulls whatever its plan said.
fn plain(field: &Field) -> Field {
    Field::new(field.name(), plain_type(field.data_type()), true)
}

fn plain_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::List(element) | DataType::LargeList(element) => {
            DataType::List(plain(element).with_name("element").into())
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| plain(field)).collect::<Fields>()),
        other => other.clone(),
    }
}
