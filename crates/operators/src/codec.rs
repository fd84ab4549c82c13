//! Plans to bytes and back. Our own operators are small protobuf messages inside DataFusion's; one codec with all of
//! its methods, since DataFusion's composed codec forwards only half of them.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DataFusionError, Result, internal_datafusion_err, internal_err, not_impl_err};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{LexOrdering, Partitioning, PhysicalExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::work_table::WorkTableExec;
use datafusion_proto::bytes::{
    physical_plan_from_bytes_with_proto_converter, physical_plan_to_bytes_with_proto_converter,
};
use datafusion_proto::physical_plan::from_proto::{parse_protobuf_file_scan_config, parse_table_schema_from_proto};
use datafusion_proto::physical_plan::to_proto::serialize_file_scan_config;
use datafusion_proto::physical_plan::{
    DeduplicatingProtoConverter, PhysicalExtensionCodec, PhysicalPlanDecodeContext, PhysicalProtoConverterExtension,
};
use datafusion_proto::protobuf;
use firesteel_formats::TextSource;
use firesteel_protocol::StageId;
use firesteel_python_udf::{PythonCall, PythonMapExec};
use prost::Message;

use crate::{ConcatExec, FileWriteExec, ShuffleReadExec, ShuffleWriteExec, WriteRouting};

/// Encoding and decoding go down into an expression by recursion, without DataFusion's protection: this is enough for
/// some thousand levels, where a thread's own stack overflows at some hundred. It is address space until it is used.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 384 << 20 } else { 64 << 20 };

