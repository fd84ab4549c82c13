//! Conditional requests: pure decisions from the request's conditions and the object that is there.
//! Rules: RFC 9110 §13.2.2, and "Add preconditions to S3 operations with conditional requests" of the S3 user guide.

use http::HeaderMap;
use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::object_file::{ObjectMeta, unix_s};

/// What must hold for a write to take place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WriteCondition {
    Always,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match`
    Match(ETagCondition),
}

impl WriteCondition {
    pub(super) fn new(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Self> {
        match (if_match, if_none_match) {
            (None, None) => Ok(Self::Always),
            (None, Some(ETagCondition::Any)) => Ok(Self::Absent),
            (Some(condition), None) => Ok(Self::Match(condition)),
            // As S3 answers both.
            (None, Some(ETagCondition::ETag(_))) => {
                Err(s3_error!(NotImplemented, "If-None-Match on a write takes * only"))
            }
            (Some(_), Some(_)) => Err(s3_error!(NotImplemented, "If-Match and If-None-Match exclude each other")),
        }
    }

    /// For CopyObject, whose input has no fields for them.
    pub(super) fn from_headers(headers: &HeaderMap) -> S3Result<Self> {
        let parse = |name: http::HeaderName| {
            let value = headers.get(name).map(|value| ETagCondition::parse_http_header(value.as_bytes())).transpose();
            value.map_err(|error| S3Error::with_source(S3ErrorCode::InvalidArgument, Box::new(error)))
        };
        Self::new(parse(http::header::IF_MATCH)?, parse(http::header::IF_NONE_MATCH)?)
    }

    pub(super) fn check(&self, current: Option<&ObjectMeta>) -> S3Result<()> {
        match (self, current) {
            (Self::Always, _) | (Self::Absent, None) => Ok(()),
            (Self::Match(condition), Some(meta)) if matches(condition, meta) => Ok(()),
            (Self::Match(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Self::Absent | Self::Match(_), Some(_)) => Err(precondition_failed()),
        }
    }
}

/// The four conditions of a read.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadConditions {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// For GET and HEAD: 412 or 304.
    pub(super) fn check(&self, meta: &ObjectMeta) -> S3Result<()> {
        match self.verdict(meta) {
            Verdict::Go => Ok(()),
            Verdict::PreconditionFailed => Err(precondition_failed()),
            Verdict::NotModified => {
                let mut error = S3Error::new(S3ErrorCode::NotModified);
                let mut headers = HeaderMap::new();
                if let Ok(etag) = meta.etag().to_http_header() {
                    headers.insert(http::header::ETAG, etag);
                }
                error.set_headers(headers);
                Err(error)
            }
        }
    }

    /// For the source of a copy: every miss is a 412.
    pub(super) fn check_source(&self, meta: &ObjectMeta) -> S3Result<()> {
        if self.verdict(meta) == Verdict::Go { Ok(()) } else { Err(precondition_failed()) }
    }

    fn verdict(&self, meta: &ObjectMeta) -> Verdict {
        // An ETag condition takes the place of the date condition of its kind.
        let may_go = match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) => matches(condition, meta),
            (None, Some(since)) => meta.last_modified <= unix_s(since),
            (None, None) => true,
        };
        let is_news = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => !matches(condition, meta),
            (None, Some(since)) => meta.last_modified > unix_s(since),
            (None, None) => true,
        };
        match (may_go, is_news) {
            (false, _) => Verdict::PreconditionFailed,
            (true, false) => Verdict::NotModified,
            (true, true) => Verdict::Go,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Go,
    PreconditionFailed,
    NotModified,
}

fn matches(condition: &ETagCondition, meta: &ObjectMeta) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == meta.etag,
    }
}

fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

#[cfg(test)]
mod tests {
    use s3s::dto::ETag;

    use super::super::object_file::timestamp;
    use super::*;

    fn etag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::ETag(ETag::Strong(value.into())))
    }

    #[test]
    fn reads() {
        let meta = ObjectMeta { etag: "a".into(), last_modified: 100, ..ObjectMeta::default() };
        let check = |if_match, if_none_match, modified: Option<i64>, unmodified: Option<i64>| {
            let conditions = ReadConditions {
                if_match,
                if_none_match,
                if_modified_since: modified.map(timestamp),
                if_unmodified_since: unmodified.map(timestamp),
            };
            conditions.verdict(&meta)
        };
        use Verdict::{Go, NotModified, PreconditionFailed};
        assert_eq!(check(None, None, None, None), Go);
        assert_eq!(check(etag("a"), None, None, None), Go);
        assert_eq!(check(Some(ETagCondition::Any), None, None, None), Go);
        assert_eq!(check(etag("b"), None, None, None), PreconditionFailed);
        assert_eq!(check(None, etag("a"), None, None), NotModified);
        assert_eq!(check(None, etag("b"), None, None), Go);
        assert_eq!(check(None, None, Some(100), None), NotModified);
        assert_eq!(check(None, None, Some(99), None), Go);
        assert_eq!(check(None, None, None, Some(100)), Go);
        assert_eq!(check(None, None, None, Some(99)), PreconditionFailed);
        // The ETag decides where both are given.
        assert_eq!(check(etag("a"), None, None, Some(99)), Go);
        assert_eq!(check(None, etag("b"), Some(100), None), Go);
    }

    #[test]
    fn writes() -> S3Result<()> {
        let meta = ObjectMeta { etag: "a".into(), ..ObjectMeta::default() };
        let code = |condition: &WriteCondition, current| condition.check(current).err().map(|e| e.code().clone());
        let absent = WriteCondition::new(None, Some(ETagCondition::Any))?;
        assert_eq!(code(&absent, None), None);
        assert_eq!(code(&absent, Some(&meta)), Some(S3ErrorCode::PreconditionFailed));
        let same = WriteCondition::new(etag("a"), None)?;
        assert_eq!(code(&same, Some(&meta)), None);
        assert_eq!(code(&same, None), Some(S3ErrorCode::NoSuchKey));
        let other = WriteCondition::new(etag("b"), None)?;
        assert_eq!(code(&other, Some(&meta)), Some(S3ErrorCode::PreconditionFailed));
        assert!(WriteCondition::new(None, etag("a")).is_err());
        Ok(())
    }
}
