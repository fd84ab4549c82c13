//! S3's operations: from a request's fields to the store, and back to a reply's fields. No rule is made here.
//! Longer than most files, since `s3s` wants all operations in one `impl`.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::blocking;
use super::condition::{ReadConditions, WriteCondition};
use super::copy::{copy_source, source_of};
use super::file_body::file_body;
use super::key_name::url_encode;
use super::listing::{After, Page, list_page, page_size};
use super::multipart::{self, NamedPart, Upload};
use super::object_file::{
    ObjectHeaders, ObjectMeta, now_unix_s, set_checksums, take_checksums, timestamp, unix_s, write_trailer,
};
use super::spool::{Claims, Spooled, receive};
use super::store::{Bucket as StoreBucket, Store};
use crate::REGION;

const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

pub(super) struct Operations {
    pub store: Arc<Store>,
}

/// Takes the headers that an object keeps.
macro_rules! take_headers {
    ($input:expr) => {
        ObjectHeaders {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take().and_then(stored_encoding),
            content_language: $input.content_language.take(),
            expires: $input.expires.take().as_ref().map(unix_s),
            user: $input.metadata.take().unwrap_or_default().into_iter().collect(),
        }
    };
}

/// Refuses what an object can be given but would not keep here.
macro_rules! refuse_unkept {
    ($input:expr) => {
        for (is_given, feature) in [
            ($input.tagging.is_some(), "object tags"),
            ($input.sse_customer_algorithm.is_some(), "encryption with customer keys"),
            ($input.object_lock_mode.is_some() || $input.object_lock_legal_hold_status.is_some(), "object lock"),
            ($input.website_redirect_location.is_some(), "website redirects"),
        ] {
            if is_given {
                return Err(s3_error!(NotImplemented, "not emulated: {feature}"));
            }
        }
    };
}

/// Takes the conditions of a GET or HEAD.
macro_rules! take_conditions {
    ($input:expr) => {
        ReadConditions {
            if_match: $input.if_match.take(),
            if_none_match: $input.if_none_match.take(),
            if_modified_since: $input.if_modified_since.take(),
            if_unmodified_since: $input.if_unmodified_since.take(),
        }
    };
}

/// Takes the conditions on a copy's source.
macro_rules! take_source_conditions {
    ($input:expr) => {
        ReadConditions {
            if_match: $input.copy_source_if_match.take(),
            if_none_match: $input.copy_source_if_none_match.take(),
            if_modified_since: $input.copy_source_if_modified_since.take(),
            if_unmodified_since: $input.copy_source_if_unmodified_since.take(),
        }
    };
}

