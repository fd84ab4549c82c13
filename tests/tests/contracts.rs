//! The contracts of ARCHITECTURE.md, each by its id: what passes between coordinator, functions and store is kept and
//! looked at.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::Bytes;
use firesteel_coordinator::{JobOptions, run_job};
use firesteel_function::{FunctionContext, FunctionOptions, run_task};
use firesteel_invoke::InvokeError;
use firesteel_protocol::{
    Blob, ErrorKind, INVOKE_PAYLOAD_BYTES_MAX, Inputs, JobId, LeafInput, Segment, TaskEnvelope, TaskMetrics,
    TaskOutcome, TaskReport,
};
use firesteel_tests::{Call, Fixture, TableOf, cells, run_sql};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const EVENTS: TableOf = (
    "events",
    5,
    "select i as id, i % 400 as k, cast(i as double) / 7 as x, concat('name ', cast(i % 50 as varchar)) as name
     from (select unnest(range(0, 20000)) as i)",
);
/// Two stages: a partial aggregate that writes a shuffle, and the final one that reads it.
const GROUPED: &str = "select k, count(*), sum(id), min(name) from events group by k";

async fn fixture(settings: &[&str]) -> Fixture {
    Fixture::many_tasks(&[EVENTS], settings).await
}

/// A shuffle object by the URL that a report names.
async fn object(fixture: &Fixture, url: &str) -> Bytes {
    fixture.runtime.storage.get(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn segment_bytes(object: &Bytes, segment: &Segment) -> Bytes {
    object.slice(segment.offset as usize..(segment.offset + segment.bytes) as usize)
}

fn parquet_rows(bytes: Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("a whole Parquet file");
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> =
        reader.build().expect("a reader").collect::<Result<_, _>>().expect("rows of the segment");
    concat_batches(&schema, &batches).expect("one batch")
}

/// The local path of a `file://` URL.
fn path(url: &str) -> std::path::PathBuf {
    url::Url::parse(url).expect("a URL").to_file_path().expect("a local file")
}

#[tokio::test(flavor = "multi_thread")]
async fn task_1_a_task_that_runs_twice_gives_the_same_rows() {
    let fixture = fixture(&[]).await;
    fixture.check(GROUPED).await;
    let calls = fixture.recorder.take();
    assert!(calls.len() > 4);
    for call in calls {
        let mut envelope = call.envelope();
        envelope.attempt += 1;
        let payload = envelope.encode().expect("bytes").into();
        let reply = fixture.runtime.invoker.invoke(payload).await.expect("a reply");
        let TaskOutcome::Done(again) = TaskReport::decode(&reply).expect("a report").outcome else {
            panic!("{}: the second run failed", envelope.task);
        };
        let first = call.output();
        assert_eq!(rows_by_partition(&first.segments), rows_by_partition(&again.segments), "{}", envelope.task);
        assert!(first.url.is_none() || first.url != again.url, "two attempts wrote {:?}", first.url);
    }
}

fn rows_by_partition(segments: &[Segment]) -> BTreeMap<u32, u64> {
    let mut rows = BTreeMap::new();
    segments.iter().for_each(|segment| *rows.entry(segment.partition).or_default() += segment.rows);
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn task_2_functions_in_this_process_get_and_give_encoded_bytes() {
    let fixture = fixture(&[]).await;
    fixture.check(GROUPED).await;
    for call in fixture.recorder.take() {
        // What arrived is the encoding, byte for byte, of what it says: nothing came another way.
        assert_eq!(call.envelope().encode().expect("bytes"), call.payload);
        assert_eq!(call.report().encode().expect("bytes"), call.reply);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn task_3_a_large_plan_goes_to_the_store() {
    let fixture = fixture(&[]).await;
    let list: Vec<String> = (0..6000).map(|index| format!("'name {}'", index * 31)).collect();
    fixture.check(&format!("select k, count(*) from events where name in ({}) group by k", list.join(", "))).await;
    let calls = fixture.recorder.take();
    let stored = calls.iter().filter(|call| matches!(call.envelope().plan, Blob::Stored { .. })).count();
    assert!(stored > 2, "{stored} of {} plans were stored", calls.len());
    assert!(calls.iter().all(|call| call.payload.len() < 256 * 1024));
}

#[tokio::test(flavor = "multi_thread")]
async fn task_3_long_inputs_go_to_the_store() {
    let fixture = fixture(&["firesteel.task.target_bytes=1TiB"]).await;
    // Each file's path stands in the envelope, and this one is long.
    let mut folder = fixture.runtime.temp.path().join("files");
    (0..5).for_each(|_| folder.push("n".repeat(220)));
    std::fs::create_dir_all(&folder).expect("a folder");
    for file in 0..3000 {
        std::fs::copy(fixture.file("events"), folder.join(format!("{file}.parquet"))).expect("a copy");
    }
    let path = folder.to_string_lossy().into_owned();
    fixture.planner.register_parquet("long", &[path]).await.expect("a table");
    let query = "select count(*), min(id), sum(cast(id < 10 as int)) from long where id < 100";
    let (rows, _) = run_sql(&fixture.runtime, &fixture.planner, query).await.expect("an answer");
    let found = format!("{:?}", cells(&rows)[0]);
    assert_eq!(found, r#"[Text("300000"), Text("0"), Text("30000")]"#);
    let calls = fixture.recorder.take();
    assert!(calls.iter().all(|call| call.payload.len() < INVOKE_PAYLOAD_BYTES_MAX));
    let Inputs::Stored(Blob::Stored { bytes, .. }) = calls[0].envelope().inputs else {
        panic!("the inputs travelled: {} bytes of envelope", calls[0].payload.len());
    };
    assert!(bytes > 4 * 1024 * 1024, "{bytes} bytes of inputs could have travelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn task_4_the_job_s_figures_are_the_sum_of_the_reports() {
    let fixture = fixture(&[]).await;
    let summary = fixture.check(GROUPED).await;
    let mut sum = TaskMetrics::default();
    fixture.recorder.take().iter().for_each(|call| sum += call.report().metrics);
    assert_eq!(summary.total, sum);
    assert_eq!(summary.stages[0].metrics.rows_in, 20_000);
    assert_eq!(summary.stages.last().expect("a stage").metrics.rows_out, 400);
    for (what, figure) in [
        ("bytes in", sum.bytes_in),
        ("bytes out", sum.bytes_out),
        ("GET", sum.requests.get),
        ("PUT", sum.requests.put),
        ("memory", sum.memory_bytes_peak),
    ] {
        assert!(figure > 0, "{what} is 0");
    }
    assert!(summary.gb_seconds > 0.0 && summary.cost_usd() > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn task_5_nothing_runs_on_after_the_reply() {
    // Small batches, so that the joins often come to where they can be ended.
    let settings = ["firesteel.task.target_bytes=1TiB", "datafusion.execution.batch_size=8"];
    let fixture = fixture(&settings).await;
    let query =
        fixture.plan("select count(*) from events a join events b on a.k = b.k join events c on c.k = b.k").await;
    fixture.check("select 1").await;
    let mut envelope = fixture.recorder.take()[0].envelope();
    let stage = &query.graph.stages[0];
    envelope.plan = Blob::Inline(stage.encoded.to_vec());
    let slices = query.graph.slice(stage, &Default::default()).expect("slices");
    let inputs = query.graph.inputs(stage, &slices[0], &Default::default()).expect("inputs");
    envelope.inputs = Inputs::Inline(inputs);
    let payload = envelope.encode().expect("bytes");

    let temp = tempfile::tempdir().expect("a temp folder");
    let options = FunctionOptions { memory_mb: 3538, temp_dir: temp.path().to_owned() };
    let context = FunctionContext::new(fixture.runtime.storage.clone(), options, std::time::Instant::now());
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    // Long enough to begin, too short to end: the deadline is met in the middle.
    let deadline = SystemTime::now() + Duration::from_millis(700);
    let reply = run_task(&context, &payload, Some(deadline)).await.expect("a report");
    let TaskOutcome::Failed(error) = TaskReport::decode(&reply).expect("a report").outcome else {
        panic!("50 million rows were counted in 200 ms");
    };
    assert_eq!(error.kind, ErrorKind::Capacity);
    assert!(error.message.contains("timeout"), "{error}");
    // A task that was ended leaves when it next waits for something, and its temp folder goes with it.
    let left = || std::fs::read_dir(temp.path()).expect("the temp folder").count();
    for _ in 0..1000 {
        if metrics.num_alive_tasks() <= before && left() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} tasks run on, {} folders are left", metrics.num_alive_tasks() - before, left());
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffle_1_an_attempt_writes_one_object_partition_major() {
    let fixture = fixture(&[]).await;
    let summary = fixture.check(GROUPED).await;
    let calls = fixture.recorder.take();
    let producers: Vec<&Call> = calls.iter().filter(|call| call.envelope().task.stage.0 == 0).collect();
    assert!(producers.len() > 2);
    assert_eq!(summary.stages[0].metrics.requests.put, producers.len() as u64, "writes of {} tasks", producers.len());
    for producer in producers {
        let segments = producer.output().segments;
        assert!(segments.len() > 1);
        let mut end = 0;
        for pair in segments.windows(2) {
            assert!(pair[0].partition <= pair[1].partition, "{segments:?}");
        }
        for segment in &segments {
            assert_eq!(segment.offset, end, "segments lie one after the other");
            end += segment.bytes;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffle_2_a_consumer_makes_one_get_for_each_producer() {
    // One consumer for all partitions, and then several for some of them.
    for target in ["firesteel.shuffle.target_bytes=1GiB", "firesteel.shuffle.target_bytes=8KiB"] {
        let fixture = fixture(&[target]).await;
        fixture.check(GROUPED).await;
        let calls = fixture.recorder.take();
        let producers = calls.iter().filter(|call| call.envelope().task.stage.0 == 0).count() as u64;
        let consumers: Vec<&Call> = calls.iter().filter(|call| call.envelope().task.stage.0 == 1).collect();
        assert!(!consumers.is_empty() && producers > 2);
        assert_eq!(consumers.len() > 1, target.ends_with("8KiB"));
        for consumer in consumers {
            let requests = consumer.report().metrics.requests;
            assert_eq!(requests.get, runs(&consumer.envelope()).len() as u64, "{target}");
            assert!(requests.get <= producers && requests.head == 0 && requests.list == 0, "{requests:?}");
        }
    }
}

/// The ranges that a task reads of shuffle objects: URL, and segments.
fn runs(envelope: &TaskEnvelope) -> Vec<(String, Vec<Segment>)> {
    let Inputs::Inline(inputs) = &envelope.inputs else { panic!("small inputs travel") };
    inputs
        .iter()
        .flat_map(|input| match input {
            LeafInput::Shuffle { runs, .. } => runs.as_slice(),
            LeafInput::Files(_) | LeafInput::Literal => &[],
        })
        .map(|run| (run.url.clone(), run.segments.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffle_3_what_an_attempt_wrote_counts_only_when_its_report_came() {
    let fixture = fixture(&[]).await;
    let lost = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&lost);
    // The first attempt at each producer does all of its work; then its sandbox dies.
    fixture.recorder.meddle(move |call| {
        let envelope = call.envelope();
        if envelope.task.stage.0 == 0 && envelope.attempt == 0 {
            count.fetch_add(1, Ordering::Relaxed);
            return Err(InvokeError::Crashed { function: "test".to_owned(), message: "signal 9".to_owned() });
        }
        Ok(())
    });
    let summary = fixture.check(GROUPED).await;
    let lost = lost.load(Ordering::Relaxed);
    assert_eq!(summary.attempts, summary.tasks + lost);
    let read: HashSet<String> =
        fixture.recorder.take().iter().flat_map(|call| runs(&call.envelope())).map(|(url, _)| url).collect();
    assert_eq!(read.len() as u64, lost);
    for url in read {
        assert!(url.contains("attempt-1"), "{url} is of an attempt whose report never came");
        let file = path(&url);
        let written = std::fs::read_dir(file.parent().expect("the task's folder")).expect("its objects");
        let mut names = written.map(|entry| entry.expect("an object").file_name().to_string_lossy().into_owned());
        let has_garbage = names.any(|name| name.starts_with("attempt-0-"));
        assert!(has_garbage, "{url}: the first attempt wrote nothing, so this tested nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffle_4_each_segment_is_a_parquet_file() {
    let fixture = fixture(&[]).await;
    fixture.check(GROUPED).await;
    let mut rows = 0;
    for call in fixture.recorder.take().iter().filter(|call| call.envelope().task.stage.0 == 0) {
        let output = call.output();
        let object = object(&fixture, output.url.as_deref().expect("a producer writes")).await;
        for segment in &output.segments {
            let batch = parquet_rows(segment_bytes(&object, segment));
            assert_eq!(batch.num_rows() as u64, segment.rows);
            rows += segment.rows;
        }
    }
    assert!(rows >= 400, "{rows} rows were shuffled");
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffle_4_arrow_ipc_gives_the_same_rows() {
    for encoding in ["ipc-lz4", "ipc-zstd", "parquet"] {
        let fixture = fixture(&[&format!("firesteel.shuffle.encoding={encoding}")]).await;
        fixture.check(GROUPED).await;
        fixture.check_ordered("select id, name, x from events where k < 90 order by x desc").await;
        let call = fixture.recorder.take().into_iter().find(|call| call.output().url.is_some()).expect("a producer");
        let output = call.output();
        let object = object(&fixture, output.url.as_deref().expect("it wrote")).await;
        let magic = &segment_bytes(&object, &output.segments[0])[..4];
        assert_eq!(magic == b"PAR1", encoding == "parquet", "{encoding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffle_7_a_damaged_object_runs_its_producer_again() {
    type Damage = fn(&std::path::Path);
    let damages: [(&str, Damage); 4] = [
        ("a changed byte", |path| {
            let mut bytes = std::fs::read(path).expect("the object");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(path, bytes).expect("it is written");
        }),
        ("a lost end", |path| {
            let bytes = std::fs::read(path).expect("the object");
            std::fs::write(path, &bytes[..bytes.len() - 10]).expect("it is written");
        }),
        ("another object", |path| {
            let bytes = std::fs::read(path).expect("the object");
            let foreign: Vec<u8> = bytes.iter().rev().copied().collect();
            std::fs::write(path, foreign).expect("it is written");
        }),
        ("no object", |path| std::fs::remove_file(path).expect("it goes")),
    ];
    for (what, damage) in damages {
        let fixture = fixture(&[]).await;
        let done = AtomicBool::new(false);
        fixture.recorder.meddle(move |call| {
            let envelope = call.envelope();
            // The object of one task, once.
            if envelope.task.stage.0 == 0 && envelope.task.index == 1 && !done.swap(true, Ordering::Relaxed) {
                damage(&path(&call.output().url.expect("it wrote")));
            }
            Ok(())
        });
        let summary = fixture.check(GROUPED).await;
        assert_eq!(summary.stages[0].attempts, summary.stages[0].tasks + 1, "{what}: attempts of the producers");
        let ran_again = fixture.recorder.take().iter().any(|call| {
            let envelope = call.envelope();
            (envelope.task.stage.0, envelope.task.index, envelope.attempt) == (0, 1, 1)
        });
        assert!(ran_again, "{what}: the damaged object's own producer did not run again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffle_7_an_object_that_is_damaged_again_and_again_ends_the_job() {
    let fixture = fixture(&[]).await;
    fixture.recorder.meddle(|call| {
        if call.envelope().task.stage.0 == 0 {
            let path = path(&call.output().url.expect("it wrote"));
            let mut bytes = std::fs::read(&path).expect("the object");
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
            std::fs::write(path, bytes).expect("it is written");
        }
        Ok(())
    });
    let error = fixture.error(GROUPED).await;
    assert!(error.contains("not what its producer wrote"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_5_a_cancelled_job_makes_no_more_calls() {
    let fixture = fixture(&["firesteel.task.target_bytes=1KiB"]).await;
    let query = fixture.plan(GROUPED).await;
    let begun = Arc::new(tokio::sync::Notify::new());
    let calls = Arc::new(AtomicU64::new(0));
    let (notify, count) = (Arc::clone(&begun), Arc::clone(&calls));
    fixture.recorder.meddle(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        notify.notify_one();
        Ok(())
    });
    let job_url = format!("{}/cancelled", fixture.runtime.work_url);
    let run = run_job(
        Arc::new(query.graph),
        query.schema,
        Arc::clone(&fixture.runtime.invoker),
        &fixture.runtime.storage,
        JobOptions::new(JobId("cancelled".to_owned()), job_url.clone(), 3538),
        |_| (),
    );
    tokio::select! {
        _ = run => panic!("the job ended before it was cancelled"),
        () = begun.notified() => (),
    }
    let made = calls.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(calls.load(Ordering::Relaxed), made, "calls after the job was dropped");
    fixture.runtime.storage.delete_prefix(&job_url).await.expect("its garbage can be collected");
    assert!(fixture.runtime.storage.list(&job_url).await.expect("a listing").is_empty());
}
