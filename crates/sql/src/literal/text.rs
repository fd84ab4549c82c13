//! Texts in quotes: escapes, doubled quotes and raw texts; and bytes in hexadecimal.

/// Adds what a token of a text stands for.
pub(super) fn unescape(token: &str, text: &mut String) {
    if token.starts_with(['r', 'R']) {
        text.push_str(&token[2..token.len() - 1]);
        return;
    }
    let quote = if token.starts_with('"') { '"' } else { '\'' };
    let mut rest = &token[1..token.len() - 1];
    while let Some(position) = rest.find(['\\', quote]) {
        text.push_str(&rest[..position]);
        rest = &rest[position..];
        rest = if rest.starts_with(quote) {
            text.push(quote);
            &rest[(2 * quote.len_utf8()).min(rest.len())..]
        } else {
            escape(rest, text)
        };
    }
    text.push_str(rest);
}

/// From a backslash on; answers what comes after the escape.
fn escape<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let after = &rest[1..];
    if let Some(rest) = unicode(after, text) {
        return rest;
    }
    let mut characters = after.chars();
    match characters.next() {
        Some('0'..='1') if octal(after).is_some() => {
            text.extend(octal(after));
            return &after[3..];
        }
        Some('0') => text.push('\0'),
        Some('b') => text.push('\u{8}'),
        Some('n') => text.push('\n'),
        Some('r') => text.push('\r'),
        Some('t') => text.push('\t'),
        Some('Z') => text.push('\u{1A}'),
        // The patterns of LIKE need these backslashes.
        Some(wildcard @ ('%' | '_')) => text.extend(['\\', wildcard]),
        Some(other) => text.push(other),
        None => text.push('\\'),
    }
    characters.as_str()
}

/// `\101`, three octal digits of which the first is 0 or 1.
fn octal(text: &str) -> Option<char> {
    let digits = text.get(..3)?;
    if !digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) {
        return None;
    }
    u8::from_str_radix(digits, 8).ok().map(char::from)
}

/// `\uD83D\uDE00` or `\U0001F600`; what is no character becomes the replacement character.
fn unicode<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    if text.starts_with('U') {
        let code = hex(text, 1, 8)?;
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return Some(&text[9..]);
    }
    if !text.starts_with('u') {
        return None;
    }
    let code = hex(text, 1, 4)?;
    let low = || text.get(5..)?.strip_prefix("\\u").and_then(|_| hex(text, 7, 4));
    if let (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) = (code, low()) {
        let code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return Some(&text[11..]);
    }
    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(&text[5..])
}

fn hex(text: &str, start: usize, digits: usize) -> Option<u32> {
    let digits = text.get(start..start + digits)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// Bytes in hexadecimal; an odd number of digits lacks a zero in front.
pub(super) fn binary(value: &str) -> Option<Vec<u8>> {
    if !value.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let digits = if value.len() % 2 == 1 { format!("0{value}") } else { value.to_owned() };
    (0..digits.len()).step_by(2).map(|start| u8::from_str_radix(digits.get(start..start + 2)?, 16).ok()).collect()
}