/// Encodes a stage's plan. Expressions that are shared stay shared after decoding.
pub fn encode_plan(plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<u8>> {
    let plan = Arc::clone(plan);
    stacker::maybe_grow(STACK_BYTES, STACK_BYTES, || {
        physical_plan_to_bytes_with_proto_converter(plan, &FiresteelCodec, &DeduplicatingProtoConverter {})
            .map(|bytes| bytes.to_vec())
    })
}

/// Decodes a stage's plan; functions are found by name in `context`.
pub fn decode_plan(bytes: &[u8], context: &TaskContext) -> Result<Arc<dyn ExecutionPlan>> {
    stacker::maybe_grow(STACK_BYTES, STACK_BYTES, || {
        physical_plan_from_bytes_with_proto_converter(bytes, context, &FiresteelCodec, &DeduplicatingProtoConverter {})
    })
}

/// The files of one scan partition, as they stand in an envelope.
pub fn encode_file_partition(group: &FileGroup) -> Result<Vec<u8>> {
    Ok(protobuf::FileGroup::try_from(group)?.encode_to_vec())
}

/// See [`encode_file_partition`].
pub fn decode_file_partition(bytes: &[u8]) -> Result<FileGroup> {
    let group = protobuf::FileGroup::decode(bytes)
        .map_err(|error| internal_datafusion_err!("decode the files of a scan partition: {error}"))?;
    FileGroup::try_from(&group)
}

#[derive(Debug)]
pub struct FiresteelCodec;

#[derive(Clone, PartialEq, Message)]
struct OperatorNode {
    #[prost(oneof = "Operator", tags = "1, 2, 3, 4, 9, 10, 11, 12")]
    operator: Option<Operator>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
#[expect(clippy::large_enum_variant, reason = "one is made for an operator, and encoded or decoded at once")]
enum Operator {
    #[prost(message, tag = "1")]
    ShuffleRead(ShuffleReadNode),
    #[prost(message, tag = "2")]
    ShuffleWrite(ShuffleWriteNode),
    #[prost(message, tag = "3")]
    FileWrite(FileWriteNode),
    #[prost(message, tag = "4")]
    TextScan(TextScanNode),
    #[prost(message, tag = "9")]
    Concat(ConcatNode),
    #[prost(message, tag = "11")]
    RecursiveQuery(RecursiveQueryNode),
    #[prost(message, tag = "12")]
    WorkTable(WorkTableNode),
    #[prost(message, tag = "10")]
    PythonMap(PythonMapNode),
}

#[derive(Clone, PartialEq, Message)]
struct ConcatNode {}

/// DataFusion's own, for which it has no message: the static and the recursive term are the inputs.
#[derive(Clone, PartialEq, Message)]
struct RecursiveQueryNode {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    schema: Option<protobuf::Schema>,
    #[prost(bool, tag = "3")]
    is_distinct: bool,
}

/// The rows of the step before, with the columns that the step reads of them.
#[derive(Clone, PartialEq, Message)]
struct WorkTableNode {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    schema: Option<protobuf::Schema>,
}

#[derive(Clone, PartialEq, Message)]
struct PythonMapNode {
    /// `PythonCall` as text.
    #[prost(string, tag = "1")]
    call: String,
    #[prost(message, optional, tag = "2")]
    schema: Option<protobuf::Schema>,
}

#[derive(Clone, PartialEq, Message)]
struct FileWriteNode {
    /// `SinkSpec` as JSON.
    #[prost(string, tag = "1")]
    spec: String,
}

#[derive(Clone, PartialEq, Message)]
struct TextScanNode {
    #[prost(message, optional, tag = "1")]
    config: Option<protobuf::FileScanExecConf>,
    /// `TextOptions` as JSON.
    #[prost(string, tag = "2")]
    options: String,
}

#[derive(Clone, PartialEq, Message)]
struct ShuffleReadNode {
    #[prost(uint32, tag = "1")]
    stage: u32,
    #[prost(message, optional, tag = "2")]
    schema: Option<protobuf::Schema>,
    #[prost(uint64, tag = "3")]
    partitions: u64,
    /// Empty where the exchange is not by hash.
    #[prost(message, repeated, tag = "4")]
    hash: Vec<protobuf::PhysicalExprNode>,
    #[prost(message, repeated, tag = "5")]
    ordering: Vec<protobuf::PhysicalSortExprNode>,
}

#[derive(Clone, PartialEq, Message)]
struct ShuffleWriteNode {
    #[prost(enumeration = "Routing", tag = "1")]
    routing: i32,
    #[prost(message, repeated, tag = "2")]
    hash: Vec<protobuf::PhysicalExprNode>,
    #[prost(uint64, tag = "3")]
    partitions: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum Routing {
    Hash = 0,
    Gather = 1,
    Runs = 2,
}

type Converter<'a> = &'a dyn PhysicalProtoConverterExtension;

impl PhysicalExtensionCodec for FiresteelCodec {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: Converter<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let node = OperatorNode::decode(buf).map_err(|error| internal_datafusion_err!("decode operator: {error}"))?;
        let context = PhysicalPlanDecodeContext::new(context, self);
        match (node.operator, inputs) {
            (Some(Operator::ShuffleRead(node)), []) => Ok(Arc::new(decode_read(node, &context, converter)?)),
            (Some(Operator::ShuffleWrite(node)), [input]) => {
                Ok(Arc::new(decode_write(node, Arc::clone(input), &context, converter)?))
            }
            (Some(Operator::FileWrite(node)), [input]) => {
                Ok(Arc::new(FileWriteExec::new(Arc::clone(input), from_json(&node.spec)?)))
            }
            (Some(Operator::RecursiveQuery(node)), [first, step]) => decode_recursion(node, first, step),
            (Some(Operator::WorkTable(node)), []) => {
                Ok(Arc::new(WorkTableExec::new(node.name, decode_schema(node.schema.as_ref())?, None)?))
            }
            (Some(Operator::Concat(_)), [input]) => Ok(Arc::new(ConcatExec::new(Arc::clone(input)))),
            (Some(Operator::PythonMap(node)), [input]) => {
                let Some(schema) = &node.schema else { return internal_err!("PythonMapExec without a schema") };
                let schema = Arc::new(arrow::datatypes::Schema::try_from(schema).map_err(DataFusionError::from)?);
                Ok(Arc::new(PythonMapExec::new(Arc::clone(input), PythonCall::from_text(&node.call)?, schema)))
            }
            (Some(Operator::TextScan(node)), []) => decode_text_scan(node, &context, converter),
            (operator, inputs) => internal_err!("operator {operator:?} with {} inputs", inputs.len()),
        }
    }

    fn try_encode(&self, node: Arc<dyn ExecutionPlan>, buf: &mut Vec<u8>, converter: Converter<'_>) -> Result<()> {
        let operator = if let Some(read) = node.downcast_ref::<ShuffleReadExec>() {
            Operator::ShuffleRead(encode_read(read, self, converter)?)
        } else if let Some(write) = node.downcast_ref::<ShuffleWriteExec>() {
            Operator::ShuffleWrite(encode_write(write, self, converter)?)
        } else if let Some(write) = node.downcast_ref::<FileWriteExec>() {
            Operator::FileWrite(FileWriteNode { spec: to_json(write.spec())? })
        } else if let Some(query) = node.downcast_ref::<RecursiveQueryExec>() {
            Operator::RecursiveQuery(RecursiveQueryNode {
                name: query.name().to_owned(),
                schema: Some(ExecutionPlan::schema(query).as_ref().try_into().map_err(DataFusionError::from)?),
                is_distinct: query.is_distinct(),
            })
        } else if let Some(table) = node.downcast_ref::<WorkTableExec>() {
            // The schema is that of the projected columns.
            Operator::WorkTable(WorkTableNode {
                name: table.name().to_owned(),
                schema: Some(WorkTableExec::schema(table).as_ref().try_into().map_err(DataFusionError::from)?),
            })
        } else if node.downcast_ref::<ConcatExec>().is_some() {
            Operator::Concat(ConcatNode {})
        } else if let Some(map) = node.downcast_ref::<PythonMapExec>() {
            let call = map.call().to_text().map_err(|error| DataFusionError::External(Box::new(error)))?;
            let schema = map.schema().as_ref().try_into().map_err(DataFusionError::from)?;
            Operator::PythonMap(PythonMapNode { call, schema: Some(schema) })
        } else if let Some((config, source)) = text_scan(node.as_ref()) {
            let options = to_json(source.options())?;
            let config = serialize_file_scan_config(config, self, converter)?;
            Operator::TextScan(TextScanNode { config: Some(config), options })
        } else {
            return not_impl_err!("{} can't run in a function yet: it has no wire format", node.name());
        };
        OperatorNode { operator: Some(operator) }
            .encode(buf)
            .map_err(|error| internal_datafusion_err!("encode {}: {error}", node.name()))
    }
}

/// A scan of lines.
fn text_scan(node: &dyn ExecutionPlan) -> Option<(&FileScanConfig, &TextSource)> {
    let config = node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()?;
    Some((config, config.file_source().downcast_ref::<TextSource>()?))
}

fn decode_text_scan(
    node: TextScanNode,
    context: &PhysicalPlanDecodeContext<'_>,
    converter: Converter<'_>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(config) = &node.config else {
        return internal_err!("a scan of lines without files");
    };
    let source = TextSource::new(from_json(&node.options)?, parse_table_schema_from_proto(config)?);
    let config = parse_protobuf_file_scan_config(config, context, converter, Arc::new(source))?;
    Ok(DataSourceExec::from_data_source(config))
}

/// The recursive query connects itself with the rows of its step, all of whose columns are known only here.
fn decode_recursion(
    node: RecursiveQueryNode,
    first: &Arc<dyn ExecutionPlan>,
    step: &Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = decode_schema(node.schema.as_ref())?;
    let step = Arc::clone(step).transform_down(|plan| {
        let Some(table) = plan.downcast_ref::<WorkTableExec>().filter(|table| table.name() == node.name) else {
            return Ok(Transformed::no(plan));
        };
        let read = WorkTableExec::schema(table);
        let columns = read.fields().iter().map(|field| schema.index_of(field.name()));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let table = WorkTableExec::new(node.name.clone(), Arc::clone(&schema), Some(columns))?;
        Ok(Transformed::yes(Arc::new(table) as Arc<dyn ExecutionPlan>))
    })?;
    let query = RecursiveQueryExec::try_new(node.name.clone(), schema, Arc::clone(first), step.data, node.is_distinct)?;
    Ok(Arc::new(query))
}

fn decode_schema(schema: Option<&protobuf::Schema>) -> Result<Arc<arrow::datatypes::Schema>> {
    let Some(schema) = schema else {
        return internal_err!("an operator without a schema");
    };
    Ok(Arc::new(arrow::datatypes::Schema::try_from(schema).map_err(DataFusionError::from)?))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| internal_datafusion_err!("encode operator: {error}"))
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| internal_datafusion_err!("decode operator: {error}"))
}

