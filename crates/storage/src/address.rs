//! From a URL to a store's name and a key, and back.
//!
//! A URL's path is percent-encoded and a key is not: `s3://b/100%25` is the key `100%`. A `%` that begins no escape
//! stands for itself, as do spaces and non-ASCII letters; `?` and `#` have to be escaped.

use std::path::{Component, Path as LocalPath, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::StorageError;

/// A store, and a key or a prefix in it.
#[derive(Debug, Clone)]
pub struct Location {
    pub store: Arc<dyn ObjectStore>,
    pub path: Path,
    pub(crate) base: Base,
}

impl Location {
    /// The URL of another key in the same store.
    pub fn url_of(&self, path: &Path) -> String {
        self.base.url_of(path)
    }
}

/// Which store a URL is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Base {
    S3 {
        bucket: String,
    },
    File,
    /// Each name is a store of its own; `memory:///` has none.
    Memory {
        name: String,
    },
}

impl Base {
    pub fn of(url: &Url) -> Result<Self, StorageError> {
        let invalid = |reason| StorageError::InvalidUrl { url: url.to_string(), reason };
        let host = url.host_str().unwrap_or_default().to_owned();
        match url.scheme() {
            // s3a and s3n are Hadoop's names for the same thing.
            "s3" | "s3a" | "s3n" if host.is_empty() => Err(invalid("the bucket is missing, as in s3://bucket/key")),
            "s3" | "s3a" | "s3n" => Ok(Self::S3 { bucket: host }),
            "file" if !host.is_empty() => Err(invalid("a local file has three slashes, as in file:///path")),
            "file" => Ok(Self::File),
            "memory" => Ok(Self::Memory { name: host }),
            scheme => Err(StorageError::UnsupportedScheme { url: url.to_string(), scheme: scheme.to_owned() }),
        }
    }

    pub fn url_of(&self, path: &Path) -> String {
        let mut text = match self {
            Self::S3 { bucket } => format!("s3://{bucket}"),
            Self::File => "file://".to_owned(),
            Self::Memory { name } => format!("memory://{name}"),
        };
        for part in path.parts() {
            text.push('/');
            escape(part.as_ref(), &mut text);
        }
        text
    }
}

/// Reads a URL. `?` and `#` would silently cut a key short, so they are refused.
pub(crate) fn parse(url: &str) -> Result<(Url, Path), StorageError> {
    let parsed = Url::parse(url).map_err(|source| StorageError::NotAUrl { url: url.to_owned(), source })?;
    if parsed.query().is_some() || parsed.fragment().is_some() {
        let reason = "in a key, ? is written %3F and # is written %23";
        return Err(StorageError::InvalidUrl { url: url.to_owned(), reason });
    }
    let path = Path::from_url_path(parsed.path())
        .map_err(|source| StorageError::InvalidKey { url: url.to_owned(), source })?;
    Ok((parsed, path))
}

/// The URL for what a user wrote: a URL as it is, a local path made absolute. A slash at the end stays.
///
/// A local path has no escapes: `a%20b` is a file with a percent sign in its name.
pub fn to_url(path_or_url: &str) -> Result<Url, StorageError> {
    if is_url(path_or_url) {
        return Url::parse(path_or_url).map_err(|source| StorageError::NotAUrl { url: path_or_url.to_owned(), source });
    }
    let failed = |source| StorageError::LocalPath { path: path_or_url.to_owned(), source };
    let absolute = resolve_parents(std::path::absolute(path_or_url).map_err(failed)?);
    let url =
        if path_or_url.ends_with('/') { Url::from_directory_path(&absolute) } else { Url::from_file_path(&absolute) };
    url.map_err(|()| failed(std::io::Error::from(std::io::ErrorKind::InvalidFilename)))
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    // Hadoop writes file:/path.
    is_scheme && (rest.starts_with("//") || scheme == "file")
}

/// Takes out `..`: by the file system where the path exists, since a folder may be a symbolic link; by the text where
/// it doesn't, as with a pattern.
fn resolve_parents(path: PathBuf) -> PathBuf {
    if !path.components().any(|part| part == Component::ParentDir) {
        return path;
    }
    path.canonicalize().unwrap_or_else(|_| without_parents(&path))
}

fn without_parents(path: &LocalPath) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            part => resolved.push(part),
        }
    }
    resolved
}

/// Escapes whatever a URL's path can't hold as it is.
fn escape(segment: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> String {
        parse(url).expect("a URL").1.to_string()
    }

    #[test]
    fn escapes_are_read_once() {
        assert_eq!(key("s3://b/a%20b/100%25/%C3%BC"), "a b/100%/ü");
        assert_eq!(key("s3://b/a b/100%/ü"), "a b/100%/ü");
        assert_eq!(key("s3://b/%2520"), "%20");
        assert_eq!(key("s3://b/what%3F/%23"), "what?/#");
        assert_eq!(key("s3://b/folder/"), "folder");
        assert_eq!(key("s3://b"), "");
    }

    #[test]
    fn urls_of_keys_lead_back_to_them() {
        for base in [Base::S3 { bucket: "b".into() }, Base::File, Base::Memory { name: String::new() }] {
            for key in ["a", "a b/c%20d", "x=1%2F2/ü/火", "q?#[]{}|\\^`\"<>", "a:b@c", "~", "100%"] {
                let path = Path::parse(key).expect("a key");
                let (url, back) = parse(&base.url_of(&path)).expect("its own URL");
                assert_eq!((Base::of(&url).expect("a base"), back), (base.clone(), path));
            }
        }
    }

    #[test]
    fn what_names_no_object_is_refused() {
        let refused = |url: &str| parse(url).and_then(|(url, _)| Base::of(&url)).expect_err(url).to_string();
        assert!(refused("data/x.parquet").contains("is not a URL"));
        assert!(refused("s3:///key").contains("bucket is missing"));
        assert!(refused("s3://b/a?b").contains("%3F"));
        assert!(refused("file://etc/hosts").contains("three slashes"));
        assert!(refused("gopher://x/y").contains("`gopher` is not supported"));
        assert!(refused("s3://b/a//b").contains("can't be addressed"));
    }

    #[test]
    fn hadoop_names_are_the_same_store() {
        let base = |url: &str| Base::of(&Url::parse(url).expect("a URL")).expect("a base");
        assert_eq!(base("s3a://b/k"), base("s3://b/other"));
        assert_ne!(base("s3://b/k"), base("s3://c/k"));
    }

    #[test]
    fn local_paths_become_urls() {
        let url = |path: &str| to_url(path).expect("a path").to_string();
        assert_eq!(url("/data/a b%20.csv"), "file:///data/a%20b%2520.csv");
        assert_eq!(url("/data/t/"), "file:///data/t/");
        assert_eq!(url("/no-such-folder/../t/./x"), "file:///t/x");
        assert_eq!(url("file:/data"), "file:///data");
        assert_eq!(url("s3://b/k"), "s3://b/k");
        let here = std::env::current_dir().expect("a working folder");
        assert_eq!(to_url("x.csv").expect("a path"), Url::from_file_path(here.join("x.csv")).expect("absolute"));
        assert_eq!(url("/a:b/c"), "file:///a:b/c");
    }
}
