//! Rows in, segments, rows out: whatever the types, the encoding, the sizes and the spilling, each partition has its
//! rows again, in order; and what is not what was written is an error.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, IntervalMonthDayNanoArray, ListArray,
    RecordBatch, RecordBatchOptions, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Int64Type, IntervalMonthDayNano, Schema};
use firesteel_protocol::{ErrorKind, Segment, SegmentEncoding, SegmentRun};
use firesteel_shuffle::{PartitionedWriter, SegmentReader, ShuffleError, ShuffleObject, WriterOptions, encoding_for};
use firesteel_storage::{Storage, StorageOptions};
use futures::TryStreamExt;
use proptest::prelude::*;

const ENCODINGS: [SegmentEncoding; 3] = [SegmentEncoding::Parquet, SegmentEncoding::IpcLz4, SegmentEncoding::IpcZstd];
const URL: &str = "memory://shuffle/object";

/// Rows from a number each, of every kind of type: flat, nested, with nulls, and one that Parquet doesn't hold.
fn batch(ids: &[i64], with_interval: bool) -> RecordBatch {
    let null_at = |id: &i64| id % 5 == 0;
    let some = |id: &i64| (!null_at(id)).then_some(*id);
    let text = |id: &i64| some(id).map(|id| "text ".repeat((id.unsigned_abs() % 7) as usize) + &id.to_string());
    let inner: ArrayRef = Arc::new(StringArray::from_iter(ids.iter().map(text)));
    let pair = Fields::from(vec![Field::new("text", DataType::Utf8, true)]);
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
        ids.iter().map(|id| some(id).map(|id| (0..id.rem_euclid(4)).map(Some).collect::<Vec<_>>())),
    );
    let decimals = Decimal128Array::from_iter(ids.iter().map(|id| some(id).map(i128::from)));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(ids.to_vec()))),
        ("flag", Arc::new(BooleanArray::from_iter(ids.iter().map(|id| some(id).map(|id| id % 2 == 0))))),
        ("x", Arc::new(Float64Array::from_iter(ids.iter().map(|id| some(id).map(|id| id as f64 / 3.0))))),
        ("price", Arc::new(decimals.with_precision_and_scale(38, 4).expect("it fits"))),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter(ids.iter().map(some)).with_timezone("+00:00"))),
        ("list", Arc::new(lists)),
        ("pair", Arc::new(StructArray::new(pair, vec![Arc::clone(&inner)], None))),
        ("text", inner),
    ];
    if with_interval {
        let spans = ids.iter().map(|id| some(id).map(|id| IntervalMonthDayNano::new(id as i32, 3, id)));
        columns.push(("span", Arc::new(IntervalMonthDayNanoArray::from_iter(spans))));
    }
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .expect("columns of one length")
}

/// What goes to each partition, one list per push.
type Pushes = Vec<(usize, Vec<i64>)>;

fn pushes(partitions: usize) -> impl Strategy<Value = Pushes> {
    let push = (0..partitions, prop::collection::vec(-1_000_000i64..1_000_000, 0..120));
    prop::collection::vec(push, 0..12)
}

fn writer(
    pushes: &Pushes,
    encoding: SegmentEncoding,
    segment_bytes: usize,
    spill_at: Option<usize>,
) -> PartitionedWriter {
    let schema = batch(&[], false).schema();
    let options = WriterOptions { encoding, segment_bytes, spill_dir: std::env::temp_dir() };
    let mut writer = PartitionedWriter::new(schema, 4, options);
    for (index, (partition, ids)) in pushes.iter().enumerate() {
        writer.push(*partition, batch(ids, false)).expect("a push");
        if spill_at == Some(index) {
            writer.spill().expect("a spill");
            assert_eq!(writer.memory_bytes(), 0, "what was spilled is still in memory");
        }
    }
    writer
}

