//! Listings and multipart uploads, through the AWS SDK.

mod support;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use support::{Aws, TestResult, refused};

const BUCKET: &str = "bucket-of-many";
const PART_BYTES_MIN: usize = 5 << 20;

async fn start(keys: &[&str]) -> Result<Aws, Box<dyn std::error::Error>> {
    let aws = Aws::start().await;
    aws.s3.create_bucket().bucket(BUCKET).send().await?;
    for key in keys {
        aws.s3.put_object().bucket(BUCKET).key(*key).body(key.as_bytes().to_vec().into()).send().await?;
    }
    Ok(aws)
}

/// Follows the pages of a listing and shows each as `keys|prefixes`.
async fn pages(
    aws: &Aws,
    prefix: &str,
    delimiter: Option<&str>,
    keys_max: i32,
) -> Result<Vec<String>, aws_sdk_s3::Error> {
    let (mut token, mut shown) = (None, Vec::new());
    loop {
        let list = aws.s3.list_objects_v2().bucket(BUCKET).prefix(prefix).max_keys(keys_max);
        let page = list.set_delimiter(delimiter.map(str::to_owned)).set_continuation_token(token).send().await?;
        let keys: Vec<&str> = page.contents().iter().filter_map(|object| object.key()).collect();
        let prefixes: Vec<&str> = page.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect();
        assert_eq!(page.key_count(), i32::try_from(keys.len() + prefixes.len()).ok());
        assert_eq!(page.is_truncated(), Some(page.next_continuation_token().is_some()));
        shown.push(format!("{}|{}", keys.join(","), prefixes.join(",")));
        token = page.next_continuation_token;
        if token.is_none() {
            return Ok(shown);
        }
    }
}

#[tokio::test]
async fn listings_page_by_bytes_and_roll_up_by_delimiter() -> TestResult {
    let aws = start(&["B", "a/1", "a/2", "a/deep/1", "a/deep/2", "b", "ab", "é"]).await?;
    assert_eq!(pages(&aws, "", None, 1000).await?, ["B,a/1,a/2,a/deep/1,a/deep/2,ab,b,é|"]);
    assert_eq!(pages(&aws, "", None, 3).await?, ["B,a/1,a/2|", "a/deep/1,a/deep/2,ab|", "b,é|"]);
    assert_eq!(pages(&aws, "", Some("/"), 2).await?, ["B|a/", "ab,b|", "é|"]);
    assert_eq!(pages(&aws, "a/", Some("/"), 2).await?, ["a/1,a/2|", "|a/deep/"]);
    assert_eq!(pages(&aws, "a", None, 1000).await?, ["a/1,a/2,a/deep/1,a/deep/2,ab|"]);
    assert_eq!(pages(&aws, "nothing", None, 2).await?, ["|"]);

    let after = aws.s3.list_objects_v2().bucket(BUCKET).start_after("a/deep/1").send().await?;
    let after: Vec<&str> = after.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(after, ["a/deep/2", "ab", "b", "é"]);

    let one = aws.s3.list_objects_v2().bucket(BUCKET).prefix("a/1").send().await?;
    let [object] = one.contents() else { return Err("one object".into()) };
    assert_eq!((object.size(), object.e_tag()), (Some(3), Some("\"32a390517fcc6e43df5fc5f2c94699e1\"")));
    let none = aws.s3.list_objects_v2().bucket("nowhere").send().await;
    assert_eq!(refused(none), ("NoSuchBucket".into(), 404));
    Ok(())
}

#[tokio::test]
async fn the_first_version_of_listing() -> TestResult {
    let aws = start(&["a/1", "a/2", "b", "c/1"]).await?;
    let (mut marker, mut shown) = (None, Vec::new());
    loop {
        let list = aws.s3.list_objects().bucket(BUCKET).delimiter("/").max_keys(1).set_marker(marker);
        let page = list.send().await?;
        shown.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        shown.extend(page.common_prefixes().iter().filter_map(|prefix| prefix.prefix().map(str::to_owned)));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(shown, ["a/", "b", "c/"]);
    Ok(())
}

#[tokio::test]
async fn buckets() -> TestResult {
    let aws = start(&[]).await?;
    aws.s3.create_bucket().bucket("another").send().await?;
    // As in us-east-1, one's own bucket can be made again.
    aws.s3.create_bucket().bucket("another").send().await?;
    let listed = aws.s3.list_buckets().send().await?;
    let names: Vec<&str> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["another", BUCKET]);
    aws.s3.head_bucket().bucket("another").send().await?;
    aws.s3.delete_bucket().bucket("another").send().await?;
    assert_eq!(refused(aws.s3.delete_bucket().bucket("another").send().await), ("NoSuchBucket".into(), 404));
    Ok(())
}

fn part(number: i32, etag: Option<&str>) -> CompletedPart {
    CompletedPart::builder().part_number(number).set_e_tag(etag.map(str::to_owned)).build()
}

fn of_parts(parts: impl IntoIterator<Item = CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().collect())).build()
}