fn encode_read(
    read: &ShuffleReadExec,
    codec: &dyn PhysicalExtensionCodec,
    converter: Converter<'_>,
) -> Result<ShuffleReadNode> {
    let hash = match read.exchange() {
        Partitioning::Hash(exprs, _) => exprs.as_slice(),
        _ => &[],
    };
    let ordering = read.ordering().map(|ordering| ordering.iter().as_slice()).unwrap_or_default();
    Ok(ShuffleReadNode {
        stage: read.stage().0,
        schema: Some(read.schema().as_ref().try_into().map_err(DataFusionError::from)?),
        partitions: read.exchange().partition_count() as u64,
        hash: encode_exprs(hash, codec, converter)?,
        ordering: ordering
            .iter()
            .map(|sort| {
                Ok(protobuf::PhysicalSortExprNode {
                    expr: Some(Box::new(converter.physical_expr_to_proto(&sort.expr, codec)?)),
                    asc: !sort.options.descending,
                    nulls_first: sort.options.nulls_first,
                })
            })
            .collect::<Result<_>>()?,
    })
}

fn decode_read(
    node: ShuffleReadNode,
    context: &PhysicalPlanDecodeContext<'_>,
    converter: Converter<'_>,
) -> Result<ShuffleReadExec> {
    let Some(schema) = &node.schema else {
        return internal_err!("ShuffleReadExec without a schema");
    };
    let schema = Arc::new(arrow::datatypes::Schema::try_from(schema).map_err(DataFusionError::from)?);
    let partitions = node.partitions as usize;
    let exchange = if node.hash.is_empty() {
        Partitioning::UnknownPartitioning(partitions)
    } else {
        Partitioning::Hash(decode_exprs(&node.hash, &schema, context, converter)?, partitions)
    };
    let sorts = datafusion_proto::physical_plan::from_proto::parse_physical_sort_exprs(
        &node.ordering,
        context,
        &schema,
        converter,
    )?;
    Ok(ShuffleReadExec::new(StageId(node.stage), schema, exchange, LexOrdering::new(sorts)))
}