/// Fills what GET and HEAD both say of an object.
macro_rules! describe {
    ($reply:ident, $meta:expr, $selected:expr, $with_checksums:expr) => {{
        let (meta, selected): (&ObjectMeta, &Selected) = ($meta, $selected);
        $reply.accept_ranges = Some("bytes".to_owned());
        $reply.content_length = i64::try_from(selected.range.end - selected.range.start).ok();
        $reply.content_range = selected.content_range(meta.size);
        $reply.content_type = Some(meta.headers.content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE).to_owned());
        $reply.cache_control = meta.headers.cache_control.clone();
        $reply.content_disposition = meta.headers.content_disposition.clone();
        $reply.content_encoding = meta.headers.content_encoding.clone();
        $reply.content_language = meta.headers.content_language.clone();
        $reply.expires = meta.headers.expires.map(timestamp);
        $reply.e_tag = Some(meta.etag());
        $reply.last_modified = Some(meta.last_modified());
        $reply.metadata = meta.user_metadata();
        $reply.parts_count = selected.parts_count;
        if $with_checksums && !selected.is_partial && !meta.checksums.is_empty() {
            $reply.checksum_type = Some(checksum_type(meta.checksums.is_composite()));
            set_checksums!($reply, meta.checksums.clone());
        }
    }};
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let (store, name) = (Arc::clone(&self.store), req.input.bucket);
        let location = Some(format!("/{name}"));
        blocking(move || store.create_bucket(&name)).await?;
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        let store = Arc::clone(&self.store);
        blocking(move || store.delete_bucket(&req.input.bucket)).await?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.store.bucket(&req.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(REGION.to_owned()), ..Default::default() }))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.store.bucket(&req.input.bucket)?;
        // us-east-1 is the empty location.
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let prefix = req.input.prefix.clone().unwrap_or_default();
        let buckets = self.store.buckets();
        let buckets = buckets.iter().filter(|bucket| bucket.name.starts_with(&prefix)).map(|bucket| Bucket {
            name: Some(bucket.name.clone()),
            creation_date: Some(timestamp(bucket.created)),
            ..Default::default()
        });
        let buckets = Some(buckets.collect());
        Ok(S3Response::new(ListBucketsOutput { buckets, prefix: req.input.prefix, ..Default::default() }))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = req.input;
        refuse_unkept!(input);
        let bucket = self.store.bucket(&input.bucket)?;
        let condition = WriteCondition::new(input.if_match.take(), input.if_none_match.take())?;
        let algorithm = input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str);
        let checksums = take_checksums!(input);
        let claims = Claims::new(input.content_md5, checksums, algorithm, &req.headers, req.trailing_headers);
        let (headers, key) = (take_headers!(input), input.key);
        let meta = receive(&self.store, input.body, claims, move |spooled| {
            publish_spooled(&bucket, key, headers, spooled, &condition)
        })
        .await?;
        let mut output = PutObjectOutput { e_tag: Some(meta.etag()), ..Default::default() };
        if !meta.checksums.is_empty() {
            output.checksum_type = Some(checksum_type(false));
            set_checksums!(output, meta.checksums.clone());
        }
        Ok(S3Response::new(output))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let mut input = req.input;
        no_version(input.version_id.as_deref())?;
        let bucket = self.store.bucket(&input.bucket)?;
        let conditions = take_conditions!(input);
        let (meta, selected, body) = blocking(move || {
            let (meta, file) = bucket.open_object(&input.key)?;
            conditions.check(&meta)?;
            let selected = Selected::new(&meta, input.range, input.part_number)?;
            let body = file_body(file, selected.range.clone()).map_err(S3Error::internal_error)?;
            Ok((meta, selected, body))
        })
        .await?;
        let mut output = GetObjectOutput { body: Some(body), ..Default::default() };
        describe!(output, &meta, &selected, input.checksum_mode.is_some());
        Ok(S3Response::new(output))
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let mut input = req.input;
        no_version(input.version_id.as_deref())?;
        let meta = self.store.bucket(&input.bucket)?.meta(&input.key)?;
        take_conditions!(input).check(&meta)?;
        let selected = Selected::new(&meta, input.range, input.part_number)?;
        let mut output = HeadObjectOutput::default();
        describe!(output, &meta, &selected, input.checksum_mode.is_some());
        Ok(S3Response::new(output))
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        no_version(input.version_id.as_deref())?;
        let bucket = self.store.bucket(&input.bucket)?;
        blocking(move || {
            bucket.delete(&input.key, |meta| match &input.if_match {
                Some(ETagCondition::ETag(etag)) => etag.value() == meta.etag,
                Some(ETagCondition::Any) | None => true,
            })
        })
        .await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let (bucket, request) = (self.store.bucket(&req.input.bucket)?, req.input.delete);
        if request.objects.len() > 1000 {
            return Err(s3_error!(MalformedXML, "at most 1000 keys can be deleted at once"));
        }
        let output = blocking(move || {
            let (mut deleted, mut errors) = (Vec::new(), Vec::new());
            for object in request.objects {
                let outcome = no_version(object.version_id.as_deref()).and_then(|()| {
                    let is_same =
                        |meta: &ObjectMeta| object.e_tag.as_ref().is_none_or(|etag| etag.value() == meta.etag);
                    bucket.delete(&object.key, is_same)
                });
                match outcome {
                    Ok(()) => deleted.push(DeletedObject { key: Some(object.key), ..Default::default() }),
                    Err(error) => errors.push(Error {
                        code: Some(error.code().as_str().to_owned()),
                        message: error.message().map(str::to_owned),
                        key: Some(object.key),
                        ..Default::default()
                    }),
                }
            }
            let deleted = if request.quiet == Some(true) { None } else { Some(deleted) };
            Ok(DeleteObjectsOutput { deleted, errors: Some(errors), ..Default::default() })
        })
        .await?;
        Ok(S3Response::new(output))
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = After::marker(input.marker.clone(), &prefix, input.delimiter.as_deref());
        let encode = encoder(input.encoding_type.as_ref());
        let page = self.page(&input.bucket, &prefix, input.delimiter.as_deref(), &after, page_size(input.max_keys)?)?;
        let next_marker = page.next.as_ref().and_then(|next| match next {
            After::Key(marker) | After::Prefix(marker) => Some(encode(marker)),
            After::Start => None,
        });
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encode(&prefix)),
            marker: Some(encode(input.marker.as_deref().unwrap_or_default())),
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            is_truncated: Some(page.next.is_some()),
            contents: Some(page.objects.iter().map(|meta| listed(meta, encode)).collect()),
            common_prefixes: common_prefixes(&page.common_prefixes, encode),
            delimiter: input.delimiter.as_deref().map(encode),
            // S3 gives it with a delimiter only; without one it equals the last key.
            next_marker: next_marker.filter(|_| input.delimiter.is_some()),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = match &input.continuation_token {
            Some(token) => After::from_token(token)?,
            None => After::marker(input.start_after.clone(), &prefix, input.delimiter.as_deref()),
        };
        let encode = encoder(input.encoding_type.as_ref());
        let page = self.page(&input.bucket, &prefix, input.delimiter.as_deref(), &after, page_size(input.max_keys)?)?;
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encode(&prefix)),
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            key_count: i32::try_from(page.objects.len() + page.common_prefixes.len()).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_ref().and_then(After::token),
            contents: Some(page.objects.iter().map(|meta| listed(meta, encode)).collect()),
            common_prefixes: common_prefixes(&page.common_prefixes, encode),
            delimiter: input.delimiter.as_deref().map(encode),
            encoding_type: input.encoding_type,
            start_after: input.start_after.as_deref().map(encode),
            ..Default::default()
        }))
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let mut input = req.input;
        refuse_unkept!(input);
        let (store, bucket) = (Arc::clone(&self.store), self.store.bucket(&input.bucket)?);
        let condition = WriteCondition::from_headers(&req.headers)?;
        let source_conditions = take_source_conditions!(input);
        let is_replaced = input.metadata_directive.as_ref().is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
        if source_of(&input.copy_source)? == (&input.bucket, &input.key) && !is_replaced {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the \
                 object's metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let new_headers = take_headers!(input);
        let meta = blocking(move || {
            let algorithm = input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str);
            let (source, spooled) = copy_source(&store, &input.copy_source, &source_conditions, None, algorithm)?;
            let headers = if is_replaced { new_headers } else { source.headers.clone() };
            publish_spooled(&bucket, input.key, headers, spooled, &condition)
        })
        .await?;
        let mut result = CopyObjectResult {
            e_tag: Some(meta.etag()),
            last_modified: Some(meta.last_modified()),
            ..Default::default()
        };
        set_checksums!(result, meta.checksums.clone());
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut input = req.input;
        refuse_unkept!(input);
        let (store, bucket) = (Arc::clone(&self.store), self.store.bucket(&input.bucket)?);
        let algorithm = input.checksum_algorithm.as_ref().map(|algorithm| algorithm.as_str().to_owned());
        let is_full_object = match input.checksum_type.as_ref().map(ChecksumType::as_str) {
            Some(kind) => kind == ChecksumType::FULL_OBJECT,
            None => algorithm.as_deref() == Some(ChecksumAlgorithm::CRC64NVME),
        };
        let upload = Upload {
            key: input.key,
            headers: take_headers!(input),
            checksum_algorithm: algorithm,
            is_full_object_checksum: is_full_object,
            ..Upload::default()
        };
        let upload = blocking(move || multipart::create_upload(&store, &bucket, upload)).await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(upload.key),
            upload_id: Some(upload.id),
            checksum_type: input.checksum_algorithm.as_ref().map(|_| checksum_type(!is_full_object)),
            checksum_algorithm: input.checksum_algorithm,
            ..Default::default()
        }))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let mut input = req.input;
        let bucket = self.store.bucket(&input.bucket)?;
        let upload = find_upload(&bucket, &input.upload_id, &input.key).await?;
        let checksums = take_checksums!(input);
        let algorithm = input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str);
        let algorithm = algorithm.or(upload.checksum_algorithm.as_deref());
        let claims = Claims::new(input.content_md5, checksums, algorithm, &req.headers, req.trailing_headers);
        let part = receive(&self.store, input.body, claims, move |spooled| {
            multipart::put_part(&bucket, &upload, input.part_number, spooled)
        })
        .await?;
        let mut output = UploadPartOutput { e_tag: Some(part.etag()), ..Default::default() };
        set_checksums!(output, part.checksums);
        Ok(S3Response::new(output))
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let mut input = req.input;
        let (store, bucket) = (Arc::clone(&self.store), self.store.bucket(&input.bucket)?);
        let conditions = take_source_conditions!(input);
        let part = blocking(move || {
            let upload = multipart::find_upload(&bucket, &input.upload_id, &input.key)?;
            let algorithm = upload.checksum_algorithm.as_deref();
            let range = input.copy_source_range.as_deref();
            let (_, spooled) = copy_source(&store, &input.copy_source, &conditions, range, algorithm)?;
            multipart::put_part(&bucket, &upload, input.part_number, spooled)
        })
        .await?;
        let mut result = CopyPartResult {
            e_tag: Some(part.etag()),
            last_modified: Some(part.last_modified()),
            ..Default::default()
        };
        set_checksums!(result, part.checksums);
        Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let mut input = req.input;
        let (store, bucket) = (Arc::clone(&self.store), self.store.bucket(&input.bucket)?);
        let condition = WriteCondition::new(input.if_match.take(), input.if_none_match.take())?;
        let claimed = take_checksums!(input);
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let parts: Option<Vec<NamedPart>> = parts
            .into_iter()
            .map(|part| Some(NamedPart { number: part.part_number?, etag: part.e_tag?.into_value() }))
            .collect();
        let parts = parts.ok_or_else(|| s3_error!(MalformedXML, "every part needs its number and its ETag"))?;
        let meta = blocking(move || {
            let upload = multipart::find_upload(&bucket, &input.upload_id, &input.key)?;
            multipart::complete_upload(&store, &bucket, &upload, &parts, &claimed, &condition)
        })
        .await?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, url_encode(&meta.key))),
            bucket: Some(input.bucket),
            key: Some(meta.key.clone()),
            e_tag: Some(meta.etag()),
            ..Default::default()
        };
        if !meta.checksums.is_empty() {
            output.checksum_type = Some(checksum_type(meta.checksums.is_composite()));
            set_checksums!(output, meta.checksums.clone());
        }
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let (bucket, input) = (self.store.bucket(&req.input.bucket)?, req.input);
        blocking(move || {
            let upload = multipart::find_upload(&bucket, &input.upload_id, &input.key)?;
            multipart::abort_upload(&bucket, &upload)
        })
        .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        let bucket = self.store.bucket(&input.bucket)?;
        let (id, key) = (input.upload_id.clone(), input.key.clone());
        let parts = blocking(move || {
            let upload = multipart::find_upload(&bucket, &id, &key)?;
            multipart::list_parts(&bucket, &upload)
        })
        .await?;
        let marker = input.part_number_marker.unwrap_or(0);
        let parts_max = page_size(input.max_parts)?;
        let mut behind = parts.into_iter().filter(|(number, _)| *number > marker);
        let page: Vec<_> = behind.by_ref().take(parts_max).collect();
        let is_truncated = behind.next().is_some();
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(marker),
            next_part_number_marker: page.last().map(|(number, _)| *number).filter(|_| is_truncated),
            max_parts: i32::try_from(parts_max).ok(),
            is_truncated: Some(is_truncated),
            parts: Some(page.into_iter().map(|(number, meta)| listed_part(number, meta)).collect()),
            ..Default::default()
        }))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "ListMultipartUploads with a delimiter is not emulated"));
        }
        let bucket = self.store.bucket(&input.bucket)?;
        let uploads = blocking(move || multipart::list_uploads(&bucket)).await?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let is_behind = |upload: &Upload| match (&input.key_marker, &input.upload_id_marker) {
            (None, _) => true,
            (Some(key), None) => upload.key > *key,
            (Some(key), Some(id)) => upload.key > *key || (upload.key == *key && upload.id > *id),
        };
        let uploads_max = page_size(input.max_uploads)?;
        let mut behind = uploads.into_iter().filter(|upload| upload.key.starts_with(&prefix) && is_behind(upload));
        let page: Vec<_> = behind.by_ref().take(uploads_max).collect();
        let last = page.last().cloned().filter(|_| behind.next().is_some());
        let encode = encoder(input.encoding_type.as_ref());
        let uploads = page.iter().map(|upload| MultipartUpload {
            key: Some(encode(&upload.key)),
            upload_id: Some(upload.id.clone()),
            initiated: Some(timestamp(upload.initiated)),
            ..Default::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: Some(encode(&prefix)),
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            max_uploads: i32::try_from(uploads_max).ok(),
            is_truncated: Some(last.is_some()),
            next_key_marker: last.as_ref().map(|upload| encode(&upload.key)),
            next_upload_id_marker: last.map(|upload| upload.id),
            uploads: Some(uploads.collect()),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }
}

