//! Objects one at a time, through the AWS SDK: what is put comes back, ranges and conditions hold, and of racing
//! conditional writes one wins.

mod support;

use std::collections::HashMap;

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier};
use firesteel_emulator::{Emulator, EmulatorConfig, EmulatorError};
use support::{Aws, TestResult, refused, s3_client};

const BUCKET: &str = "objects";

async fn start() -> Result<Aws, Box<dyn std::error::Error>> {
    let aws = Aws::start().await;
    aws.s3.create_bucket().bucket(BUCKET).send().await?;
    Ok(aws)
}

impl Aws {
    async fn put(&self, key: &str, body: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
        let put = self.s3.put_object().bucket(BUCKET).key(key).body(body.to_vec().into()).send().await?;
        Ok(put.e_tag.unwrap_or_default())
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        Ok(self.s3.get_object().bucket(BUCKET).key(key).send().await?.body.collect().await?.to_vec())
    }
}

#[tokio::test]
async fn what_is_put_comes_back_with_its_metadata() -> TestResult {
    let aws = start().await?;
    let metadata = HashMap::from([("colour".to_owned(), "blue".to_owned()), ("size".to_owned(), "7".to_owned())]);
    let put = aws
        .s3
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from_static(b"hello"))
        .content_type("text/plain")
        .cache_control("no-store")
        .set_metadata(Some(metadata.clone()))
        .send()
        .await?;
    // MD5 of "hello".
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert!(put.checksum_crc32().is_some());

    let got = aws.s3.get_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).send().await?;
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.checksum_crc32(), put.checksum_crc32());
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.cache_control(), Some("no-store"));
    assert_eq!(got.metadata(), Some(&metadata));
    assert_eq!(got.content_length(), Some(5));
    assert_eq!(got.content_encoding(), None);
    assert_eq!(got.body.collect().await?.to_vec(), b"hello");

    let head = aws.s3.head_object().bucket(BUCKET).key("a").send().await?;
    assert_eq!((head.e_tag(), head.content_length()), (put.e_tag(), Some(5)));
    assert_eq!(head.metadata(), Some(&metadata));

    aws.put("empty", b"").await?;
    assert_eq!(aws.get("empty").await?, b"");
    Ok(())
}

#[tokio::test]
async fn large_bodies_pass_through_in_pieces() -> TestResult {
    let aws = start().await?;
    let body: Vec<u8> = (0..5_300_000_u32).flat_map(|n| n.to_le_bytes()).collect();
    aws.put("large", &body).await?;
    assert_eq!(aws.get("large").await?, body);
    let range = aws.s3.get_object().bucket(BUCKET).key("large").range("bytes=1048575-4194305").send().await?;
    assert_eq!(range.content_range(), Some(format!("bytes 1048575-4194305/{}", body.len()).as_str()));
    assert_eq!(range.body.collect().await?.to_vec(), body[1_048_575..=4_194_305]);
    Ok(())
}

#[tokio::test]
async fn a_body_that_differs_from_its_checksum_is_refused() -> TestResult {
    let aws = start().await?;
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let put = aws.s3.put_object().bucket(BUCKET).key("sum").checksum_algorithm(algorithm);
        put.body(ByteStream::from_static(b"right")).send().await?;
    }
    let put = |body: &'static [u8]| aws.s3.put_object().bucket(BUCKET).key("bad").body(ByteStream::from_static(body));
    // SHA-256 and MD5 of "hello".
    let sha256 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    put(b"hello").checksum_sha256(sha256).send().await?;
    assert_eq!(refused(put(b"hallo").checksum_sha256(sha256).send().await), ("BadDigest".into(), 400));
    let md5 = "XUFAKrxLKna5cZ2REBfFkg==";
    put(b"hello").content_md5(md5).send().await?;
    assert_eq!(refused(put(b"hallo").content_md5(md5).send().await), ("BadDigest".into(), 400));
    assert_eq!(aws.get("bad").await?, b"hello");
    Ok(())
}

#[tokio::test]
async fn ranges() -> TestResult {
    let aws = start().await?;
    aws.put("r", b"0123456789").await?;
    let get = |range: &'static str| aws.s3.get_object().bucket(BUCKET).key("r").range(range).send();
    for (range, expected, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=7-99", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let got = get(range).await?;
        assert_eq!(got.content_range(), Some(content_range), "{range}");
        assert_eq!(got.content_length(), i64::try_from(expected.len()).ok(), "{range}");
        assert_eq!(got.body.collect().await?.to_vec(), expected.as_bytes(), "{range}");
    }
    for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
        assert_eq!(refused(get(range).await), ("InvalidRange".into(), 416), "{range}");
    }
    Ok(())
}