fn encode_write(
    write: &ShuffleWriteExec,
    codec: &dyn PhysicalExtensionCodec,
    converter: Converter<'_>,
) -> Result<ShuffleWriteNode> {
    let (routing, hash, partitions) = match write.routing() {
        WriteRouting::Hash { exprs, partitions } => (Routing::Hash, exprs.as_slice(), *partitions),
        WriteRouting::Gather => (Routing::Gather, [].as_slice(), 0),
        WriteRouting::Runs => (Routing::Runs, [].as_slice(), 0),
    };
    Ok(ShuffleWriteNode {
        routing: routing.into(),
        hash: encode_exprs(hash, codec, converter)?,
        partitions: partitions as u64,
    })
}

fn decode_write(
    node: ShuffleWriteNode,
    input: Arc<dyn ExecutionPlan>,
    context: &PhysicalPlanDecodeContext<'_>,
    converter: Converter<'_>,
) -> Result<ShuffleWriteExec> {
    let routing = match Routing::try_from(node.routing) {
        Ok(Routing::Hash) => WriteRouting::Hash {
            exprs: decode_exprs(&node.hash, &input.schema(), context, converter)?,
            partitions: node.partitions as usize,
        },
        Ok(Routing::Gather) => WriteRouting::Gather,
        Ok(Routing::Runs) => WriteRouting::Runs,
        Err(error) => return internal_err!("ShuffleWriteExec: {error}"),
    };
    Ok(ShuffleWriteExec::new(input, routing))
}

fn encode_exprs(
    exprs: &[Arc<dyn PhysicalExpr>],
    codec: &dyn PhysicalExtensionCodec,
    converter: Converter<'_>,
) -> Result<Vec<protobuf::PhysicalExprNode>> {
    exprs.iter().map(|expr| converter.physical_expr_to_proto(expr, codec)).collect()
}

fn decode_exprs(
    exprs: &[protobuf::PhysicalExprNode],
    schema: &arrow::datatypes::Schema,
    context: &PhysicalPlanDecodeContext<'_>,
    converter: Converter<'_>,
) -> Result<Vec<Arc<dyn PhysicalExpr>>> {
    exprs.iter().map(|expr| converter.proto_to_physical_expr(expr, schema, context)).collect()
}