impl Operations {
    fn page(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        after: &After,
        keys_max: usize,
    ) -> S3Result<Page<Arc<ObjectMeta>>> {
        let bucket = self.store.bucket(bucket)?;
        Ok(list_page(&bucket.objects(), prefix, delimiter, after, keys_max))
    }
}

/// The bytes that a GET or HEAD is about.
struct Selected {
    range: std::ops::Range<u64>,
    is_partial: bool,
    parts_count: Option<i32>,
}

impl Selected {
    fn new(meta: &ObjectMeta, range: Option<Range>, part: Option<i32>) -> S3Result<Self> {
        if let Some(number) = part {
            return Self::part(meta, number);
        }
        let Some(range) = range else {
            return Ok(Self { range: 0..meta.size, is_partial: false, parts_count: None });
        };
        let range = range.check(meta.size).ok().filter(|range| !range.is_empty()).ok_or_else(|| {
            let mut error = S3Error::with_message(S3ErrorCode::InvalidRange, "The requested range is not satisfiable");
            let mut headers = http::HeaderMap::new();
            if let Ok(value) = format!("bytes */{}", meta.size).parse() {
                headers.insert(http::header::CONTENT_RANGE, value);
            }
            error.set_headers(headers);
            error
        })?;
        Ok(Self { range, is_partial: true, parts_count: None })
    }

