//! Two functions on JSON text, for the columns that hold parameters as they came: one member as text, and the pairs of a
//! member that is an object. What is not JSON, or not of that shape, gives nothing.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringArray, StringBuilder, StructBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::cast::as_string_array;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use serde_json::Value;

/// The functions.
pub(super) fn functions() -> [ScalarUDF; 2] {
    [Shape::Text, Shape::Pairs].map(|shape| {
        ScalarUDF::from(Member {
            shape,
            signature: Signature::string(2, Volatility::Immutable),
        })
    })
}

/// What becomes of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    /// `json_text(text, name)`: the member, if it is text.
    Text,
    /// `json_pairs(text, name)`: a list of `{key, value}`, if it is an object.
    Pairs,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Member {
    shape: Shape,
    signature: Signature,
}

fn pair() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Fields::from(vec![text("key"), text("value")])
}

impl ScalarUDFImpl for Member {
    fn name(&self) -> &str {
        match self.shape {
            Shape::Text => "json_text",
            Shape::Pairs => "json_pairs",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.shape {
            Shape::Text => DataType::Utf8,
            Shape::Pairs => DataType::List(Arc::new(Field::new("item", DataType::Struct(pair()), true))),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [texts, names] = columns.as_slice() else {
            return datafusion::common::exec_err!("{} takes a text and a name", self.name());
        };
        let (texts, names) = (cast(texts, &DataType::Utf8)?, cast(names, &DataType::Utf8)?);
        let rows = as_string_array(&texts)?.iter().zip(as_string_array(&names)?.iter());
        let members = rows.map(|(text, name)| member(text?, name?));
        Ok(ColumnarValue::Array(match self.shape {
            Shape::Text => Arc::new(members.map(|member| text_of(member?)).collect::<StringArray>()),
            Shape::Pairs => pairs(members),
        }))
    }
}

fn member(text: &str, name: &str) -> Option<Value> {
    match serde_json::from_str(text).ok()? {
        Value::Object(mut members) => members.remove(name),
        _ => None,
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn pairs(members: impl Iterator<Item = Option<Value>>) -> ArrayRef {
    let entry = StructBuilder::from_fields(pair(), 0);
    let mut lists = ListBuilder::new(entry);
    for member in members {
        if let Some(Value::Object(members)) = member {
            for (key, value) in members {
                let entry = lists.values();
                // A value of an encryption context is text; whatever else stands there is shown as it is.
                let value = match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                for (column, text) in [key, value].into_iter().enumerate() {
                    if let Some(texts) = entry.field_builder::<StringBuilder>(column) {
                        texts.append_value(text);
                    }
                }
                entry.append(true);
            }
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_by_its_name_whatever_its_text_holds() {
        let hostile = r#"{"note":"\"encryptionContext\":{\"a\":\"b\"}","encryptionContext":{"k\"}":"v{,","n":1}}"#;
        let Some(Value::Object(found)) = member(hostile, "encryptionContext") else {
            panic!("no object");
        };
        assert_eq!(found.get("k\"}").and_then(Value::as_str), Some("v{,"));
        let list = pairs([member(hostile, "encryptionContext"), None, member("[1]", "a")].into_iter());
        assert_eq!(list.len(), 3);
        assert_eq!(member("no JSON", "a"), None);
        assert_eq!(
            text_of(member(r#"{"SourceArn":"arn"}"#, "SourceArn").unwrap()).as_deref(),
            Some("arn")
        );
    }
}
