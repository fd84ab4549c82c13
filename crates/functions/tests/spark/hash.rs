//! Hashes, encryption and random numbers over constants. Expected values are real Spark's.

use firesteel_functions::{Settings, Typed};

use crate::spark_sql;
use crate::support::{build, evaluate};

#[test]
fn hashes_as_spark_answers() {
    spark_sql::check(include_str!("spark_answers/hash.txt"));
}

fn of(name: &str, arguments: Vec<Typed>) -> String {
    build(name, arguments, &Settings::default()).map_or_else(|error| error.class, |typed| evaluate(&typed))
}

#[test]
fn random_numbers_are_those_of_spark_s_seeds() {
    let seeded = |seed: i32| vec![Typed::int(seed)];
    assert_eq!(of("rand", seeded(42)), "0.619189370225301");
    assert_eq!(of("rand", seeded(0)), "0.7604953758285915");
    assert_eq!(of("randn", seeded(42)), "2.384479054241165");
    assert_eq!(of("randn", seeded(0)), "1.6034991609278433");
    assert_eq!(of("uniform", vec![Typed::int(10), Typed::int(20), Typed::int(0)]), "17");
    assert_eq!(of("uniform", vec![Typed::int(0), Typed::int(1_000_000), Typed::int(42)]), "619189");
    assert_eq!(of("randstr", vec![Typed::int(3), Typed::int(0)]), "ceV");
    assert_eq!(of("randstr", vec![Typed::int(5), Typed::int(42)]), "pll6Y");
    assert_eq!(of("uuid", seeded(123)), "4c99192d-23d6-4d88-b814-a634398120f0");
    assert_eq!(of("uuid", seeded(-5)), "e338c8ff-0ff5-447d-95a9-d0fbf8bc6331");
    assert_eq!(of("randstr", vec![Typed::int(-1), Typed::int(0)]), "INVALID_PARAMETER_VALUE.LENGTH");
}

#[test]
fn errors_on_demand() {
    assert_eq!(of("assert_true", vec![Typed::boolean(true)]), "NULL");
    assert_eq!(of("assert_true", vec![Typed::boolean(false)]), "USER_RAISED_EXCEPTION");
    assert_eq!(of("raise_error", vec![Typed::string("x")]), "USER_RAISED_EXCEPTION");
}

#[test]
fn what_is_encrypted_is_decrypted() {
    let settings = Settings::default();
    for mode in ["GCM", "CBC", "ECB"] {
        let (value, key) = (Typed::string("Spark"), Typed::string("0000111122223333"));
        let encrypted = build("aes_encrypt", vec![value, key.clone(), Typed::string(mode)], &settings);
        let decrypted = build("aes_decrypt", vec![encrypted.expect(mode), key, Typed::string(mode)], &settings);
        assert_eq!(evaluate(&decrypted.expect(mode)), "537061726b", "{mode}");
    }
}

#[test]
fn parts_of_a_sample_are_apart() {
    let within = |least: f64, limit: f64| vec![Typed::double(least), Typed::double(limit), Typed::int(42)];
    assert_eq!(of("rand_within", within(0.0, 0.6)), "false");
    assert_eq!(of("rand_within", within(0.6, 1.0)), "true");
    assert_eq!(of("rand_within", within(0.6, 0.6)), "false");
}

#[test]
fn tables_of_what_is_known() {
    let keywords = of("sql_keywords", Vec::new());
    assert!(
        keywords.starts_with("[{keyword: ADD, reserved: false}, {keyword: AFTER, reserved: false}, "),
        "{keywords}"
    );
    assert!(of("collations", Vec::new()).contains("NAME: UTF8_BINARY, LANGUAGE: NULL"));
}

#[test]
fn tasks_have_numbers_of_their_own_and_go_on_from_batch_to_batch() {
    let settings = Settings::default();
    let ids = build("monotonically_increasing_id", Vec::new(), &settings).expect("ids");
    let random = build("rand", vec![Typed::int(42)], &settings).expect("numbers");
    let batches = |typed: &Typed, task: u32| crate::support::batches_in_task(typed, task, &[2, 1]);
    assert_eq!(batches(&ids, 0), ["0", "1", "2"]);
    assert_eq!(batches(&ids, 3), ["25769803776", "25769803777", "25769803778"]);
    // The seed of a task is the one given and the task's number.
    assert_eq!(batches(&random, 0)[0], "0.619189370225301");
    assert_eq!(batches(&random, 0), batches(&random, 0));
    let next_seed = build("rand", vec![Typed::int(43)], &settings).expect("numbers");
    assert_eq!(batches(&random, 1), batches(&next_seed, 0));
}
