//! Who may depend on whom: the block of that name in `ARCHITECTURE.md`, checked against the workspace. The page is the
//! rule; this file only reads it, so that neither can change without the other.
//!
//! Besides the direct edges, some things must not be reachable at all: a function that linked the planner would be a
//! larger package and a slower cold start, and a leaf that linked DataFusion would rebuild with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PAGE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Who may depend on whom";

/// In place of a list of rooms: those that put the others together may use all of them.
const ANY: &str = "*";

/// For each room, named by its folder, the rooms that it uses.
type Edges = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_depend_on_each_other_as_the_page_says() {
    let stated = stated_edges(&page());
    let found = found_edges(&packages());
    let wrong = differences(&stated, &found);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_check_sees_each_kind_of_violation() {
    let edges = |text: &str| stated_edges(&format!("{HEADING}\n```text\n{text}\n```\n"));
    let stated = edges("leaf →\nplanner → leaf\nfunction → leaf\ncli → *");
    let right = edges("leaf →\nplanner → leaf\nfunction → leaf\ncli → planner function");
    assert!(differences(&stated, &right).is_empty());
    for (found, expected) in [
        ("leaf →\nplanner → leaf\nfunction → leaf planner", "function uses planner"),
        ("leaf →\nplanner →\nfunction → leaf", "planner does not use leaf"),
        ("leaf →\nplanner → leaf\nfunction → leaf\nconnect → leaf", "connect is not in"),
        ("leaf →\nplanner → leaf", "function is in"),
    ] {
        let wrong = differences(&stated, &edges(&format!("{found}\ncli →")));
        assert!(wrong.len() == 1 && wrong[0].contains(expected), "{found:?} gives {wrong:?}");
    }
}

#[test]
fn the_function_links_neither_driver_nor_emulator() {
    let packages = ["planner", "coordinator", "invoke", "emulator", "tpch"].map(|room| format!("firesteel-{room}"));
    let never: Vec<&str> =
        packages.iter().map(String::as_str).chain(["firesteel", "aws-sdk-lambda", "aws-sdk-s3"]).collect();
    assert_reaches_none("firesteel-function", &never);
}

#[test]
fn the_leaves_link_no_datafusion() {
    for leaf in ["protocol", "storage", "shuffle", "emulator", "invoke", "tpch"] {
        assert_reaches_none(&format!("firesteel-{leaf}"), &["datafusion", "datafusion-common", "datafusion-proto"]);
    }
    assert_reaches_none("firesteel-protocol", &["tokio", "object_store", "arrow"]);
}

#[test]
fn the_emulator_links_nothing_of_ours() {
    let reached = reached("firesteel-emulator");
    let ours: Vec<&String> = reached.iter().filter(|name| name.starts_with("firesteel")).collect();
    assert_eq!(ours, ["firesteel-emulator"], "the emulator speaks AWS's APIs and knows nobody else");
}

#[test]
fn lambda_s_client_is_used_by_invoke_alone() {
    for package in packages() {
        let room = room(&package);
        let allowed = ["invoke", "tests"].contains(&room.as_str());
        let uses = normal_dependencies(&package).any(|name| name == "aws-sdk-lambda");
        assert!(
            allowed || !uses,
            "{room}/Cargo.toml has aws-sdk-lambda: call functions through invoke's FunctionInvoker"
        );
    }
}

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

fn page() -> String {
    std::fs::read_to_string(workspace_root().join(PAGE)).expect(PAGE)
}

/// The lines `room → room room` of the first block below the heading.
fn stated_edges(page: &str) -> Edges {
    let (_, section) = page.split_once(HEADING).unwrap_or_else(|| panic!("{PAGE} has no section {HEADING:?}"));
    let mut lines = section.lines().skip_while(|line| !line.starts_with("```"));
    lines.next().expect("a block of edges");
    lines
        .take_while(|line| !line.starts_with("```"))
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let (from, to) = line.split_once('→').unwrap_or_else(|| panic!("{PAGE}: no arrow in {line:?}"));
            (from.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect())
        })
        .collect()
}

/// Normal dependencies between the workspace's packages, optional ones too.
fn found_edges(packages: &[Value]) -> Edges {
    let rooms: BTreeMap<&str, String> = packages.iter().map(|package| (name(package), room(package))).collect();
    packages
        .iter()
        .map(|package| {
            let uses = normal_dependencies(package).filter_map(|dependency| rooms.get(dependency).cloned());
            (room(package), uses.collect())
        })
        .collect()
}

/// What is wrong, and what to do about it.
fn differences(stated: &Edges, found: &Edges) -> Vec<String> {
    let mut wrong = Vec::new();
    for (room, uses) in found {
        let Some(allowed) = stated.get(room) else {
            wrong.push(format!("{room} is not in {PAGE}, {HEADING:?}: say there what it is and what it may use"));
            continue;
        };
        if allowed.contains(ANY) {
            continue;
        }
        wrong.extend(uses.difference(allowed).map(|used| {
            format!(
                "{room} uses {used}, which {PAGE} does not allow: take it out of {room}'s Cargo.toml, or add it to \
                 {HEADING:?} with the reason"
            )
        }));
        wrong.extend(
            allowed.difference(uses).map(|unused| {
                format!("{room} does not use {unused}, though {PAGE} says so: take it out of {HEADING:?}")
            }),
        );
    }
    let gone = stated.keys().filter(|room| !found.contains_key(*room));
    wrong.extend(gone.map(|room| format!("{room} is in {PAGE} and not in the workspace: take it out of {HEADING:?}")));
    wrong
}

fn packages() -> Vec<Value> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"]))
        .expect("cargo's metadata is JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a package has a name")
}

/// The folder that a package lies in.
fn room(package: &Value) -> String {
    let manifest = Path::new(package["manifest_path"].as_str().expect("a package has a manifest"));
    let folder = manifest.parent().and_then(Path::file_name).expect("a manifest lies in a folder");
    folder.to_string_lossy().into_owned()
}

/// What a package's own code may use: no tests', no build script's.
fn normal_dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
    dependencies.filter(|dependency| dependency["kind"].is_null()).filter_map(|dependency| dependency["name"].as_str())
}

fn assert_reaches_none(package: &str, never: &[&str]) {
    let reached = reached(package);
    assert!(reached.contains(package), "cargo tree of {package} names {reached:?}");
    for other in never {
        assert!(
            !reached.contains(*other),
            "{package} links {other}, which it must not; `cargo tree -p {package} -e normal -i {other}` says by which way"
        );
    }
}

/// All packages that are linked into one, itself too.
fn reached(package: &str) -> BTreeSet<String> {
    let tree = cargo(&["tree", "-p", package, "-e", "normal", "--prefix", "none"]);
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Asks cargo about the workspace as it was built: nothing is downloaded or resolved anew.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(workspace_root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}
