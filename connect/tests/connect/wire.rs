//! Bytes that no client of Spark's sends, and plans that nest deeply.

use firesteel_connect::proto::relation::RelType;
use firesteel_connect::proto::{self, plan};
use prost::Message;
use tonic::Code;

use crate::harness::*;

/// `field` of a message with these bytes in it.
fn field(number: u32, inner: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(inner.len() + 8);
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut bytes);
    prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
    bytes.extend_from_slice(inner);
    bytes
}

/// `range(3).select(negative(negative(… id …)))`, built without recursion.
fn nested(levels: usize) -> Vec<u8> {
    let name = field(1, b"negative");
    let mut expression = column("id").encode_to_vec();
    for _ in 0..levels {
        let mut function = name.clone();
        function.extend(field(2, &expression));
        expression = field(3, &function);
    }
    let mut project = field(1, &range(3).encode_to_vec());
    project.extend(field(3, &expression));
    field(3, &project)
}

/// Filters of filters.
fn stacked(levels: usize) -> Vec<u8> {
    let condition = field(2, &column("id").encode_to_vec());
    let mut relation = range(3).encode_to_vec();
    for _ in 0..levels {
        let mut filter = field(1, &relation);
        filter.extend_from_slice(&condition);
        relation = field(4, &filter);
    }
    relation
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_nest_thousands_of_levels() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    for bytes in [nested(2_000), nested(4_900), stacked(4_900)] {
        let (responses, error) = client.run(root_bytes(bytes.clone())).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(rows(&responses), 3);
        client.schema(root_bytes(bytes)).await.unwrap();
        // Kept by the fake engine, which does not care for the stack.
        std::mem::forget(std::mem::take(&mut *server.engine.seen.lock()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_nest_too_deeply_are_an_error() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    for bytes in [nested(6_000), stacked(6_000), nested(20_000)] {
        let error = client.run(root_bytes(bytes)).await.1.unwrap();
        assert_class(&error, "CONNECT_INVALID_PLAN.CANNOT_PARSE");
    }
    assert_eq!(rows(&client.run(root(&range(3))).await.0), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_plans_are_an_error() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let cut = &nested(3)[..20];
    // A group within groups, as deep as the message is long.
    let groups = vec![0x0b; 1 << 20];
    for bytes in [cut.to_vec(), groups.clone(), vec![0xff; 100], field(3, &[0xff; 3])] {
        let error = client.run(root_bytes(bytes)).await.1.unwrap();
        assert_class(&error, "CONNECT_INVALID_PLAN.CANNOT_PARSE");
    }
    for relation in [proto::Relation::default(), relation(RelType::Filter(Box::default()))] {
        let error = client.run(root(&relation)).await.1.unwrap();
        assert_class(&error, "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET");
    }
    let error = client.run(proto::Plan { op_type: None }).await.1.unwrap();
    assert_class(&error, "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET");
    let command = proto::Plan { op_type: Some(plan::OpType::Command(groups.into())) };
    assert_class(&client.run(command).await.1.unwrap(), "CONNECT_INVALID_PLAN.CANNOT_PARSE");
}

/// A request that is no `ExecutePlanRequest`, by a codec that sends bytes.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_an_error() {
    let server = TestServer::start().await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let mut grpc = tonic::client::Grpc::new(channel.connect().await.unwrap());
    for bytes in [vec![0x0b; 1 << 20], vec![0xff; 50], field(2, &[0x08])] {
        grpc.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static("/spark.connect.SparkConnectService/ExecutePlan");
        let answer = grpc.unary(tonic::Request::new(bytes), path, Raw).await;
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
    }
    let mut client = server.client().await;
    assert_eq!(rows(&client.run(root(&range(3))).await.0), 3);
}

/// References that refer to references, each twice: small on the wire, endless when written out.
#[tokio::test(flavor = "multi_thread")]
async fn plans_that_write_themselves_out_are_bounded() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let mut inner = range(1);
    for level in 0..60 {
        inner.common = Some(proto::RelationCommon { plan_id: Some(level), ..Default::default() });
        let subquery = expression(proto::expression::ExprType::SubqueryExpression(proto::SubqueryExpression {
            plan_id: level,
            subquery_type: proto::subquery_expression::SubqueryType::Scalar as i32,
            ..Default::default()
        }));
        let expressions = vec![subquery.clone(), subquery];
        let project = proto::Project { input: Some(Box::new(range(1))), expressions };
        let root = Some(Box::new(relation(RelType::Project(Box::new(project)))));
        inner = relation(RelType::WithRelations(Box::new(proto::WithRelations { root, references: vec![inner] })));
    }
    let error = client.run(root(&inner)).await.1.unwrap();
    assert_class(&error, "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX");
}

/// Sends bytes as they are.
#[derive(Clone, Copy)]
struct Raw;

impl tonic::codec::Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl tonic::codec::Encoder for Raw {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut tonic::codec::EncodeBuf<'_>) -> Result<(), tonic::Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl tonic::codec::Decoder for Raw {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn decode(&mut self, buffer: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<Vec<u8>>, tonic::Status> {
        let length = bytes::Buf::remaining(buffer);
        Ok(Some(bytes::Buf::copy_to_bytes(buffer, length).to_vec()))
    }
}