    fn part(meta: &ObjectMeta, number: i32) -> S3Result<Self> {
        let invalid = || {
            let code = S3ErrorCode::Custom("InvalidPartNumber".into());
            let mut error = S3Error::with_message(code, "The requested partnumber is not satisfiable");
            error.set_status_code(http::StatusCode::RANGE_NOT_SATISFIABLE);
            error
        };
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).ok_or_else(invalid)?;
        if meta.part_sizes.is_empty() {
            let whole = Self { range: 0..meta.size, is_partial: false, parts_count: None };
            return if index == 0 { Ok(whole) } else { Err(invalid()) };
        }
        let size = meta.part_sizes.get(index).ok_or_else(invalid)?;
        let start: u64 = meta.part_sizes[..index].iter().sum();
        let parts_count = i32::try_from(meta.part_sizes.len()).ok();
        Ok(Self { range: start..start + size, is_partial: true, parts_count })
    }

    fn content_range(&self, size: u64) -> Option<String> {
        let last = self.range.end.checked_sub(1)?;
        self.is_partial.then(|| format!("bytes {}-{last}/{size}", self.range.start))
    }
}

fn publish_spooled(
    bucket: &StoreBucket,
    key: String,
    headers: ObjectHeaders,
    mut spooled: Spooled,
    condition: &WriteCondition,
) -> S3Result<Arc<ObjectMeta>> {
    let meta = ObjectMeta {
        key,
        size: spooled.size,
        etag: hex::encode(spooled.md5),
        last_modified: now_unix_s(),
        headers,
        checksums: spooled.checksums,
        part_sizes: Vec::new(),
    };
    write_trailer(&mut spooled.file, &meta).map_err(S3Error::internal_error)?;
    bucket.publish(spooled.file, meta, condition)
}