#[tokio::test]
async fn conditional_reads() -> TestResult {
    let aws = start().await?;
    let etag = aws.put("c", b"v").await?;
    let modified = aws.s3.head_object().bucket(BUCKET).key("c").send().await?.last_modified.ok_or("a date")?;
    let (before, now) = (DateTime::from_secs(modified.secs() - 10), modified);
    let get = || aws.s3.get_object().bucket(BUCKET).key("c");
    let status = |outcome| -> u16 { refused(outcome).1 };

    get().if_match(&etag).send().await?;
    get().if_none_match("\"other\"").send().await?;
    get().if_modified_since(before).send().await?;
    get().if_unmodified_since(now).send().await?;
    assert_eq!(status(get().if_match("\"other\"").send().await), 412);
    assert_eq!(status(get().if_none_match(&etag).send().await), 304);
    assert_eq!(status(get().if_modified_since(now).send().await), 304);
    assert_eq!(status(get().if_unmodified_since(before).send().await), 412);
    let head = aws.s3.head_object().bucket(BUCKET).key("c").if_none_match(&etag).send().await;
    assert_eq!(refused(head).1, 304);
    // The connection is still in step after replies without a body.
    assert_eq!(aws.get("c").await?, b"v");
    Ok(())
}

#[tokio::test]
async fn of_eight_racing_creations_one_wins() -> TestResult {
    let aws = start().await?;
    for round in 0..20 {
        let key = format!("race/{round}");
        let racers = (0..8_u8).map(|racer| {
            let put = aws.s3.put_object().bucket(BUCKET).key(&key).if_none_match("*").body(vec![racer; 100].into());
            async move { (racer, put.send().await) }
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            futures::future::join_all(racers).await.into_iter().partition(|(_, outcome)| outcome.is_ok());
        assert_eq!(won.len(), 1, "round {round}");
        for (_, outcome) in lost {
            assert_eq!(refused(outcome), ("PreconditionFailed".into(), 412));
        }
        assert_eq!(aws.get(&key).await?, vec![won[0].0; 100], "round {round}");
    }
    Ok(())
}

#[tokio::test]
async fn conditional_replacement() -> TestResult {
    let aws = start().await?;
    let first = aws.put("k", b"1").await?;
    let put = |etag: &str| aws.s3.put_object().bucket(BUCKET).key("k").if_match(etag).body(b"2".to_vec().into()).send();
    put(&first).await?;
    assert_eq!(refused(put(&first).await), ("PreconditionFailed".into(), 412));
    let missing = aws.s3.put_object().bucket(BUCKET).key("none").if_match(&first).body(b"2".to_vec().into());
    assert_eq!(refused(missing.send().await), ("NoSuchKey".into(), 404));
    assert_eq!(aws.get("k").await?, b"2");
    Ok(())
}

#[tokio::test]
async fn any_key_can_stand_beside_any_other() -> TestResult {
    let aws = start().await?;
    let long = format!("long/{}", "ü/".repeat(339));
    let long_sibling = format!("{long}x");
    let keys =
        ["x", "x/y", "x/", "/lead", "a//b", "..", "../up", ".hidden", "%41", "A", "sp ace+plus", "日本/語", "q?&=#"];
    let keys: Vec<&str> = keys.into_iter().chain([long.as_str(), &long_sibling]).collect();
    for key in &keys {
        aws.put(key, key.as_bytes()).await?;
    }
    for key in &keys {
        assert_eq!(aws.get(key).await?, key.as_bytes(), "{key}");
    }
    let listed = aws.s3.list_objects_v2().bucket(BUCKET).send().await?;
    let listed: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
    for key in &keys {
        aws.s3.delete_object().bucket(BUCKET).key(*key).send().await?;
    }
    assert_eq!(aws.s3.list_objects_v2().bucket(BUCKET).send().await?.key_count(), Some(0));
    let too_long = aws.s3.put_object().bucket(BUCKET).key("k".repeat(1025)).body(b"".to_vec().into());
    assert_eq!(refused(too_long.send().await).0, "KeyTooLongError");
    Ok(())
}

#[tokio::test]
async fn deletion() -> TestResult {
    let aws = start().await?;
    for key in ["a", "b", "c"] {
        aws.put(key, b"").await?;
    }
    aws.s3.delete_object().bucket(BUCKET).key("a").send().await?;
    aws.s3.delete_object().bucket(BUCKET).key("a").send().await?;
    let gone = aws.s3.get_object().bucket(BUCKET).key("a").send().await;
    assert_eq!(refused(gone), ("NoSuchKey".into(), 404));
    assert_eq!(refused(aws.s3.head_object().bucket(BUCKET).key("a").send().await).1, 404);
    let object = |key: &str| ObjectIdentifier::builder().key(key).build();
    let delete = Delete::builder().objects(object("b")?).objects(object("none")?).build()?;
    let deleted = aws.s3.delete_objects().bucket(BUCKET).delete(delete).send().await?;
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (2, 0));
    assert_eq!(refused(aws.s3.delete_bucket().bucket(BUCKET).send().await), ("BucketNotEmpty".into(), 409));
    aws.s3.delete_object().bucket(BUCKET).key("c").send().await?;
    aws.s3.delete_bucket().bucket(BUCKET).send().await?;
    assert_eq!(refused(aws.s3.head_bucket().bucket(BUCKET).send().await).1, 404);
    let put = aws.s3.put_object().bucket(BUCKET).key("k").body(b"".to_vec().into()).send().await;
    assert_eq!(refused(put), ("NoSuchBucket".into(), 404));
    Ok(())
}

#[tokio::test]
async fn copies() -> TestResult {
    let aws = start().await?;
    let etag = aws
        .s3
        .put_object()
        .bucket(BUCKET)
        .key("from/ü")
        .body(b"data".to_vec().into())
        .content_type("text/x")
        .metadata("k", "v")
        .send()
        .await?
        .e_tag
        .ok_or("an ETag")?;
    let copy = |to: &str| aws.s3.copy_object().bucket(BUCKET).key(to).copy_source(format!("{BUCKET}/from/%C3%BC"));

    copy("kept").copy_source_if_match(&etag).send().await?;
    let kept = aws.s3.head_object().bucket(BUCKET).key("kept").send().await?;
    assert_eq!((kept.content_type(), kept.e_tag()), (Some("text/x"), Some(etag.as_str())));
    assert_eq!(kept.metadata().and_then(|metadata| metadata.get("k")).map(String::as_str), Some("v"));
    assert_eq!(aws.get("kept").await?, b"data");

    copy("new").metadata_directive(MetadataDirective::Replace).content_type("text/y").send().await?;
    let new = aws.s3.head_object().bucket(BUCKET).key("new").send().await?;
    assert_eq!(new.content_type(), Some("text/y"));
    assert_eq!(new.metadata().map_or(0, HashMap::len), 0);

    let unmatched = copy("no").copy_source_if_none_match(&etag).send().await;
    assert_eq!(refused(unmatched), ("PreconditionFailed".into(), 412));
    assert_eq!(refused(copy("from/ü").send().await).0, "InvalidRequest");
    let missing = aws.s3.copy_object().bucket(BUCKET).key("no").copy_source(format!("{BUCKET}/none")).send().await;
    assert_eq!(refused(missing), ("NoSuchKey".into(), 404));
    Ok(())
}

#[tokio::test]
async fn a_wrong_secret_is_refused() -> TestResult {
    let aws = start().await?;
    aws.put("k", b"v").await?;
    let stranger = s3_client(&aws.emulator, "wrong").await;
    let get = stranger.get_object().bucket(BUCKET).key("k").send().await;
    assert_eq!(refused(get), ("SignatureDoesNotMatch".into(), 403));
    let put = stranger.put_object().bucket(BUCKET).key("k").body(b"w".to_vec().into()).send().await;
    assert_eq!(refused(put), ("SignatureDoesNotMatch".into(), 403));
    assert_eq!(aws.get("k").await?, b"v");
    Ok(())
}

#[tokio::test]
async fn objects_outlive_the_emulator_and_two_cannot_share_a_folder() -> TestResult {
    let aws = start().await?;
    let etag = aws.put("dir/k", b"v").await?;
    let config = EmulatorConfig::new(aws.root.path().join("state"));
    let second = Emulator::start(config.clone()).await;
    assert!(matches!(second, Err(EmulatorError::StateInUse { .. })), "{second:?}");
    aws.emulator.shutdown().await;
    let emulator = Emulator::start(config).await?;
    let s3 = s3_client(&emulator, firesteel_emulator::SECRET_ACCESS_KEY).await;
    let got = s3.get_object().bucket(BUCKET).key("dir/k").send().await?;
    assert_eq!(got.e_tag(), Some(etag.as_str()));
    assert_eq!(got.body.collect().await?.to_vec(), b"v");
    Ok(())
}
