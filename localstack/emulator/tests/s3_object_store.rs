//! The other client that Firesteel uses: `object_store`, unchanged.

mod support;

use firesteel_emulator::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut, S3CopyIfNotExists};
use object_store::path::Path;
use object_store::{
    Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};
use support::{Aws, TestResult};

async fn start() -> Result<(Aws, AmazonS3), Box<dyn std::error::Error>> {
    let aws = Aws::start().await;
    aws.s3.create_bucket().bucket("store").send().await?;
    let store = AmazonS3Builder::new()
        .with_bucket_name("store")
        .with_region("us-east-1")
        .with_endpoint(aws.emulator.s3_endpoint())
        .with_access_key_id(ACCESS_KEY_ID)
        .with_secret_access_key(SECRET_ACCESS_KEY)
        .with_allow_http(true)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
        .build()?;
    Ok((aws, store))
}

#[tokio::test]
async fn reads_writes_and_lists() -> TestResult {
    let (_aws, store) = start().await?;
    for key in ["a/1", "a/2", "a/b/3", "c"] {
        store.put(&Path::from(key), PutPayload::from(key.to_owned())).await?;
    }
    assert_eq!(store.get(&Path::from("a/b/3")).await?.bytes().await?, "a/b/3");
    assert_eq!(store.get_range(&Path::from("a/b/3"), 2..4).await?, "b/");
    assert_eq!(store.get_ranges(&Path::from("a/b/3"), &[0..1, 4..5]).await?, ["a", "3"]);
    assert_eq!(store.head(&Path::from("c")).await?.size, 1);
    assert!(matches!(store.head(&Path::from("d")).await, Err(Error::NotFound { .. })));

    let listed: Vec<_> =
        store.list(Some(&Path::from("a"))).map_ok(|meta| meta.location.to_string()).try_collect().await?;
    assert_eq!(listed, ["a/1", "a/2", "a/b/3"]);
    let level = store.list_with_delimiter(Some(&Path::from("a"))).await?;
    assert_eq!(level.common_prefixes, [Path::from("a/b")]);
    assert_eq!(level.objects.len(), 2);

    let keys = futures::stream::iter(["a/1", "a/2"].map(|key| Ok(Path::from(key))));
    let deleted: Vec<_> = store.delete_stream(Box::pin(keys)).try_collect().await?;
    assert_eq!(deleted.len(), 2);
    assert_eq!(store.list(None).try_collect::<Vec<_>>().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn conditions_hold() -> TestResult {
    let (_aws, store) = start().await?;
    let key = Path::from("version");
    let create = || store.put_opts(&key, "1".into(), PutOptions::from(PutMode::Create));
    let first = create().await?;
    assert!(matches!(create().await, Err(Error::AlreadyExists { .. })));
    let update = |version: Option<String>| {
        let seen = UpdateVersion { e_tag: version, version: None };
        store.put_opts(&key, "2".into(), PutOptions::from(PutMode::Update(seen)))
    };
    update(first.e_tag.clone()).await?;
    assert!(matches!(update(first.e_tag).await, Err(Error::Precondition { .. })));
    store.copy_if_not_exists(&key, &Path::from("copy")).await?;
    let again = store.copy_if_not_exists(&key, &Path::from("copy")).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
    assert_eq!(store.get(&Path::from("copy")).await?.bytes().await?, "2");
    Ok(())
}

#[tokio::test]
async fn multipart_uploads() -> TestResult {
    let (_aws, store) = start().await?;
    let key = Path::from("large");
    let mut upload = store.put_multipart(&key).await?;
    upload.put_part(vec![1_u8; 5 << 20].into()).await?;
    upload.put_part(vec![2_u8; 9].into()).await?;
    upload.complete().await?;
    let got = store.get(&key).await?.bytes().await?;
    assert_eq!((got.len(), got.last()), ((5 << 20) + 9, Some(&2)));
    Ok(())
}
