//! Rows as text, in which a secret can be looked for.

use crate::bindings::runner::migration::sql::Row;
use crate::bindings::runner::migration::types::{ArrayValue, Value};

/// The most text of one statement's rows, in bytes: the log has a limit.
const MOST: usize = 16 * 1024;

/// Rows one a line, each a JSON array of texts; cut off after 16 KiB.
pub fn rows(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let fields: Vec<Option<String>> = row.iter().map(value).collect();
        text.push_str(&serde_json::to_string(&fields).unwrap_or_else(|error| error.to_string()));
        text.push('\n');
        if text.len() > MOST {
            break;
        }
    }
    cut(&mut text);
    text
}

/// Tuples as a reader gives them, as text.
pub fn tuples(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    cut(&mut text);
    text
}

fn cut(text: &mut String) {
    while text.len() > MOST {
        text.pop();
    }
}

/// None for NULL.
fn value(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::Boolean(value) => if *value { "t" } else { "f" }.into(),
        Value::Int2(value) => value.to_string(),
        Value::Int4(value) | Value::Date(value) => value.to_string(),
        Value::Int8(value) | Value::Time(value) | Value::Timestamp(value) | Value::Timestamptz(value) => {
            value.to_string()
        }
        Value::Float4(value) => value.to_string(),
        Value::Float8(value) => value.to_string(),
        Value::Numeric(text)
        | Value::Text(text)
        | Value::Json(text)
        | Value::Jsonb(text)
        | Value::Literal(text) => text.clone(),
        Value::Bytea(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(array) => elements(array),
        // Names, `regclass` and XML arrive like this: their text is in the bytes.
        Value::Raw(raw) => String::from_utf8_lossy(&raw.data).into_owned(),
        other => format!("{other:?}"),
    };
    Some(text)
}

fn elements(array: &ArrayValue) -> String {
    let text = |element: &Option<Vec<u8>>| {
        element.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    };
    array.elements.iter().map(text).collect::<Vec<_>>().join(",")
}
