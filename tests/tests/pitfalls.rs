//! The known pitfalls of distributing DataFusion's plans, each by its number in the list that the design started
//! from. A query runs as many tasks, and has to have the rows of DataFusion in one process.
//!
//! Left out, since what they are about is not there yet: 14 (lakehouse scans), 16's completed filters that are shipped
//! to another stage, 17 and 18 (Spark's functions and arithmetic).

use std::time::Duration;

use firesteel_operators::{Functions, function_names};
use firesteel_planner::Leaf;
use firesteel_tests::{Cell, Fixture, TableOf, cells, run_sql};

const BIG: TableOf = (
    "big",
    6,
    "select i as id, i % 997 as k, i % 13 as small, cast(i as double) / 3 as x,
            concat('row-', cast(i % 1009 as varchar)) as name
     from (select unnest(range(0, 30000)) as i)",
);
const SMALL: TableOf =
    ("small", 1, "select i as k, concat('k', cast(i as varchar)) as label from (select unnest(range(0, 40)) as i)");
/// Every tenth key is null.
const KEYS: TableOf = (
    "keys",
    1,
    "select case when i % 10 = 0 then null else i end as k, i as id from (select unnest(range(0, 60)) as i)",
);

/// No join collects its build side: all are partitioned.
const NO_BROADCAST: [&str; 2] =
    ["firesteel.broadcast.bytes_max=1", "datafusion.optimizer.hash_join_single_partition_threshold_rows=1"];
/// What ends a test that would wait for ever.
const HANG: Duration = Duration::from_secs(120);

