//! `ExecutePlan` and `AnalyzePlan`: what comes back, and in which order.

use std::io::Cursor;
use std::sync::atomic::Ordering;

use arrow::ipc::reader::StreamReader;
use firesteel_connect::proto::analyze_plan_request::{self as requests, Analyze};
use firesteel_connect::proto::analyze_plan_response::Result as Answer;
use firesteel_connect::proto::command::CommandType;
use firesteel_connect::proto::execute_plan_request::{RequestOption, request_option};
use firesteel_connect::proto::execute_plan_response::ResponseType;
use firesteel_connect::proto::relation::RelType;
use firesteel_connect::proto::{self, ExecutePlanResponse};
use firesteel_spec::{Command, CreateView, Expr, Plan, RelationKind, SaveMode, ViewKind, WriteTarget};

use crate::harness::*;

fn arrow_data(response: &ExecutePlanResponse) -> Option<&proto::execute_plan_response::ArrowBatch> {
    match &response.response_type {
        Some(ResponseType::ArrowBatch(batch)) => Some(batch),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_after_their_schema_and_before_the_end() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let request = client.reattachable(root(&range(3)));
    let operation_id = request.operation_id.clone().unwrap();
    let (responses, error) = all(client.execute(request).await).await;
    assert!(error.is_none());
    assert_eq!(responses.len(), 3);
    assert!(responses[0].schema.is_some());
    let batch = arrow_data(&responses[1]).unwrap();
    assert_eq!((batch.row_count, batch.start_offset, batch.num_chunks_in_batch), (3, Some(0), None));
    let decoded: Vec<_> = StreamReader::try_new(Cursor::new(&batch.data), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(decoded.len(), 1);
    assert_eq!(decoded[0].num_rows(), 3);
    assert!(is_complete(&responses[2]));
    for response in &responses {
        assert_eq!(response.session_id, client.session);
        assert_eq!(response.operation_id, operation_id);
        assert!(!response.server_side_session_id.is_empty() && !response.response_id.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rows_are_one_empty_batch() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let (responses, error) = client.run(root(&range(0))).await;
    assert!(error.is_none());
    // Only reattachable operations tell of their end.
    assert_eq!(responses.len(), 2);
    let batch = arrow_data(&responses[1]).unwrap();
    let reader = StreamReader::try_new(Cursor::new(&batch.data), None).unwrap();
    assert_eq!((batch.row_count, reader.schema().field(0).name().as_str()), (0, "id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_count_the_rows_of_all_batches() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    for name in ["many", "large"] {
        let (responses, error) = client.run(root(&table(name))).await;
        assert!(error.is_none());
        let mut rows = 0;
        for batch in responses.iter().filter_map(arrow_data) {
            assert_eq!(batch.start_offset, Some(rows));
            assert!(batch.data.len() < 5 << 20, "{}", batch.data.len());
            rows += batch.row_count;
        }
        assert_eq!(rows, if name == "many" { 100 } else { 2_000_000 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_a_batch_are_a_whole_stream_together() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let option = request_option::RequestOption::ResultChunkingOptions(proto::ResultChunkingOptions {
        allow_arrow_batch_chunking: true,
        preferred_arrow_chunk_size: Some(1 << 20),
    });
    let mut request = client.request(root(&table("large")));
    request.request_options = vec![RequestOption { request_option: Some(option) }];
    let (responses, error) = all(client.execute(request).await).await;
    assert!(error.is_none());
    let mut data = Vec::new();
    let mut rows = 0;
    for batch in responses.iter().filter_map(arrow_data) {
        assert!(batch.data.len() <= 1 << 20);
        data.extend_from_slice(&batch.data);
        if batch.chunk_index.unwrap_or(0) + 1 == batch.num_chunks_in_batch.unwrap_or(1) {
            let reader = StreamReader::try_new(Cursor::new(std::mem::take(&mut data)), None).unwrap();
            let decoded: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
            assert_eq!(i64::try_from(decoded).unwrap(), batch.row_count);
            rows += decoded;
        }
    }
    assert_eq!(rows, 2_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn observed_metrics_come_after_the_rows() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let mut observed = relation(RelType::CollectMetrics(Box::new(proto::CollectMetrics {
        input: Some(Box::new(range(3))),
        name: "o".to_owned(),
        metrics: vec![call("count", vec![integer(1)])],
    })));
    observed.common = Some(proto::RelationCommon { plan_id: Some(5), ..Default::default() });
    let (responses, _) = client.run(root(&observed)).await;
    let metrics = &responses.last().unwrap().observed_metrics[0];
    assert_eq!((metrics.name.as_str(), metrics.plan_id, metrics.keys.as_slice()), ("o", 5, &["rows".to_owned()][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_of_slow_plans_only() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let request = client.request(root(&table("endless")));
    let mut stream = client.execute(request).await;
    loop {
        let response = stream.message().await.unwrap().unwrap();
        if let Some(ResponseType::ExecutionProgress(progress)) = response.response_type {
            assert_eq!((progress.stages[0].num_tasks, progress.num_inflight_tasks), (4, 2));
            break;
        }
    }
    let (responses, _) = client.run(root(&range(10))).await;
    assert_eq!(responses.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_ends_with_its_client_unless_it_can_be_reattached() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let running = server.engine.running.clone();
    let request = client.request(root(&table("endless")));
    let mut stream = client.execute(request).await;
    stream.message().await.unwrap();
    assert_eq!(running.load(Ordering::SeqCst), 1);
    drop(stream);
    eventually(|| running.load(Ordering::SeqCst) == 0).await;

    let request = client.reattachable(root(&table("endless")));
    let mut stream = client.execute(request).await;
    stream.message().await.unwrap();
    drop(stream);
    client.schema(root(&range(1))).await.unwrap();
    assert_eq!(running.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_reads_is_made_up_to_a_bound() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let request = client.request(root(&table("huge")));
    let (responses, error) = all(client.execute(request).await).await;
    assert!(error.is_none());
    assert_eq!(rows(&responses), 200_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_the_engine() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let view = proto::CreateDataFrameViewCommand {
        input: Some(range(3)),
        name: "v".to_owned(),
        is_global: false,
        replace: true,
    };
    let (responses, error) = client.run(command(CommandType::CreateDataframeView(view))).await;
    assert!(error.is_none() && responses.is_empty(), "{error:?}");
    let write = proto::WriteOperation {
        input: Some(range(3)),
        source: Some("parquet".to_owned()),
        mode: proto::write_operation::SaveMode::Overwrite as i32,
        save_type: Some(proto::write_operation::SaveType::Path("p".to_owned())),
        partitioning_columns: vec!["id".to_owned()],
        ..Default::default()
    };
    assert!(client.run(command(CommandType::WriteOperation(write))).await.1.is_none());
    let seen = server.engine.seen.lock().clone();
    let [Plan::Command(view), Plan::Command(write)] = seen.as_slice() else { panic!("{seen:?}") };
    assert!(matches!(&**view, Command::CreateView(CreateView { kind: ViewKind::Temporary, replace: true, .. })));
    let Command::Write(write) = &**write else { panic!("{write:?}") };
    assert_eq!((write.mode, &write.target), (SaveMode::Overwrite, &WriteTarget::Path("p".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_answers_what_was_kept() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let checkpoint = proto::CheckpointCommand { relation: Some(range(3)), eager: true, ..Default::default() };
    let (responses, _) = client.run(command(CommandType::CheckpointCommand(checkpoint))).await;
    let Some(ResponseType::CheckpointCommandResult(result)) = &responses[0].response_type else { panic!() };
    assert_eq!(result.relation.as_ref().unwrap().relation_id, "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn subqueries_stand_where_expressions_refer_to_them() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let subquery = expression(proto::expression::ExprType::SubqueryExpression(proto::SubqueryExpression {
        plan_id: 8,
        subquery_type: proto::subquery_expression::SubqueryType::Scalar as i32,
        ..Default::default()
    }));
    let project = proto::Project { input: Some(Box::new(range(3))), expressions: vec![subquery] };
    let mut reference = range(1);
    reference.common = Some(proto::RelationCommon { plan_id: Some(8), ..Default::default() });
    let with = |references| {
        let root = Some(Box::new(relation(RelType::Project(Box::new(project.clone())))));
        relation(RelType::WithRelations(Box::new(proto::WithRelations { root, references })))
    };
    assert!(client.run(root(&with(vec![reference]))).await.1.is_none());
    let seen = server.engine.seen.lock().clone();
    let Plan::Query(found) = &seen[0] else { panic!() };
    let RelationKind::Project { expressions, .. } = &found.kind else { panic!("{found:?}") };
    assert!(matches!(&expressions[0], Expr::ScalarSubquery(relation) if relation.plan_id == Some(8)));
    let error = client.run(root(&with(vec![]))).await.1.unwrap();
    assert_class(&error, "CONNECT_INVALID_PLAN.INVALID_WITH_RELATION_REFERENCE");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_may_be_compressed() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let compressed = |data: Vec<u8>| proto::Plan {
        op_type: Some(proto::plan::OpType::CompressedOperation(proto::plan::CompressedOperation {
            data: data.into(),
            op_type: proto::plan::compressed_operation::OpType::Relation as i32,
            compression_codec: proto::CompressionCodec::Zstd as i32,
        })),
    };
    let bytes = prost::Message::encode_to_vec(&range(3));
    let (responses, error) = client.run(compressed(zstd::encode_all(bytes.as_slice(), 3).unwrap())).await;
    assert!(error.is_none());
    assert_eq!(rows(&responses), 3);
    let error = client.run(compressed(bytes)).await.1.unwrap();
    assert_class(&error, "CONNECT_INVALID_PLAN.CANNOT_PARSE");
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(0), 300 << 20), 3).unwrap();
    let error = client.run(compressed(bomb)).await.1.unwrap();
    assert_class(&error, "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX");
}

#[tokio::test(flavor = "multi_thread")]
async fn analysis_answers_each_question() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let plan = Some(root(&range(3)));
    let tree = Analyze::TreeString(requests::TreeString { plan: plan.clone(), level: None });
    let Answer::TreeString(tree) = client.analyze(tree).await.unwrap() else { panic!() };
    assert_eq!(tree.tree_string, "root\n |-- id: long (nullable = false)\n");
    let version = client.analyze(Analyze::SparkVersion(requests::SparkVersion {})).await.unwrap();
    assert!(matches!(version, Answer::SparkVersion(version) if version.version == "4.2.0"));
    let local = Analyze::IsLocal(requests::IsLocal { plan: plan.clone() });
    assert!(matches!(client.analyze(local).await.unwrap(), Answer::IsLocal(is) if !is.is_local));
    let json = r#"{"type":"struct","fields":[{"name":"a b","type":"long","nullable":false,"metadata":{}}]}"#;
    let ddl = Analyze::JsonToDdl(requests::JsonToDdl { json_string: json.to_owned() });
    assert!(
        matches!(client.analyze(ddl).await.unwrap(), Answer::JsonToDdl(ddl) if ddl.ddl_string == "`a b` BIGINT NOT NULL")
    );
    let same = |other| Analyze::SameSemantics(requests::SameSemantics { target_plan: plan.clone(), other_plan: other });
    let answer = client.analyze(same(Some(root(&range(4))))).await.unwrap();
    assert!(matches!(answer, Answer::SameSemantics(same) if !same.result));
    let persist = requests::Persist { relation: prost::Message::encode_to_vec(&range(3)).into(), storage_level: None };
    client.analyze(Analyze::Persist(persist)).await.unwrap();
    let level = requests::GetStorageLevel { relation: prost::Message::encode_to_vec(&range(3)).into() };
    let Answer::GetStorageLevel(level) = client.analyze(Analyze::GetStorageLevel(level)).await.unwrap() else {
        panic!()
    };
    assert!(level.storage_level.unwrap().use_memory);
    let error = client.schema(root(&table("missing"))).await.unwrap_err();
    assert_class(&error, "TABLE_OR_VIEW_NOT_FOUND");
}

fn sql(query: &str) -> proto::Relation {
    relation(RelType::Sql(proto::Sql { query: query.to_owned(), ..Default::default() }))
}

fn sql_command(input: proto::Relation) -> proto::Plan {
    command(CommandType::SqlCommand(proto::SqlCommand { input: Some(input), ..Default::default() }))
}

fn sql_result(responses: &[ExecutePlanResponse]) -> proto::Relation {
    let Some(ResponseType::SqlCommandResult(result)) = &responses[0].response_type else { panic!("{responses:?}") };
    prost::Message::decode(result.relation.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_sql_comes_back_as_it_was_and_does_not_run() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let query = sql("SELECT id FROM t WHERE id > 1");
    let (responses, error) = client.run(sql_command(query.clone())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(sql_result(&responses), query);
    assert!(server.engine.seen.lock().is_empty());
    assert_eq!(rows(&client.run(root(&query)).await.0), 0);
    assert_eq!(server.engine.seen.lock().len(), 1);
    let error = client.run(sql_command(sql("SELECT FROM WHERE ("))).await.1.unwrap();
    assert_class(&error, "PARSE_SYNTAX_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_sql_is_done_and_its_rows_come_back() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let (responses, error) = client.run(sql_command(sql("DROP TABLE IF EXISTS t"))).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(server.engine.seen.lock().len(), 1);
    let Some(RelType::LocalRelation(local)) = sql_result(&responses).rel_type else { panic!() };
    let reader = StreamReader::try_new(Cursor::new(local.data.unwrap()), None).unwrap();
    assert_eq!(reader.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_sees_the_relations_that_come_with_it() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let view = relation(RelType::SubqueryAlias(Box::new(proto::SubqueryAlias {
        input: Some(Box::new(range(3))),
        alias: "_view".to_owned(),
        qualifier: vec![],
    })));
    let with = |query: &str| {
        let root = Some(Box::new(sql(query)));
        relation(RelType::WithRelations(Box::new(proto::WithRelations { root, references: vec![view.clone()] })))
    };
    let (_, error) = client.run(root(&with("SELECT * FROM _view"))).await;
    assert!(error.is_none(), "{error:?}");
    let (_, error) = client.run(sql_command(with("INSERT INTO t SELECT * FROM _view"))).await;
    assert!(error.is_none(), "{error:?}");
    let seen = server.engine.seen.lock().clone();
    let [Plan::Query(query), Plan::Command(insert)] = seen.as_slice() else { panic!("{seen:?}") };
    let Command::Insert { input, .. } = &**insert else { panic!("{insert:?}") };
    for relation in [query, input] {
        let RelationKind::With { tables, recursive: false, .. } = &relation.kind else { panic!("{relation:?}") };
        assert_eq!(tables[0].name, "_view");
        assert!(matches!(tables[0].relation.kind, RelationKind::Range { end: 3, .. }));
    }
    let error = client.run(sql_command(with("DROP TABLE t"))).await.1.unwrap();
    assert_class(&error, "UNSUPPORTED_FEATURE");
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_takes_parameters_and_types_are_parsed() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let query = "SELECT :a FROM t".to_owned();
    let named_arguments = [("a".to_owned(), integer(1))].into();
    let named = relation(RelType::Sql(proto::Sql { query, named_arguments, ..Default::default() }));
    assert!(client.run(root(&named)).await.1.is_none());
    let query = "SELECT ? FROM t".to_owned();
    let positional =
        relation(RelType::Sql(proto::Sql { query, pos_arguments: vec![integer(1)], ..Default::default() }));
    assert!(client.run(root(&positional)).await.1.is_none());
    let ddl = Analyze::DdlParse(requests::DdlParse { ddl_string: "a int, b array<string>".to_owned() });
    let Answer::DdlParse(ddl) = client.analyze(ddl).await.unwrap() else { panic!() };
    let Some(proto::data_type::Kind::Struct(fields)) = ddl.parsed.unwrap().kind else { panic!() };
    assert_eq!(fields.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}
