//! Plans out of requests: taken out of their compression, decoded and converted, on a thread that may block.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use firesteel_spec::{Plan, Relation, SparkError, SparkResult};

use crate::convert::{Converter, Request, UploadedRelations};
use crate::deep::{self, Deep, Stack};
use crate::proto;
use crate::proto::plan::OpType;
use crate::proto::plan::compressed_operation::OpType as CompressedType;
use crate::uploads::Uploads;

/// Of a plan out of its compression, so that a few bytes can't fill the memory.
const PLAN_BYTES_MAX: u64 = 256 << 20;

/// What an `ExecutePlan` asks for.
pub(crate) async fn request(plan: Option<proto::Plan>, uploads: Arc<Uploads>) -> SparkResult<Deep<Request>> {
    blocking(move || match uncompressed(plan)? {
        OpType::Root(bytes) => deep::decode(bytes, |root: proto::Relation| {
            Converter::new(&*uploads).relation(root).map(Plan::Query).map(Request::Run)
        }),
        OpType::Command(bytes) => {
            deep::decode(bytes, |command: proto::Command| Converter::new(&*uploads).command(command))
        }
        OpType::CompressedOperation(_) => Err(deep::cannot_parse("a plan is compressed twice")),
    })
    .await
}

/// The relation that an `AnalyzePlan` is about.
pub(crate) async fn relation_of(plan: Option<proto::Plan>, uploads: Arc<Uploads>) -> SparkResult<Deep<Relation>> {
    blocking(move || match uncompressed(plan)? {
        OpType::Root(bytes) => decoded(bytes, &*uploads),
        _ => Err(SparkError::invalid_plan("a relation is analysed, and not a command")),
    })
    .await
}

/// The relation in these bytes.
pub(crate) async fn relation(bytes: Bytes, uploads: Arc<Uploads>) -> SparkResult<Deep<Relation>> {
    blocking(move || decoded(bytes, &*uploads)).await
}

fn decoded(bytes: Bytes, uploads: &dyn UploadedRelations) -> SparkResult<Deep<Relation>> {
    deep::decode(bytes, |root: proto::Relation| Converter::new(uploads).relation(root))
}

fn uncompressed(plan: Option<proto::Plan>) -> SparkResult<OpType> {
    let operation = plan.and_then(|plan| plan.op_type).ok_or_else(|| {
        SparkError::new(
            "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET",
            "The Spark Connect plan is invalid. This oneOf field in spark.connect.Plan is not set: op_type",
        )
        .with("fullName", "spark.connect.Plan")
        .with("name", "op_type")
    })?;
    let OpType::CompressedOperation(compressed) = operation else { return Ok(operation) };
    if compressed.compression_codec() != proto::CompressionCodec::Zstd {
        return Err(deep::cannot_parse("the codec of its compression is unknown"));
    }
    let mut data = Vec::new();
    let reader = zstd::stream::read::Decoder::new(compressed.data.as_ref()).map_err(deep::cannot_parse)?;
    reader.take(PLAN_BYTES_MAX + 1).read_to_end(&mut data).map_err(deep::cannot_parse)?;
    if data.len() as u64 > PLAN_BYTES_MAX {
        return Err(SparkError::new(
            "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX",
            format!("The Spark Connect plan is invalid. It is larger than {PLAN_BYTES_MAX} bytes; upload rows apart"),
        )
        .with("planSize", data.len().to_string())
        .with("maxPlanSize", PLAN_BYTES_MAX.to_string()));
    }
    match compressed.op_type() {
        CompressedType::Relation => Ok(OpType::Root(data.into())),
        CompressedType::Command => Ok(OpType::Command(data.into())),
        CompressedType::Unspecified => Err(deep::cannot_parse("it is neither a relation nor a command")),
    }
}

/// Runs what takes long on a thread for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> SparkResult<T> + Send + 'static,
) -> SparkResult<T> {
    let joined = tokio::task::spawn_blocking(move || Stack::for_depth(0).run(work)).await;
    joined.unwrap_or_else(|error| Err(SparkError::internal(format!("a conversion ended early: {error}"))))
}
