//! How deep a message nests, from its bytes and without recursion. Decoding and dropping a message recurse, so the
//! depth is known before either happens.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// Spark's descriptors, with plans as bytes (`build.rs`).
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/connect.binpb"));

/// Messages within messages; an expression of a plan is about two of them.
pub(crate) const DEPTH_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the message {message} is not in the protocol")]
    UnknownMessage { message: String },
    #[error("the message is malformed at byte {at}")]
    Malformed { at: usize },
    #[error("the message nests deeper than {DEPTH_MAX} messages")]
    TooDeep,
}

/// For each message by its number: the fields that are messages, and which.
struct Schema {
    numbers: HashMap<String, usize>,
    fields: Vec<HashMap<u64, usize>>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let descriptors = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
    let mut messages = Vec::new();
    for file in &descriptors.file {
        for message in &file.message_type {
            collect(file.package(), message, &mut messages);
        }
    }
    let numbers: HashMap<_, _> =
        messages.iter().enumerate().map(|(number, (name, _))| (name.clone(), number)).collect();
    let fields = messages.iter().map(|(_, message)| message_fields(message, &numbers)).collect();
    Schema { numbers, fields }
});

fn collect<'a>(scope: &str, message: &'a DescriptorProto, found: &mut Vec<(String, &'a DescriptorProto)>) {
    let name = format!("{scope}.{}", message.name());
    for nested in &message.nested_type {
        collect(&name, nested, found);
    }
    found.push((name, message));
}

fn message_fields(message: &DescriptorProto, numbers: &HashMap<String, usize>) -> HashMap<u64, usize> {
    let messages = message.field.iter().filter(|field| field.r#type() == Type::Message);
    messages
        .filter_map(|field| {
            let number = u64::try_from(field.number()).ok()?;
            Some((number, *numbers.get(field.type_name().trim_start_matches('.'))?))
        })
        .collect()
}

/// The deepest nesting of `bytes`, which are a message of this name; 1 if there are no messages in it.
pub(crate) fn depth(name: &str, bytes: &[u8]) -> Result<usize, WireError> {
    let root = *SCHEMA.numbers.get(name).ok_or_else(|| WireError::UnknownMessage { message: name.to_owned() })?;
    let mut open = vec![(root, bytes.len())];
    let mut deepest = 1;
    let mut at = 0;
    while let Some((message, end)) = open.last().copied() {
        if at == end {
            open.pop();
            continue;
        }
        let malformed = WireError::Malformed { at };
        let key = varint(bytes, &mut at, end).ok_or_else(|| malformed.clone())?;
        let next = match key & 7 {
            0 => {
                varint(bytes, &mut at, end).ok_or_else(|| malformed.clone())?;
                Some(at)
            }
            1 => at.checked_add(8),
            2 => {
                let length = varint(bytes, &mut at, end).ok_or_else(|| malformed.clone())?;
                let stop = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
                let inner = SCHEMA.fields.get(message).and_then(|fields| fields.get(&(key >> 3)));
                match (inner, stop.filter(|stop| *stop <= end)) {
                    (Some(inner), Some(stop)) => {
                        open.push((*inner, stop));
                        deepest = deepest.max(open.len());
                        Some(at)
                    }
                    (_, stop) => stop,
                }
            }
            5 => at.checked_add(4),
            // Groups nest too, and no version of the protocol has them.
            _ => None,
        };
        at = next.filter(|next| *next <= end).ok_or(malformed)?;
        if open.len() > DEPTH_MAX {
            return Err(WireError::TooDeep);
        }
    }
    Ok(deepest)
}

fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.get(..end)?.get(*at)?;
        *at += 1;
        if shift < 64 {
            value |= u64::from(byte & 0x7f) << shift;
        }
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto;

    #[test]
    fn depth_is_that_of_the_deepest_message() {
        let literal = proto::Expression {
            expr_type: Some(proto::expression::ExprType::Literal(proto::expression::Literal::default())),
            ..proto::Expression::default()
        };
        assert_eq!(depth("spark.connect.Expression", &proto::Expression::default().encode_to_vec()), Ok(1));
        assert_eq!(depth("spark.connect.Expression", &literal.encode_to_vec()), Ok(2));
    }

    #[test]
    fn groups_and_cut_messages_are_malformed() {
        assert_eq!(depth("spark.connect.Relation", &[0x0b]), Err(WireError::Malformed { at: 0 }));
        assert_eq!(depth("spark.connect.Relation", &[0x1a, 0x05, 0x0a]), Err(WireError::Malformed { at: 0 }));
        assert_eq!(depth("spark.connect.Relation", &[0xff; 12]), Err(WireError::Malformed { at: 0 }));
    }
}
