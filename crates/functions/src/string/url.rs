//! URLs: coded and taken apart.

use arrow::array::{ArrayRef, StringArray};
use datafusion::common::Result;
use firesteel_spec::{SparkError, SparkResult};

use super::pattern::JavaRegex;
use super::rows::{self, constant_flag, each, kernels, lax, texts};
use crate::call::Call;
use crate::kernel::spark_error;
use crate::typed::Typed;

kernels! {
    URL_ENCODE = "spark_url_encode", rows::text_or_null, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| Ok(Some(encoded(texts(&arrays[0]).value(row)))))
    };
    URL_DECODE = "spark_url_decode", rows::text_or_null, |arrays, count| {
        let is_try = constant_flag(&arrays[1]);
        each::<StringArray, _>(&arrays[..1], count, |row| {
            let url = texts(&arrays[0]).value(row);
            match decoded(url) {
                None if !is_try => Err(spark_error(cannot_decode(url))),
                text => Ok(text),
            }
        })
    };
    PARSE_URL = "spark_parse_url", rows::text_or_null, parse_kernel;
}

pub(super) fn encode(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(lax(&URL_ENCODE, vec![call.string(0)?])?))
}

pub(super) fn decode(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let is_try = Typed::boolean(call.name.starts_with("try_"));
    Ok(call.shown(lax(&URL_DECODE, vec![call.string(0)?, is_try])?))
}

/// `application/x-www-form-urlencoded`, as `java.net.URLEncoder`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn cannot_decode(url: &str) -> SparkError {
    SparkError::new("CANNOT_DECODE_URL", format!("the URL cannot be decoded: {url}")).with("url", url)
}

/// `parse_url(url, part[, key])` and `try_parse_url`.
pub(super) fn parse(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let fails = Typed::boolean(call.settings.ansi && call.name == "parse_url");
    let mut arguments = vec![fails, call.text(0)?, call.text(1)?];
    if call.has(2) {
        arguments.push(call.text(2)?);
    }
    Ok(call.shown(lax(&PARSE_URL, arguments)?))
}

fn parse_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let fails = constant_flag(&arrays[0]);
    each::<StringArray, _>(&arrays[1..], rows, |row| {
        let (url, part) = (texts(&arrays[1]).value(row), texts(&arrays[2]).value(row));
        let Some(parts) = Parts::of(url) else {
            return if fails { Err(spark_error(invalid_url(url))) } else { Ok(None) };
        };
        let found = match arrays.get(3) {
            None => parts.part(part),
            Some(keys) if part == "QUERY" => value_of(parts.query, texts(keys).value(row))?,
            Some(_) => None,
        };
        Ok(found)
    })
}

fn invalid_url(url: &str) -> SparkError {
    SparkError::new("INVALID_URL", format!("the URL is invalid: {url}; use `try_parse_url` to get NULL instead"))
        .with("url", url)
}

/// The key is part of a regular expression, as in Hive.
fn value_of(query: Option<&str>, key: &str) -> Result<Option<String>> {
    let Some((query, regex)) = query.zip(JavaRegex::new(&format!("(&|^){key}=([^&]*)"))) else { return Ok(None) };
    let groups = regex.find_at(query, 0)?;
    Ok(groups.and_then(|groups| groups.get(2).cloned().flatten()).map(|range| query[range].to_owned()))
}

/// A URL's parts as `java.net.URI` has them, undecoded.
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let is_legal =
            |byte: u8| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"-_.!~*'(),;:$&+=?/[]@#%".contains(&byte);
        if !url.bytes().all(is_legal) || !escapes_are_whole(url) {
            return None;
        }
        let (rest, fragment) = split_at_first(url, '#');
        let colon = rest.find(':').filter(|colon| rest.find(['/', '?']).is_none_or(|other| *colon < other));
        let (scheme, rest) = match colon {
            Some(0) => return None,
            Some(colon) => (Some(&rest[..colon]), &rest[colon + 1..]),
            None => (None, rest),
        };
        if let Some(scheme) = scheme {
            let mut letters = scheme.bytes();
            let starts = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic());
            if !starts
                || !letters.all(|letter| letter.is_ascii_alphanumeric() || b"+-.".contains(&letter))
                || rest.is_empty()
            {
                return None;
            }
        }
        // Opaque: what follows is neither path nor query.
        if scheme.is_some() && !rest.starts_with('/') {
            return Some(Self { scheme, authority: None, path: None, query: None, fragment });
        }
        let (rest, query) = split_at_first(rest, '?');
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..end]).filter(|authority| !authority.is_empty()), &rest[end..])
            }
            None => (None, rest),
        };
        Some(Self { scheme, authority, path: Some(path), query, fragment })
    }

    fn part(&self, part: &str) -> Option<String> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        match part {
            "HOST" => own(self.host()),
            "PATH" => own(self.path),
            "QUERY" => own(self.query),
            "REF" => own(self.fragment),
            "PROTOCOL" => own(self.scheme),
            "FILE" => match self.query {
                Some(query) => self.path.map(|path| format!("{path}?{query}")),
                None => own(self.path),
            },
            "AUTHORITY" => own(self.authority),
            "USERINFO" => own(self.authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user)),
            _ => None,
        }
    }

    fn host(&self) -> Option<&'a str> {
        let authority = self.authority?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
            _ => host,
        };
        // Names that the internet knows, or a number in brackets; what else there is names no server.
        let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        (!host.is_empty() && (is_name || host.starts_with('['))).then_some(host)
    }
}

fn split_at_first(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn escapes_are_whole(url: &str) -> bool {
    url.bytes().enumerate().filter(|(_, byte)| *byte == b'%').all(|(at, _)| {
        url.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}