/// The rows of the partitions `range`, as one reader has them.
async fn read(
    storage: &Storage,
    schema: &Arc<Schema>,
    encoding: SegmentEncoding,
    segments: &[Segment],
    range: Range<u32>,
) -> Result<Vec<RecordBatch>, ShuffleError> {
    let own = segments.iter().filter(|segment| range.contains(&segment.partition));
    let own = own.map(|segment| Segment { partition: segment.partition - range.start, ..*segment }).collect();
    let runs = [SegmentRun { url: URL.to_owned(), segments: own }];
    let reader = SegmentReader::new(storage.clone(), Arc::clone(schema), encoding, 64, range.len(), &runs);
    let mut partitions = Vec::new();
    for partition in 0..range.len() {
        let batches: Vec<RecordBatch> = reader.read(partition)?.try_collect().await?;
        partitions.push(concat_batches(schema, &batches).expect("one batch"));
    }
    Ok(partitions)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_partition_has_its_rows_in_order(
        first in pushes(4),
        second in pushes(4),
        encoding in prop::sample::select(&ENCODINGS[..]),
        segment_bytes in prop::sample::select(&[1usize, 500, 1 << 20][..]),
        spill_at in prop::option::of(0usize..12),
        cut in 0u32..=4,
    ) {
        block_on(async {
            let storage = Storage::new(StorageOptions::default());
            let writers =
                vec![writer(&first, encoding, segment_bytes, spill_at), writer(&second, encoding, segment_bytes, None)];
            let object = ShuffleObject::merge(writers).expect("an object");
            let segments = object.segments().to_vec();
            object.put(&storage, URL).await.expect("a write");
            let schema = batch(&[], false).schema();
            for range in [0..cut, cut..4] {
                let found = read(&storage, &schema, encoding, &segments, range.clone()).await.expect("rows");
                for (partition, found) in range.zip(found) {
                    let of = |pushes: &Pushes| -> Vec<i64> {
                        pushes.iter().filter(|(to, _)| *to == partition as usize).flat_map(|(_, ids)| ids.clone()).collect()
                    };
                    let expected = [of(&first), of(&second)].concat();
                    assert_eq!(found, batch(&expected, false), "partition {partition}");
                }
            }
        });
    }

    #[test]
    fn a_changed_byte_is_never_a_row(
        ids in prop::collection::vec(-1000i64..1000, 1..200),
        encoding in prop::sample::select(&ENCODINGS[..]),
        place in any::<prop::sample::Index>(),
        bit in 0u32..8,
        keep in any::<prop::sample::Index>(),
    ) {
        block_on(async {
            let storage = Storage::new(StorageOptions::default());
            let object = ShuffleObject::merge(vec![writer(&vec![(2, ids)], encoding, 1 << 20, None)]).expect("an object");
            let segments = object.segments().to_vec();
            let bytes = object.into_bytes().expect("bytes");
            let schema = batch(&[], false).schema();
            let mut changed = bytes.clone();
            changed[place.index(bytes.len())] ^= 1 << bit;
            let cut = bytes[..keep.index(bytes.len())].to_vec();
            for damaged in [changed, cut, bytes.iter().rev().copied().collect()] {
                storage.put(URL, damaged.into()).await.expect("a write");
                let error = read(&storage, &schema, encoding, &segments, 2..3).await.expect_err("not what was written");
                assert_eq!(error.kind(), ErrorKind::Retry, "{error}");
                assert_eq!(error.lost_object(), Some(URL), "{error}");
            }
            storage.put(URL, bytes.into()).await.expect("a write");
            read(&storage, &schema, encoding, &segments, 2..3).await.expect("the rows as they were");
        });
    }
}

#[test]
fn what_parquet_does_not_hold_goes_as_ipc() {
    let with_interval = batch(&(0..100).collect::<Vec<_>>(), true);
    for (schema, encoding) in [
        (batch(&[], false).schema(), SegmentEncoding::Parquet),
        (with_interval.schema(), SegmentEncoding::IpcLz4),
        (Arc::new(Schema::empty()), SegmentEncoding::IpcLz4),
    ] {
        assert_eq!(encoding_for(&schema, SegmentEncoding::Parquet), encoding, "{schema}");
        assert_eq!(encoding_for(&schema, SegmentEncoding::IpcZstd), SegmentEncoding::IpcZstd);
    }
    let rows_alone = RecordBatch::try_new_with_options(
        Arc::new(Schema::empty()),
        Vec::new(),
        &RecordBatchOptions::new().with_row_count(Some(77)),
    )
    .expect("rows without columns");
    block_on(async {
        let storage = Storage::new(StorageOptions::default());
        for batch in [with_interval, rows_alone] {
            let schema = batch.schema();
            let encoding = encoding_for(&schema, SegmentEncoding::Parquet);
            let options = WriterOptions { encoding, segment_bytes: 1 << 20, spill_dir: std::env::temp_dir() };
            let mut writer = PartitionedWriter::new(Arc::clone(&schema), 1, options);
            writer.push(0, batch.clone()).expect("a push");
            let object = ShuffleObject::merge(vec![writer]).expect("an object");
            let segments = object.segments().to_vec();
            assert_eq!(segments.iter().map(|segment| segment.rows).sum::<u64>(), batch.num_rows() as u64);
            object.put(&storage, URL).await.expect("a write");
            let runs = [SegmentRun { url: URL.to_owned(), segments }];
            let reader = SegmentReader::new(storage.clone(), Arc::clone(&schema), encoding, 1000, 1, &runs);
            let found: Vec<RecordBatch> = reader.read(0).expect("a stream").try_collect().await.expect("rows");
            assert_eq!(found, [batch]);
            assert!(matches!(reader.read(0), Err(ShuffleError::ReadTwice { partition: 0 })));
        }
    });
}