#[tokio::test]
async fn a_multipart_upload_from_bodies_and_copies() -> TestResult {
    let aws = start(&["source"]).await?;
    let created = aws.s3.create_multipart_upload().bucket(BUCKET).key("m/p").content_type("text/m").send().await?;
    let id = created.upload_id().ok_or("an upload id")?;
    let (first, middle) = (vec![1_u8; PART_BYTES_MIN], vec![2_u8; PART_BYTES_MIN + 7]);
    let upload = |number: i32, body: &[u8]| {
        let upload = aws.s3.upload_part().bucket(BUCKET).key("m/p").upload_id(id).part_number(number);
        upload.body(body.to_vec().into()).send()
    };
    upload(1, b"replaced later").await?;
    let (three, one) = (upload(3, &middle).await?, upload(1, &first).await?);
    let copy = aws.s3.upload_part_copy().bucket(BUCKET).key("m/p").upload_id(id).part_number(10_000);
    let copied = copy.copy_source(format!("{BUCKET}/source")).copy_source_range("bytes=1-3").send().await?;
    let copied = copied.copy_part_result.and_then(|result| result.e_tag);

    let listed = aws.s3.list_parts().bucket(BUCKET).key("m/p").upload_id(id).max_parts(2).send().await?;
    let sizes: Vec<_> = listed.parts().iter().map(|part| (part.part_number(), part.size())).collect();
    assert_eq!(sizes, [(Some(1), i64::try_from(first.len()).ok()), (Some(3), i64::try_from(middle.len()).ok())]);
    assert_eq!((listed.is_truncated(), listed.next_part_number_marker()), (Some(true), Some("3")));
    let uploads = aws.s3.list_multipart_uploads().bucket(BUCKET).prefix("m/").send().await?;
    assert_eq!(uploads.uploads().iter().map(|upload| upload.upload_id()).collect::<Vec<_>>(), [Some(id)]);
    assert_eq!(refused(aws.s3.get_object().bucket(BUCKET).key("m/p").send().await).0, "NoSuchKey");

    let complete = |parts| {
        let complete = aws.s3.complete_multipart_upload().bucket(BUCKET).key("m/p").upload_id(id);
        complete.multipart_upload(parts).if_none_match("*").send()
    };
    let parts = || [part(1, one.e_tag()), part(3, three.e_tag()), part(10_000, copied.as_deref())];
    let [a, b, c] = parts();
    assert_eq!(refused(complete(of_parts([b, a, c])).await).0, "InvalidPartOrder");
    assert_eq!(refused(complete(of_parts([part(1, Some("\"no\""))])).await).0, "InvalidPart");
    let [a, b, c] = parts();
    assert_eq!(refused(complete(of_parts([a, part(2, None), b, c])).await).0, "MalformedXML");
    let done = complete(of_parts(parts())).await?;
    assert!(done.e_tag().is_some_and(|etag| etag.ends_with("-3\"")), "{done:?}");

    let got = aws.s3.get_object().bucket(BUCKET).key("m/p").send().await?;
    assert_eq!((got.content_type(), got.e_tag()), (Some("text/m"), done.e_tag()));
    assert_eq!(got.body.collect().await?.to_vec(), [first.as_slice(), &middle, b"our"].concat());
    let third = aws.s3.get_object().bucket(BUCKET).key("m/p").part_number(3).send().await?;
    assert_eq!(third.parts_count(), Some(3));
    assert_eq!(third.body.collect().await?.to_vec(), b"our");
    assert_eq!(refused(complete(of_parts(parts())).await).0, "NoSuchUpload");
    Ok(())
}

#[tokio::test]
async fn a_multipart_upload_that_comes_second_loses_and_can_be_aborted() -> TestResult {
    let aws = start(&["taken"]).await?;
    let created = aws.s3.create_multipart_upload().bucket(BUCKET).key("taken").send().await?;
    let id = created.upload_id().ok_or("an upload id")?;
    let upload = aws.s3.upload_part().bucket(BUCKET).key("taken").upload_id(id).part_number(1);
    let one = upload.body(b"late".to_vec().into()).send().await?;
    let complete = aws.s3.complete_multipart_upload().bucket(BUCKET).key("taken").upload_id(id).if_none_match("*");
    let lost = complete.multipart_upload(of_parts([part(1, one.e_tag())])).send().await;
    assert_eq!(refused(lost), ("PreconditionFailed".into(), 412));
    let got = aws.s3.get_object().bucket(BUCKET).key("taken").send().await?;
    assert_eq!(got.body.collect().await?.to_vec(), b"taken");

    let abort = || aws.s3.abort_multipart_upload().bucket(BUCKET).key("taken").upload_id(id).send();
    abort().await?;
    assert_eq!(refused(abort().await), ("NoSuchUpload".into(), 404));
    let late = aws.s3.upload_part().bucket(BUCKET).key("taken").upload_id(id).part_number(2);
    assert_eq!(refused(late.body(b"x".to_vec().into()).send().await), ("NoSuchUpload".into(), 404));
    Ok(())
}

#[tokio::test]
async fn a_short_part_that_is_not_the_last_is_refused() -> TestResult {
    let aws = start(&[]).await?;
    let created = aws.s3.create_multipart_upload().bucket(BUCKET).key("short").send().await?;
    let id = created.upload_id().ok_or("an upload id")?;
    let mut parts = Vec::new();
    for number in 1..=2 {
        let upload = aws.s3.upload_part().bucket(BUCKET).key("short").upload_id(id).part_number(number);
        let uploaded = upload.body(b"short".to_vec().into()).send().await?;
        parts.push(part(number, uploaded.e_tag()));
    }
    let complete = aws.s3.complete_multipart_upload().bucket(BUCKET).key("short").upload_id(id);
    let refusal = refused(complete.multipart_upload(of_parts(parts)).send().await);
    assert_eq!(refusal, ("EntityTooSmall".into(), 400));
    Ok(())
}