async fn find_upload(bucket: &Arc<StoreBucket>, id: &str, key: &str) -> S3Result<Upload> {
    let (bucket, id, key) = (Arc::clone(bucket), id.to_owned(), key.to_owned());
    blocking(move || multipart::find_upload(&bucket, &id, &key)).await
}

fn no_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(s3_error!(NotImplemented, "object versions are not emulated")),
    }
}

/// `aws-chunked` is how the body travels, not how the object is encoded.
fn stored_encoding(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding.split(',').map(str::trim).filter(|part| *part != "aws-chunked").collect();
    let kept = kept.join(",");
    (!kept.is_empty()).then_some(kept)
}

fn checksum_type(is_composite: bool) -> ChecksumType {
    let kind = if is_composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    ChecksumType::from_static(kind)
}

fn encoder(encoding: Option<&EncodingType>) -> fn(&str) -> String {
    match encoding.map(EncodingType::as_str) {
        Some(EncodingType::URL) => url_encode,
        _ => str::to_owned,
    }
}

fn listed(meta: &ObjectMeta, encode: fn(&str) -> String) -> Object {
    Object {
        key: Some(encode(&meta.key)),
        size: i64::try_from(meta.size).ok(),
        e_tag: Some(meta.etag()),
        last_modified: Some(meta.last_modified()),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    }
}

fn common_prefixes(prefixes: &[String], encode: fn(&str) -> String) -> Option<Vec<CommonPrefix>> {
    Some(prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encode(prefix)) }).collect())
}

fn listed_part(number: i32, meta: ObjectMeta) -> Part {
    let mut part = Part {
        part_number: Some(number),
        size: i64::try_from(meta.size).ok(),
        e_tag: Some(meta.etag()),
        last_modified: Some(meta.last_modified()),
        ..Default::default()
    };
    set_checksums!(part, meta.checksums);
    part
}
