//! The few lines of JSON that the renderings of a machine and a plan need.
//!
//! Written by hand because this is the lowest crate: serde here would enter every user's dependency graph for two
//! functions that only write. A test reads the result back with serde_json. There is no reader.

use std::fmt::{Display, Write};

/// A quoted and escaped string.
pub(crate) fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for letter in value.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", control as u32); // writing to a String cannot fail
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

/// `[a,b]` of values that are JSON already.
pub(crate) fn array<V: Display>(values: impl IntoIterator<Item = V>) -> String {
    format!("[{}]", joined(values))
}

/// An array of strings.
pub(crate) fn texts(values: &[String]) -> String {
    array(values.iter().map(|value| text(value)))
}

/// `{"name":value}` of values that are JSON already.
pub(crate) fn object(fields: &[(&str, String)]) -> String {
    format!("{{{}}}", joined(fields.iter().map(|(name, value)| format!("{}:{value}", text(name)))))
}

/// The value, or `null`.
pub(crate) fn optional(value: Option<impl Display>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

fn joined<V: Display>(values: impl IntoIterator<Item = V>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let odd = "a \"b\" \\ \n\t\u{1} ü €";
        let written = object(&[("odd", text(odd)), ("none", optional(None::<u32>)), ("list", array([1, 2]))]);
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read, serde_json::json!({"odd": odd, "none": null, "list": [1, 2]}));
    }
}
