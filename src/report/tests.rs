//! Every format on values that are awkward in it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};

use super::{Format, Writer};

fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn awkward() -> RecordBatch {
    let text: ArrayRef = Arc::new(StringViewArray::from(vec![
        Some("=cmd|' /C calc'!A0"),
        Some("a \"b\", c\nd\u{1b}[31m"),
        Some(""),
        None,
    ]));
    let number: ArrayRef = Arc::new(Int64Array::from(vec![Some(-5), Some(1), None, Some(30)]));
    let at = TimestampMicrosecondArray::from(vec![Some(0), Some(1_500_000), None, Some(-1_000_000)]);
    let at: ArrayRef = Arc::new(at.with_timezone("UTC"));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(
        vec![Some(vec![Some(1), None]), Some(vec![]), None, None],
    ));
    rows(vec![("text", text), ("number", number), ("at", at), ("list", list)])
}

fn write(format: Format, batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = Writer::new(format, &batches[0].schema(), Vec::new()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    let (count, bytes) = writer.finish().unwrap();
    assert_eq!(count, batches.iter().map(RecordBatch::num_rows).sum::<usize>());
    bytes
}

fn text(format: Format, batch: RecordBatch) -> String {
    String::from_utf8(write(format, &[batch])).unwrap()
}

#[test]
fn csv_quotes_and_disarms_formulas_but_leaves_numbers() {
    assert_eq!(
        text(Format::Csv, awkward()),
        "text,number,at,list\n\
         \"'=cmd|' /C calc'!A0\",-5,1970-01-01T00:00:00Z,\"[1,null]\"\n\
         \"a \"\"b\"\", c\nd\u{1b}[31m\",1,1970-01-01T00:00:01.500Z,[]\n\
         \"\",,,\n\
         ,30,1969-12-31T23:59:59Z,\n"
    );
}

#[test]
fn json_is_one_array_and_jsonl_one_object_a_line() {
    let array: serde_json::Value = serde_json::from_str(&text(Format::Json, awkward())).unwrap();
    let lines: Vec<serde_json::Value> = text(Format::Jsonl, awkward())
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(array, serde_json::Value::Array(lines));
    assert_eq!(
        array[1],
        serde_json::json!({"text": "a \"b\", c\nd\u{1b}[31m", "number": 1, "at": "1970-01-01T00:00:01.500Z", "list": []})
    );
    assert_eq!(array[3]["text"], serde_json::Value::Null);
    assert!(
        !text(Format::Jsonl, awkward()).contains('\u{1b}'),
        "a terminal must not obey it"
    );
}

#[test]
fn no_rows_are_a_header_or_an_empty_array() {
    let none = || awkward().slice(0, 0);
    assert_eq!(text(Format::Json, none()), "[]\n");
    assert_eq!(text(Format::Jsonl, none()), "");
    assert_eq!(text(Format::Csv, none()), "text,number,at,list\n");
    assert_eq!(
        text(Format::Table, none()),
        "text  number  at  list\n----  ------  --  ----\n"
    );
    assert_eq!(text(Format::Markdown, none()).lines().count(), 2);
}

#[test]
fn tables_align_and_show_escapes_instead_of_obeying_them() {
    let name: ArrayRef = Arc::new(StringArray::from(vec!["k\u{1b}]0;x\u{7}", "\u{202e}gnp"]));
    let uses: ArrayRef = Arc::new(Int64Array::from(vec![1, 200]));
    assert_eq!(
        text(Format::Table, rows(vec![("name", name), ("uses", uses)])),
        "name              uses\n----------------  ----\nk\\u{1b}]0;x\\u{7}     1\n\\u{202e}gnp        200\n"
    );
}

#[test]
fn tables_stream_beyond_the_rows_that_set_the_widths() {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_500));
    let batch = rows(vec![("n", column)]);
    let mut writer = Writer::new(Format::Table, &batch.schema(), Vec::new()).unwrap();
    writer.write(&batch).unwrap();
    let lines = String::from_utf8(writer.finish().unwrap().1).unwrap();
    assert_eq!(lines.lines().count(), 1_502);
    assert_eq!(lines.lines().next_back(), Some("1499"));
}

#[test]
fn markdown_escapes_what_it_or_html_would_act_on() {
    let cell: ArrayRef = Arc::new(StringArray::from(vec!["<b>|*x*|[y](z)"]));
    let table = text(Format::Markdown, rows(vec![("a_b", cell)]));
    assert_eq!(table, "| a\\_b |\n| --- |\n| &lt;b&gt;\\|\\*x\\*\\|\\[y\\](z) |\n");
}

#[test]
fn nested_values_dictionaries_and_odd_numbers_are_json() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    let nested: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("a", DataType::Utf8, true)),
        texts,
    )]));
    let dictionary: ArrayRef = Arc::new(
        vec![Some("d"), None]
            .into_iter()
            .collect::<DictionaryArray<Int32Type>>(),
    );
    let odd: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, 0.5]));
    let lines = text(Format::Jsonl, rows(vec![("s", nested), ("d", dictionary), ("f", odd)]));
    assert_eq!(
        lines,
        "{\"s\":{\"a\":\"x\"},\"d\":\"d\",\"f\":null}\n{\"s\":{\"a\":null},\"d\":null,\"f\":0.5}\n"
    );
}

#[test]
fn parquet_reads_back_as_it_was() {
    let bytes = bytes::Bytes::from(write(Format::Parquet, &[awkward(), awkward()]));
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes)
        .unwrap()
        .build()
        .unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let whole = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(whole.schema().field(0).data_type(), &DataType::Utf8);
    assert_eq!(text(Format::Jsonl, whole.slice(0, 4)), text(Format::Jsonl, awkward()));
    assert_eq!(whole.num_rows(), 8);
    let none = bytes::Bytes::from(write(Format::Parquet, &[awkward().slice(0, 0)]));
    assert!(parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(none).is_ok());
}
