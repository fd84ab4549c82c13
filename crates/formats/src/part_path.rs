//! Folders of partitions: `key=value`, with Hive's escapes, as Spark names them.

use std::borrow::Cow;

/// The value of a partition whose column is null, or an empty text.
pub const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// A name or a value as it stands in a folder's name: letters that a path or Hive gives a meaning are `%XX`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if needs_escape(letter) {
            escaped.push_str(&format!("%{:02X}", letter as u32));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// Hive's list, which Spark takes over.
fn needs_escape(letter: char) -> bool {
    matches!(
        letter,
        '\u{1}'
            ..='\u{1f}'
                | '\u{7f}'
                | '"'
                | '#'
                | '%'
                | '\''
                | '*'
                | '/'
                | ':'
                | '='
                | '?'
                | '\\'
                | '{'
                | '['
                | ']'
                | '^'
    )
}

/// `%XX` read back; what is no escape stays.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = match (first, more) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `a=1/b=x`, for a file of these values; nothing for none.
pub fn partition_folder<'a>(values: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let parts = values.into_iter().map(|(name, value)| {
        let value = value.filter(|value| !value.is_empty()).map_or_else(|| NULL_PARTITION.to_owned(), escape);
        format!("{}={value}", escape(name))
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Names and values of the folders `key=value` of a path, outermost first.
pub fn partition_values(folders: &str) -> Vec<(String, Option<String>)> {
    let parts = folders.split('/').filter_map(|part| part.split_once('='));
    let parts = parts.filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let value = |value: &str| (value != NULL_PARTITION).then(|| unescape(value).into_owned());
    parts.map(|(name, text)| (unescape(name).into_owned(), value(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_spark_names_them() {
        let folder = partition_folder([("a", Some("1")), ("b c", Some("x/y=z:%")), ("d", None), ("e", Some(""))]);
        assert_eq!(folder, "a=1/b c=x%2Fy%3Dz%3A%25/d=__HIVE_DEFAULT_PARTITION__/e=__HIVE_DEFAULT_PARTITION__");
        let values = partition_values(&folder);
        assert_eq!(values[1], ("b c".to_owned(), Some("x/y=z:%".to_owned())));
        assert_eq!(values[2], ("d".to_owned(), None));
        assert_eq!(partition_values("x/y"), []);
        assert_eq!(partition_values("a=%zz"), [("a".to_owned(), Some("%zz".to_owned()))]);
    }
}
