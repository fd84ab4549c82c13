//! What every store does alike, through [`Storage`].

use bytes::Bytes;
use firesteel_emulator::{Emulator, EmulatorConfig};
use firesteel_protocol::{ErrorKind, RequestCounts};
use firesteel_storage::{Storage, StorageError, StorageOptions, StorageUsage, to_url};
use futures::stream::{self, StreamExt};
use tempfile::TempDir;

const MIB: usize = 1024 * 1024;

/// Keys that a careless encoding gets wrong.
const ODD_KEYS: [&str; 7] = [
    "plain",
    "a%20b/c%20d",
    "100%25",
    "%2520",
    "%C3%BC/%E7%81%AB",
    "x=1%252F2/part",
    "q%3F%23%5B%5D%7B%7D%5C%5E%60%22%3C%3E%7C~",
];

/// Bytes whose period is no multiple of any size here, so that a misplaced piece shows.
fn pattern(length: usize) -> Bytes {
    const PERIOD: usize = 65_537;
    let period: Vec<_> = (0..PERIOD).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect();
    let mut content = period.repeat(length.div_ceil(PERIOD));
    content.truncate(length);
    content.into()
}

async fn check(storage: Storage, root: &str) {
    put_get_list_delete(&storage, root).await;
    odd_keys(&storage, root).await;
    put_if_absent(&storage, root).await;
    ranges(&storage, root).await;
    writer_sizes(&storage, root).await;
    failures(&storage, root).await;
    usage(&storage, root).await;
}

async fn put_get_list_delete(storage: &Storage, root: &str) {
    let url = |key: &str| format!("{root}/tree/{key}");
    for key in ["a/2", "a/1", "ab", "a/b/c"] {
        storage.put(&url(key), pattern(key.len())).await.expect("put");
    }
    storage.put(&url("ab"), pattern(5)).await.expect("put in place of another");
    assert_eq!(storage.get(&url("ab")).await.expect("get"), pattern(5));

    for prefix in ["a", "a/"] {
        let listed = storage.list(&url(prefix)).await.expect("list");
        let found: Vec<_> = listed.iter().map(|object| (object.url.clone(), object.bytes)).collect();
        assert_eq!(found, [(url("a/1"), 3), (url("a/2"), 3), (url("a/b/c"), 5)]);
    }
    assert_eq!(storage.list(&url("nothing")).await.expect("an empty list"), []);

    assert_eq!(storage.delete_prefix(&url("a")).await.expect("delete"), 3);
    assert_eq!(storage.delete_prefix(&url("a")).await.expect("delete nothing"), 0);
    assert_eq!(storage.list(&format!("{root}/tree")).await.expect("list").len(), 1);
}

async fn odd_keys(storage: &Storage, root: &str) {
    let folder = format!("{root}/odd");
    for key in ODD_KEYS {
        let url = format!("{folder}/{key}");
        storage.put(&url, pattern(key.len())).await.expect(key);
        assert_eq!(storage.get(&url).await.expect(key), pattern(key.len()), "{key}");
    }
    let listed = storage.list(&folder).await.expect("list");
    assert_eq!(listed.len(), ODD_KEYS.len());
    for object in listed {
        assert_eq!(storage.get(&object.url).await.expect("a listed URL leads back").len() as u64, object.bytes);
    }
}

async fn put_if_absent(storage: &Storage, root: &str) {
    let url = format!("{root}/commit/1");
    assert!(storage.put_if_absent(&url, pattern(3)).await.expect("put"));
    assert!(!storage.put_if_absent(&url, pattern(4)).await.expect("the second is told so"));
    assert_eq!(storage.get(&url).await.expect("get"), pattern(3));
}

