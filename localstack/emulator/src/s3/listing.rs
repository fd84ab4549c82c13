//! One page of a bucket's keys: a pure function from the sorted keys and the request to the page.

use std::collections::BTreeMap;
use std::ops::Bound;

use s3s::S3Result;
use s3s::s3_error;

/// S3 returns at most this many keys and common prefixes in one page.
pub(super) const PAGE_KEYS_MAX: usize = 1000;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    Start,
    /// Behind this key.
    Key(String),
    /// Behind every key that begins so.
    Prefix(String),
}

impl After {
    /// A `marker` or `start-after` of the client's. One that ends in the delimiter may be the common prefix that the
    /// page before ended with, which stands for all keys under it.
    pub(super) fn marker(marker: Option<String>, prefix: &str, delimiter: Option<&str>) -> Self {
        match marker {
            None => Self::Start,
            Some(marker) => match delimiter {
                Some(delimiter) if marker.starts_with(prefix) && marker.ends_with(delimiter) => Self::Prefix(marker),
                _ => Self::Key(marker),
            },
        }
    }

    /// The continuation token of a page that ended here.
    pub(super) fn token(&self) -> Option<String> {
        let text = match self {
            Self::Start => return None,
            Self::Key(key) => format!("k{key}"),
            Self::Prefix(prefix) => format!("p{prefix}"),
        };
        Some(super::spool::base64(text.as_bytes()))
    }

    pub(super) fn from_token(token: &str) -> S3Result<Self> {
        use base64::Engine;
        let invalid = || s3_error!(InvalidArgument, "The continuation token provided is incorrect");
        let bytes = base64::engine::general_purpose::STANDARD.decode(token).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        match (text.strip_prefix('k'), text.strip_prefix('p')) {
            (Some(key), _) => Ok(Self::Key(key.to_owned())),
            (_, Some(prefix)) => Ok(Self::Prefix(prefix.to_owned())),
            _ => Err(invalid()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Page<V> {
    pub objects: Vec<V>,
    pub common_prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<After>,
}

/// `max-keys` of a request, brought within bounds.
pub(super) fn page_size(max_keys: Option<i32>) -> S3Result<usize> {
    let Some(max_keys) = max_keys else { return Ok(PAGE_KEYS_MAX) };
    let max_keys =
        usize::try_from(max_keys).map_err(|_| s3_error!(InvalidArgument, "max-keys must not be negative"))?;
    Ok(max_keys.min(PAGE_KEYS_MAX))
}

/// The first `keys_max` keys and common prefixes behind `after`.
pub(super) fn list_page<V: Clone>(
    keys: &BTreeMap<String, V>,
    prefix: &str,
    delimiter: Option<&str>,
    after: &After,
    keys_max: usize,
) -> Page<V> {
    let mut page = Page { objects: Vec::new(), common_prefixes: Vec::new(), next: None };
    if keys_max == 0 {
        return page;
    }
    let from = match after {
        After::Key(key) if key.as_str() >= prefix => Bound::Excluded(key.as_str()),
        After::Prefix(group) if group.as_str() >= prefix => Bound::Included(group.as_str()),
        _ => Bound::Included(prefix),
    };
    let mut passed_group = match after {
        After::Prefix(group) => Some(group.clone()),
        _ => None,
    };
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
    let mut last = None;
    for (key, value) in keys.range::<str, _>((from, Bound::Unbounded)) {
        let Some(behind_prefix) = key.strip_prefix(prefix) else { break };
        if passed_group.as_ref().is_some_and(|group| key.starts_with(group.as_str())) {
            continue;
        }
        if page.objects.len() + page.common_prefixes.len() == keys_max {
            page.next = last;
            break;
        }
        let group = delimiter.and_then(|delimiter| {
            let end = behind_prefix.find(delimiter)? + delimiter.len();
            key.get(..prefix.len() + end)
        });
        if let Some(group) = group {
            page.common_prefixes.push(group.to_owned());
            passed_group = Some(group.to_owned());
            last = Some(After::Prefix(group.to_owned()));
        } else {
            page.objects.push(value.clone());
            last = Some(After::Key(key.clone()));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows the pages to the end and shows each as `keys|prefixes`.
    fn check(keys: &[&str], prefix: &str, delimiter: Option<&str>, keys_max: usize, expected: &[&str]) -> S3Result<()> {
        let keys: BTreeMap<String, String> = keys.iter().map(|key| (key.to_string(), key.to_string())).collect();
        let (mut after, mut shown) = (After::Start, Vec::new());
        loop {
            let page = list_page(&keys, prefix, delimiter, &after, keys_max);
            shown.push(format!("{}|{}", page.objects.join(","), page.common_prefixes.join(",")));
            let Some(token) = page.next.as_ref().and_then(After::token) else { break };
            after = After::from_token(&token)?;
        }
        assert_eq!(shown, expected);
        Ok(())
    }

    #[test]
    fn pages() -> S3Result<()> {
        let keys = ["a", "a/b", "a/c", "b", "b0", "c/x/1", "c/x/2", "c/y", "ü"];
        check(&keys, "", None, 1000, &["a,a/b,a/c,b,b0,c/x/1,c/x/2,c/y,ü|"])?;
        check(&keys, "", Some("/"), 1000, &["a,b,b0,ü|a/,c/"])?;
        check(&keys, "", Some("/"), 2, &["a|a/", "b,b0|", "ü|c/"])?;
        check(&keys, "", Some("/"), 1, &["a|", "|a/", "b|", "b0|", "|c/", "ü|"])?;
        check(&keys, "c/", Some("/"), 1, &["|c/x/", "c/y|"])?;
        check(&keys, "c/", None, 3, &["c/x/1,c/x/2,c/y|"])?;
        check(&keys, "none", None, 3, &["|"])?;
        check(&keys, "", None, 0, &["|"])
    }

    #[test]
    fn markers() {
        let keys: BTreeMap<String, &str> = ["a/b", "a/c", "b"].map(|key| (key.to_owned(), key)).into();
        let objects = |after| list_page(&keys, "", Some("/"), &after, 9).objects;
        let prefixes = |after| list_page(&keys, "", Some("/"), &after, 9).common_prefixes;
        assert_eq!(prefixes(After::marker(Some("a/".into()), "", Some("/"))), Vec::<String>::new());
        assert_eq!(prefixes(After::marker(Some("a/b".into()), "", Some("/"))), ["a/"]);
        assert_eq!(objects(After::marker(Some("a/".into()), "", Some("/"))), ["b"]);
        assert_eq!(After::marker(Some("a/".into()), "", None), After::Key("a/".into()));
    }
}
