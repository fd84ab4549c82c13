//! Generates the protocol's messages from Spark's descriptors, without protoc.
//!
//! Plans stay bytes in the messages around them: a request is decoded on whichever thread received it, and what nests
//! without end is decoded later, where the stack is as deep as the plan (`src/deep.rs`).

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

const DESCRIPTORS: &str = "proto/spark-connect-4.2.0.binpb";

/// Fields that stay bytes; both forms are the same on the wire.
const UNDECODED: &[(&str, &str)] = &[
    ("Plan", "root"),
    ("Plan", "command"),
    ("AnalyzePlanRequest.Persist", "relation"),
    ("AnalyzePlanRequest.Unpersist", "relation"),
    ("AnalyzePlanRequest.GetStorageLevel", "relation"),
    ("ExecutePlanResponse.SqlCommandResult", "relation"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DESCRIPTORS}");
    let mut descriptors = FileDescriptorSet::decode(fs::read(DESCRIPTORS)?.as_slice())?;
    descriptors.file.retain(|file| !file.name().ends_with("example_plugins.proto"));
    for (message, field) in UNDECODED {
        leave_undecoded(&mut descriptors, message, field)?;
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("connect.binpb"), descriptors.encode_to_vec())?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names().bytes(["."]).btree_map(["."]);
    tonic_prost_build::configure()
        .build_transport(false)
        .codec_path("crate::codec::BoundedCodec")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}

fn leave_undecoded(descriptors: &mut FileDescriptorSet, message: &str, field: &str) -> Result<(), Box<dyn Error>> {
    let messages = descriptors.file.iter_mut().flat_map(|file| file.message_type.iter_mut());
    let mut path = message.split('.');
    let outer = path.next().ok_or("no message")?;
    let mut found: &mut DescriptorProto =
        messages.into_iter().find(|message| message.name() == outer).ok_or_else(|| format!("no {outer}"))?;
    for inner in path {
        found = found
            .nested_type
            .iter_mut()
            .find(|message| message.name() == inner)
            .ok_or_else(|| format!("no {inner} in {message}"))?;
    }
    let found =
        found.field.iter_mut().find(|each| each.name() == field).ok_or_else(|| format!("no {message}.{field}"))?;
    found.set_type(Type::Bytes);
    found.type_name = None;
    Ok(())
}