async fn ranges(storage: &Storage, root: &str) {
    let url = format!("{root}/long");
    let content = pattern(40 * MIB + 5);
    storage.put(&url, content.clone()).await.expect("put");
    for (start, end) in [(0, 0), (0, 10), (7, 16 * MIB + 7), (3, 40 * MIB), (40 * MIB, content.len())] {
        let read = storage.get_range(&url, start as u64..end as u64).await.expect("get_range");
        assert!(read == content[start..end], "{start}..{end}");
    }

    // What DataFusion's Parquet reader asks for: several ranges at once, in any order.
    let location = storage.resolve(&url).expect("a URL");
    let asked = [(30 * MIB, 30 * MIB + 9), (0, 20 * MIB), (5, 6), (20 * MIB + 100, 20 * MIB + 200), (9, 9)];
    let ranges: Vec<_> = asked.iter().map(|&(start, end)| start as u64..end as u64).collect();
    let read = location.store.get_ranges(&location.path, &ranges).await.expect("get_ranges");
    for ((start, end), read) in asked.into_iter().zip(read) {
        assert!(read == content[start..end], "{start}..{end}");
    }
}

async fn writer_sizes(storage: &Storage, root: &str) {
    let url = format!("{root}/written");
    for (bytes, chunk) in [(0, 1), (10, 3), (16 * MIB, MIB), (16 * MIB + 1, 16 * MIB + 1), (70 * MIB, 7 * MIB + 1)] {
        let content = pattern(bytes);
        let mut writer = storage.writer(&url).await.expect("writer");
        for start in (0..bytes).step_by(chunk) {
            writer.write(content.slice(start..bytes.min(start + chunk))).await.expect("write");
        }
        assert_eq!(writer.bytes(), bytes as u64);
        writer.finish().await.expect("finish");
        assert!(storage.get(&url).await.expect("get") == content, "{bytes} bytes by {chunk}");
    }

    // What is not finished does not exist.
    for bytes in [1, 17 * MIB] {
        let aborted = format!("{root}/aborted/{bytes}");
        let mut writer = storage.writer(&aborted).await.expect("writer");
        writer.write(pattern(bytes)).await.expect("write");
        writer.abort().await.expect("abort");
        let mut writer = storage.writer(&aborted).await.expect("writer");
        writer.write(pattern(bytes)).await.expect("write");
        drop(writer);
    }
    assert_eq!(storage.list(&format!("{root}/aborted")).await.expect("list"), []);
}