async fn fixture() -> Fixture {
    Fixture::many_tasks(&[BIG, SMALL, KEYS], &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_01_no_file_is_stolen_from_another_task() {
    let fixture = fixture().await;
    let summary = fixture.check("select count(*), sum(id), min(name) from big").await;
    assert!(summary.stages[0].tasks > 2, "{} tasks scan", summary.stages[0].tasks);
    assert_eq!(summary.stages[0].metrics.rows_in, 30_000, "rows that the scans gave");
    let graph = fixture.plan("select sum(id) from big").await.graph;
    assert_eq!(graph.settings["datafusion.execution.enable_file_stream_work_stealing"], "false");
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_02_a_task_polls_all_partitions_that_a_join_filter_waits_for() {
    let fixture = fixture().await;
    let sql = "select s.label, count(*), sum(b.x) from big b join small s on b.k = s.k group by s.label";
    assert!(fixture.plan(sql).await.graph.to_string().contains("mode=CollectLeft"));
    tokio::time::timeout(HANG, fixture.check(sql)).await.expect("it ends");
    assert_eq!(fixture.planner.plan_sql(sql).await.expect("a plan").graph.function_cores, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_03_a_slice_of_a_hash_partitioning_does_not_misroute_a_join_filter() {
    let fixture = Fixture::many_tasks(&[BIG, SMALL], &NO_BROADCAST).await;
    let sql = "select b.id, s.label, c.name from big b join small s on b.k = s.k join big c on c.id = b.id + s.k";
    let graph = fixture.plan(sql).await.graph.to_string();
    assert!(graph.contains("mode=Partitioned") && !graph.contains("mode=CollectLeft"), "{graph}");
    let summary = fixture.check(sql).await;
    // Merged: fewer partitions than the exchange has, more than one to a task.
    let joins = summary.stages.last().expect("a stage");
    assert!(joins.tasks >= 1 && joins.attempts == joins.tasks);
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_04_a_join_filter_still_reaches_the_scan_of_its_own_task() {
    let fixture = fixture().await;
    // The keys of `small` are in the first of six files: statistics show that the others have none.
    let summary = fixture.check("select s.label, b.name from big b join small s on b.id = s.k").await;
    let scanned: u64 = summary.total.rows_in;
    assert!(scanned < 15_000, "the join's filter spared no file: {scanned} rows came from the leaves");
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_05_the_branches_of_a_union_are_each_read_once() {
    let fixture = fixture().await;
    for sql in [
        "select k, count(*) from (select k from big union all select k from small union all select 7 as k) group by k",
        "select id, k from big where id < 100 union all select k as id, k from small where k > 3 union all select id, k from keys",
        "select u.id, s.label from small s
         join (select id, k from big where id % 2 = 0 union all select id + 100000, k from big) u on s.k = u.k",
        "select * from (values (1), (2)) v(a) union all select k from small union all select small from big",
        "select b.id, s.label from big b join small s on b.k = s.k union all select k, label from small",
        "select k from small union select k from keys union select small from big",
    ] {
        fixture.check(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_06_joins_that_emit_build_rows_emit_each_once() {
    let fixture = fixture().await;
    for sql in [
        "select s.k, b.id from small s left join big b on s.k = b.k and b.id > 29000",
        "select s.label, b.id from keys s right join big b on s.k = b.id",
        "select s.id, b.id from keys s full join big b on s.k = b.id",
        "select k from keys where exists (select 1 from big where big.k = keys.k and big.x > keys.id)",
        "select k, id from keys where not exists (select 1 from big where big.k = keys.k and big.id > 29900)",
        "select id from keys where k in (select k from big where small = 3) or id > 55",
        "select s.k, b.id from small s left join big b on s.k > b.id",
        "select s.k, b.id from small s full join big b on s.k > b.id and b.id < 10",
        "select s.k, b.id from small s cross join (select id from big where id < 50) b",
    ] {
        fixture.check(sql.replace("s.label, b.id from keys", "s.id, b.id from keys").as_str()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_06_a_null_aware_anti_join_sees_all_keys() {
    let fixture = fixture().await;
    for (sql, rows) in [
        ("select id from big where k not in (select k from keys)", 0),
        ("select id from keys where k not in (select k from big where k < 20)", 36),
        ("select id from keys where k not in (select k from big where k < 0)", 60),
        ("select id from big where k not in (select k from keys where k is not null)", 28_326),
    ] {
        let summary = fixture.check(sql).await;
        let found = summary.stages.last().expect("a stage").metrics.rows_out;
        assert_eq!(found, rows, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_07_all_legs_of_partitioned_joins_are_merged_alike() {
    let settings = [NO_BROADCAST[0], NO_BROADCAST[1], "firesteel.shuffle.target_bytes=8KiB"];
    let fixture = Fixture::many_tasks(&[BIG, SMALL, KEYS], &settings).await;
    for sql in [
        "select a.k, count(*), sum(c.id) from big a
         join (select k, max(id) as m from big group by k) b on a.k = b.k
         join big c on c.k = b.k and c.id < 5000 group by a.k",
        "select a.k, s.label, t.n from keys a left join small s on a.k = s.k
         full join (select k, count(*) as n from big group by k) t on t.k = a.k",
    ] {
        let summary = fixture.check(sql).await;
        let tasks: Vec<u64> = summary.stages.iter().map(|stage| stage.tasks).collect();
        assert!(tasks.iter().any(|tasks| *tasks > 1), "{tasks:?}");
        assert_eq!(summary.attempts, summary.tasks);
    }
    let graph = fixture.plan("select a.k from big a join big b on a.k = b.k").await.graph;
    assert!(graph.stages.iter().all(|stage| !stage.plan.name().contains("preserve_file_partitions")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_08_a_predicate_is_pushed_down_once() {
    let fixture = fixture().await;
    // Planned for one task first, then again for many.
    let graph = fixture.plan("select k, count(*) from big where small = 11 and x > 3.5 group by k").await.graph;
    let text = graph.to_string();
    let scan = text.lines().find(|line| line.contains("predicate=")).expect("a scan with a predicate");
    let predicate = scan.split("predicate=").nth(1).and_then(|rest| rest.split(", pruning").next()).expect("it");
    assert_eq!(predicate.matches("= 11").count(), 1, "{scan}");
    assert_eq!(predicate.matches("> 3.5").count(), 1, "{scan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_16_no_join_filter_crosses_a_stage() {
    let fixture = fixture().await;
    for sql in [
        "select s.label, count(*) from big b join small s on b.k = s.k group by s.label",
        "select id from big order by x limit 5",
    ] {
        let query = fixture.plan(sql).await;
        assert!(query.graph.stages.len() > 1);
        assert!(!query.graph.to_string().contains("DynamicFilter"), "{}", query.graph);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_09_order_survives_the_shuffle() {
    let fixture = fixture().await;
    let sorted = "select small, id, name from big order by small, id desc";
    let graph = fixture.plan(sorted).await.graph;
    assert!(graph.to_string().contains("ordering=[small"), "{graph}");
    for sql in [
        sorted,
        "select id, name from big order by name desc, id limit 25",
        "select id, name from big order by name, id limit 10 offset 20000",
        "select k, count(*) as n from big group by k order by n desc, k limit 20",
        "select id, row_number() over (partition by small order by x desc) as r from big order by small, r, id",
        "select id, sum(x) over (partition by small order by id rows between 2 preceding and current row) as s
         from big order by id",
        "select id, lag(name) over (order by id) as before from big order by id",
    ] {
        fixture.check_ordered(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_10_deep_and_empty_plans_survive_the_wire() {
    let fixture = fixture().await;
    // DataFusion's own session would overflow this thread's stack.
    let deep = (0..400).map(|step| format!(" + k % {}", step + 2)).collect::<String>();
    let sql = format!("select sum(id{deep}) as s from big where id{deep} > 0");
    let (rows, _) = run_sql(&fixture.runtime, &fixture.planner, &sql).await.expect("an answer");
    let value = |id: i64| id + (0..400).map(|step| (id % 997) % (step + 2)).sum::<i64>();
    let expected: i64 = (0..30_000).map(value).sum();
    assert_eq!(cells(&rows), [[Cell::Text(expected.to_string())]]);
    let wide: Vec<String> = (0..40).map(|k| format!("select id from big where k = {k} and id < 2000")).collect();
    fixture.check(&wide.join(" union all ")).await;
    for sql in [
        "select id from big where false union all select k from small",
        "select count(*) from big where 1 = 0",
        "select k, count(*) from big where false group by k",
        "select b.id from big b join (select k from small where false) s on b.k = s.k",
        "select id from big where id < 0 order by id",
    ] {
        fixture.check(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_11_driver_and_function_have_the_same_functions() {
    let fixture = fixture().await;
    let driver = function_names(&fixture.planner.session().state());
    assert!(driver.len() > 250, "{} functions", driver.len());
    assert_eq!(driver, Functions::all().names());
    // One of each family, aliases too, found by name in the task.
    fixture
        .check(
            "select upper(name), char_length(name), regexp_replace(name, '[0-9]+', '#'), round(x, 1), abs(-id), md5(name),
                    date_trunc('month', to_timestamp(id * 100000)), array_length(make_array(id, k)),
                    encode(name, 'hex'), coalesce(nullif(small, 3), -1), trim(concat(' ', name))
             from big where id % 7 = 0",
        )
        .await;
    fixture
        .check(
            "select small, stddev(x), median(x), count(distinct name), bool_and(k > 3), corr(x, k), string_agg(name, ','
             order by id) from big where id < 4000 group by small",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_12_sorts_and_aggregates_beyond_the_memory_spill() {
    let wide: TableOf = (
        "wide",
        4,
        "select i as id, concat(md5(cast(i as varchar)), md5(cast(i + 1 as varchar)), md5(cast(i + 2 as varchar)), '-',
         cast(i as varchar)) as text from (select unnest(range(0, 600000)) as i)",
    );
    let settings = ["firesteel.function.memory_mb=192", "firesteel.task.target_bytes=1TiB"];
    let fixture = Fixture::new(&[wide], &settings).await;
    let sorted = fixture.check_ordered("select text, id from wide order by text").await;
    assert!(sorted.total.spill_bytes > 0, "64 MiB were enough to sort it");
    let grouped = fixture.check("select text, count(*), max(id) from wide group by text").await;
    assert!(grouped.total.spill_bytes > 0, "64 MiB were enough to group it");
    assert!(grouped.total.memory_bytes_peak <= 64 * 1024 * 1024 * 11 / 10, "{}", grouped.total.memory_bytes_peak);
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_13_a_plan_is_encoded_once_and_without_its_files() {
    let few: TableOf = ("few", 2, BIG.2);
    let many: TableOf = ("many", 120, BIG.2);
    let fixture = Fixture::new(&[few, many], &["firesteel.task.target_bytes=1KiB"]).await;
    let few = fixture.plan("select k, sum(x) from few group by k").await.graph;
    let many = fixture.plan("select k, sum(x) from many group by k").await.graph;
    let (few, many) = (&few.stages[0], &many.stages[0]);
    let Leaf::Files(partitions) = &many.leaves[0] else { panic!("the first stage scans") };
    assert!(partitions.len() >= 120, "{} partitions", partitions.len());
    // Of a partition there is an empty group, of two bytes; of its files, nothing.
    let bytes_max = few.encoded.len() + 2 * partitions.len() + 64;
    assert!(many.encoded.len() <= bytes_max, "{} bytes, not {bytes_max}", many.encoded.len());
    assert!(!many.encoded.windows(5).any(|bytes| bytes == b"part-"), "the plan names a file");
    fixture.check("select k, sum(x) from many group by k").await;
    let plans: Vec<_> = fixture.recorder.take().iter().map(|call| call.envelope()).collect();
    let scans: Vec<_> = plans.iter().filter(|envelope| envelope.task.stage.0 == 0).collect();
    assert!(scans.len() > 50 && scans.iter().all(|envelope| envelope.plan == scans[0].plan));
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_15_scalar_subqueries_are_stages() {
    let fixture = fixture().await;
    for sql in [
        "select id from big where x > (select avg(x) * 1.99 from big)",
        "select k, (select max(id) from keys) as m from small",
        "select k, sum(x) from big group by k having sum(x) > (select sum(x) / 900 from big)",
        "select id from big where k = (select k from small where label = 'no such')",
        "select id, (select label from small where k = 99) from big where id < 3",
        "select s.k, (select count(*) from big b where b.k = s.k) from small s",
        "select id from big where id = (select max(id) from big where k < (select avg(k) from small))",
        "select id from big where id < 5 and (select count(*) from keys) = 60",
    ] {
        fixture.check(sql).await;
    }
    let error = fixture.error("select id from big where k = (select k from small)").await;
    assert!(error.contains("more than one row"), "{error}");
}
