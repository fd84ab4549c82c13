//! The lists of what is here, against Spark's descriptors and against the document.

use firesteel_connect::support::{self, CHOICES};
use prost::Message;
use prost_types::FileDescriptorSet;

#[test]
fn the_lists_are_those_of_the_protocol() {
    let bytes = include_bytes!("../../proto/spark-connect-4.2.0.binpb");
    let descriptors = FileDescriptorSet::decode(bytes.as_slice()).unwrap();
    for choice in CHOICES {
        let (message, oneof) = choice.name.split_once('.').unwrap();
        let mut messages = descriptors.file.iter().flat_map(|file| &file.message_type);
        let message = messages.find(|each| each.name() == message).unwrap();
        let index = message.oneof_decl.iter().position(|each| each.name() == oneof).unwrap();
        let index = i32::try_from(index).unwrap();
        let mut protocol: Vec<_> = message.field.iter().filter(|field| field.oneof_index == Some(index)).collect();
        protocol.sort_by_key(|field| field.number());
        let mut protocol: Vec<_> = protocol.iter().map(|field| field.name().to_owned()).collect();
        let mut listed: Vec<_> = choice.fields.iter().map(|(name, _)| (*name).to_owned()).collect();
        protocol.sort();
        listed.sort();
        assert_eq!(listed, protocol, "{}", choice.name);
    }
}

/// `FIRESTEEL_WRITE_DOCS=1` writes the document.
#[test]
fn the_document_is_made_from_the_lists() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/spark-connect.md");
    if std::env::var_os("FIRESTEEL_WRITE_DOCS").is_some() {
        std::fs::write(path, support::document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written == support::document(), "docs/spark-connect.md is old: run this test with FIRESTEEL_WRITE_DOCS=1");
}
