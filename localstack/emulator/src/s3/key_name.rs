//! Which file holds a key's object. Every key is one file name in one folder, never a path, so that `x` and `x/y` stand
//! side by side. The name is for finding and for reading by eye: the key itself is in the file (`object_file`), so names
//! are never decoded.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// File systems allow 255 bytes; some room is left.
const FILE_NAME_BYTES_MAX: usize = 240;

/// What a shortened name keeps of its key.
const READABLE_PREFIX_BYTES: usize = 150;

/// The file name of a key: percent-encoded, or, where that is too long, its beginning, `~` and the key's SHA-256.
/// `~` never stands in an encoded key, so the two kinds cannot meet.
pub(super) fn file_name(key: &str) -> String {
    let mut name = percent_encode(key, is_plain);
    if name.starts_with('.') {
        name.replace_range(..1, "%2E"); // neither `.`, `..` nor a hidden file
    }
    if name.len() > FILE_NAME_BYTES_MAX {
        name.truncate(READABLE_PREFIX_BYTES);
        name.push('~');
        name.push_str(&hex::encode(Sha256::digest(key)));
    }
    name
}

/// Keys in a listing with `encoding-type=url`.
pub(super) fn url_encode(text: &str) -> String {
    percent_encode(text, |byte| byte.is_ascii_alphanumeric() || b"-_.~/*".contains(&byte))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.=+,@".contains(&byte)
}

fn percent_encode(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_flat_and_readable() {
        assert_eq!(file_name("x"), "x");
        assert_eq!(file_name("x/y"), "x%2Fy");
        assert_eq!(file_name("day=1/part-0.parquet"), "day=1%2Fpart-0.parquet");
        assert_eq!(file_name("x%2Fy"), "x%252Fy");
        assert_eq!(file_name("."), "%2E");
        assert_eq!(file_name("../up"), "%2E.%2Fup");
        assert_eq!(file_name("ü~"), "%C3%BC%7E");
    }

    #[test]
    fn long_keys_fit_and_stay_apart() {
        let (a, b) = ("/".repeat(1024), format!("{}x", "/".repeat(1023)));
        assert!(file_name(&a).len() <= FILE_NAME_BYTES_MAX);
        assert_ne!(file_name(&a), file_name(&b));
    }
}