async fn failures(storage: &Storage, root: &str) {
    let missing = format!("{root}/missing");
    let error = storage.get(&missing).await.expect_err("no such object");
    assert!(matches!(error, StorageError::NotFound { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::UserFix);
    assert_eq!(error.to_string(), format!("read {missing}: no such object; check the path"));
    let error = storage.get_range(&missing, 0..1).await.expect_err("no such object");
    assert_eq!(error.kind(), ErrorKind::UserFix);

    let short = format!("{root}/short");
    storage.put(&short, pattern(10)).await.expect("put");
    for (start, end) in [(0, 11), (9, 20), (10, 11), (100, 200), (0, 40 * MIB as u64)] {
        let error = storage.get_range(&short, start..end).await.expect_err("too short");
        assert!(matches!(error, StorageError::Truncated { .. }), "{start}..{end}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().ends_with("and the object has 10"), "{error}");
    }

    // The same error on its way through DataFusion.
    let location = storage.resolve(&short).expect("a URL");
    let ranges = [Some(0..11)].into_iter().flatten().collect::<Vec<_>>();
    let error = location.store.get_ranges(&location.path, &ranges).await.expect_err("too short");
    assert_eq!(firesteel_storage::classify(&error), ErrorKind::Data);
}

/// What `work` cost, through a storage that starts at nothing.
async fn cost<F: Future<Output = ()>>(storage: &Storage, work: impl FnOnce(Storage) -> F) -> StorageUsage {
    let metered = storage.metered();
    work(metered.clone()).await;
    metered.usage()
}

async fn usage(storage: &Storage, root: &str) {
    let url = format!("{root}/metered/one");
    let before = storage.usage();
    let counted = cost(storage, async |storage| {
        storage.put(&url, pattern(1000)).await.expect("put");
        storage.get(&url).await.expect("get");
        storage.get_range(&url, 10..30).await.expect("get_range");
        let location = storage.resolve(&url).expect("a URL");
        object_store::ObjectStoreExt::head(&*location.store, &location.path).await.expect("head");
        storage.list(&format!("{root}/metered")).await.expect("list");
        storage.delete_prefix(&format!("{root}/metered")).await.expect("delete");
    })
    .await;
    let requests = RequestCounts { get: 2, head: 1, put: 1, list: 2, delete: 1 };
    assert_eq!(counted, StorageUsage { requests, bytes_in: 1020, bytes_out: 1000 });
    assert_eq!(storage.usage(), before, "a metered child counts for itself");

    // 40 MiB: a create, three parts and a completion; three requests to read it.
    let counted = cost(storage, async |storage| {
        storage.put(&url, pattern(40 * MIB)).await.expect("put");
        storage.get_range(&url, 0..40 * MIB as u64).await.expect("get_range");
    })
    .await;
    let requests = RequestCounts { put: 5, get: 3, ..RequestCounts::default() };
    assert_eq!(counted, StorageUsage { requests, bytes_in: 40 * MIB as u64, bytes_out: 40 * MIB as u64 });

    // A list is billed by pages of a thousand keys.
    let counted = cost(storage, async |storage| {
        let urls = (0..1001).map(|n| format!("{root}/many/{n}"));
        let puts = urls.map(|url| {
            let storage = &storage;
            async move { storage.put(&url, Bytes::new()).await.expect("put") }
        });
        stream::iter(puts).buffer_unordered(16).collect::<()>().await;
        assert_eq!(storage.list(&format!("{root}/many")).await.expect("list").len(), 1001);
    })
    .await;
    assert_eq!((counted.requests.put, counted.requests.list), (1001, 2));
}

#[tokio::test]
async fn memory() {
    check(Storage::new(StorageOptions::default()), "memory:///conformance").await;
}

#[tokio::test]
async fn local_files() {
    let folder = TempDir::new().expect("a folder");
    let root = to_url(folder.path().to_str().expect("unicode")).expect("a path");
    check(Storage::new(StorageOptions::default()), root.as_str()).await;
}

#[tokio::test]
async fn s3() {
    let folder = TempDir::new().expect("a folder");
    let emulator = Emulator::start(EmulatorConfig::new(folder.path())).await.expect("an S3");
    let storage = Storage::new(StorageOptions {
        s3_endpoint: Some(emulator.s3_endpoint().to_owned()),
        s3_region: Some(firesteel_emulator::REGION.to_owned()),
        s3_access_key_id: Some(firesteel_emulator::ACCESS_KEY_ID.to_owned()),
        s3_secret_access_key: Some(firesteel_emulator::SECRET_ACCESS_KEY.to_owned()),
        ..StorageOptions::default()
    });
    let error = storage.put("s3://conformance/x", pattern(1)).await.expect_err("no such bucket");
    assert_eq!(error.kind(), ErrorKind::UserFix);
    storage.create_bucket("s3://conformance").await.expect("a bucket");
    storage.create_bucket("s3://conformance").await.expect("a bucket that is there");
    check(storage, "s3://conformance/some folder".replace(' ', "%20").as_str()).await;
    emulator.shutdown().await;
}

#[tokio::test]
async fn deleting_local_files_leaves_no_empty_folders() {
    let folder = TempDir::new().expect("a folder");
    let root = to_url(folder.path().to_str().expect("unicode")).expect("a path");
    let storage = Storage::new(StorageOptions::default());
    for key in ["job/a/b/1", "job/2", "other/3"] {
        storage.put(&format!("{root}/{key}"), pattern(1)).await.expect("put");
    }
    assert_eq!(storage.delete_prefix(&format!("{root}/job")).await.expect("delete"), 2);
    assert!(!folder.path().join("job").exists());
    assert!(folder.path().join("other/3").exists());
}

#[tokio::test]
async fn memory_is_shared_by_a_family_and_not_beyond() {
    let storage = Storage::new(StorageOptions::default());
    storage.put("memory:///x", pattern(1)).await.expect("put");
    assert_eq!(storage.clone().metered().get("memory:///x").await.expect("get"), pattern(1));
    assert!(storage.get("memory://other/x").await.is_err());
    assert!(Storage::new(StorageOptions::default()).get("memory:///x").await.is_err());
}

#[tokio::test]
async fn a_whole_bucket_is_not_deleted() {
    let storage = Storage::new(StorageOptions::default());
    storage.put("memory:///x", pattern(1)).await.expect("put");
    let error = storage.delete_prefix("memory:///").await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::UserFix);
    assert_eq!(storage.get("memory:///x").await.expect("still there"), pattern(1));
}
