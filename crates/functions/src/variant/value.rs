//! A variant's value, and its bytes: Parquet's Variant encoding, version 1, as Spark's `VariantBuilder` writes it.

use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Variant {
    Null,
    Bool(bool),
    Long(i64),
    Float(f32),
    Double(f64),
    Decimal {
        unscaled: i128,
        scale: u8,
    },
    /// Days.
    Date(i32),
    /// Microseconds.
    Timestamp(i64),
    TimestampNtz(i64),
    Binary(Vec<u8>),
    String(String),
    Uuid([u8; 16]),
    Array(Vec<Variant>),
    /// By the order of the keys.
    Object(Vec<(String, Variant)>),
}

const VERSION: u8 = 1;
/// How deep values may nest.
const DEPTH_MAX: usize = 1000;

// The low two bits of a value's first byte.
const PRIMITIVE: u8 = 0;
const SHORT_STRING: u8 = 1;
const OBJECT: u8 = 2;
const ARRAY: u8 = 3;
const SHORT_STRING_MAX: usize = 63;

/// What kind of primitive, in the other six bits.
mod primitive {
    pub const NULL: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const INT8: u8 = 3;
    pub const INT16: u8 = 4;
    pub const INT32: u8 = 5;
    pub const INT64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const DECIMAL4: u8 = 8;
    pub const DECIMAL8: u8 = 9;
    pub const DECIMAL16: u8 = 10;
    pub const DATE: u8 = 11;
    pub const TIMESTAMP: u8 = 12;
    pub const TIMESTAMP_NTZ: u8 = 13;
    pub const FLOAT: u8 = 14;
    pub const BINARY: u8 = 15;
    pub const LONG_STRING: u8 = 16;
    pub const UUID: u8 = 20;
}

impl Variant {
    /// An object of fields in any order; `None` if a key is there twice.
    pub fn object(mut fields: Vec<(String, Self)>) -> Option<Self> {
        // As Java compares texts.
        fields.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
        let is_unique = fields.windows(2).all(|pair| pair[0].0 != pair[1].0);
        is_unique.then_some(Self::Object(fields))
    }

    /// A decimal without zeros at the end.
    pub fn decimal(mut unscaled: i128, mut scale: u8) -> Self {
        while scale > 0 && unscaled % 10 == 0 {
            unscaled /= 10;
            scale -= 1;
        }
        Self::Decimal { unscaled, scale }
    }

    /// `None` if the bytes are no variant.
    pub fn read(value: &[u8], metadata: &[u8]) -> Option<Self> {
        read_value(value, &keys(metadata)?, 0)
    }

    /// Value and metadata.
    pub fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let mut writer = Writer::default();
        let mut value = Vec::new();
        writer.write(self, &mut value);
        (value, writer.metadata())
    }
}

/// A number of up to four bytes, the lowest first.
fn unsigned(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn keys(metadata: &[u8]) -> Option<Vec<&str>> {
    let header = *metadata.first()?;
    if header & 0x0F != VERSION {
        return None;
    }
    let size = usize::from(header >> 6) + 1;
    let count = unsigned(metadata, 1, size)?;
    let first = size.checked_mul(count.checked_add(2)?)?.checked_add(1)?;
    let texts = metadata.get(first..)?;
    (0..count)
        .map(|index| {
            let start = unsigned(metadata, 1 + (index + 1) * size, size)?;
            let end = unsigned(metadata, 1 + (index + 2) * size, size)?;
            std::str::from_utf8(texts.get(start..end)?).ok()
        })
        .collect()
}

fn read_value(bytes: &[u8], keys: &[&str], depth: usize) -> Option<Variant> {
    if depth > DEPTH_MAX {
        return None;
    }
    let header = *bytes.first()?;
    let (kind, rest) = (header >> 2, &bytes[1..]);
    match header & 3 {
        PRIMITIVE => read_primitive(kind, rest),
        SHORT_STRING => text(rest.get(..kind.into())?),
        OBJECT => {
            let (offset_size, id_size) = (usize::from(kind & 3) + 1, usize::from(kind >> 2 & 3) + 1);
            let count_size = if kind >> 4 & 1 == 1 { 4 } else { 1 };
            let count = unsigned(rest, 0, count_size)?;
            let offsets = count_size + count.checked_mul(id_size)?;
            let values = rest.get(offsets + offset_size * (count + 1)..)?;
            let field = |index: usize| {
                let key = *keys.get(unsigned(rest, count_size + index * id_size, id_size)?)?;
                let start = unsigned(rest, offsets + index * offset_size, offset_size)?;
                Some((key.to_owned(), read_value(values.get(start..)?, keys, depth + 1)?))
            };
            Variant::object((0..count).map(field).collect::<Option<_>>()?)
        }
        ARRAY => {
            let offset_size = usize::from(kind & 3) + 1;
            let count_size = if kind >> 2 & 1 == 1 { 4 } else { 1 };
            let count = unsigned(rest, 0, count_size)?;
            let values = rest.get(count_size + offset_size.checked_mul(count.checked_add(1)?)?..)?;
            let element = |index: usize| {
                let start = unsigned(rest, count_size + index * offset_size, offset_size)?;
                read_value(values.get(start..)?, keys, depth + 1)
            };
            Some(Variant::Array((0..count).map(element).collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Option<Variant> {
    Some(Variant::String(std::str::from_utf8(bytes).ok()?.to_owned()))
}

fn read_primitive(kind: u8, bytes: &[u8]) -> Option<Variant> {
    /// The first bytes as a number.
    macro_rules! number {
        ($native:ty, $from:expr) => {
            <$native>::from_le_bytes(*$from.first_chunk()?)
        };
    }
    let decimal = |unscaled: i128| Some(Variant::decimal(unscaled, *bytes.first()?));
    let sized = || {
        let length = usize::try_from(number!(u32, bytes)).ok()?;
        bytes.get(4..4 + length)
    };
    Some(match kind {
        primitive::NULL => Variant::Null,
        primitive::TRUE => Variant::Bool(true),
        primitive::FALSE => Variant::Bool(false),
        primitive::INT8 => Variant::Long(number!(i8, bytes).into()),
        primitive::INT16 => Variant::Long(number!(i16, bytes).into()),
        primitive::INT32 => Variant::Long(number!(i32, bytes).into()),
        primitive::INT64 => Variant::Long(number!(i64, bytes)),
        primitive::DOUBLE => Variant::Double(number!(f64, bytes)),
        primitive::FLOAT => Variant::Float(number!(f32, bytes)),
        primitive::DECIMAL4 => return decimal(number!(i32, bytes.get(1..)?).into()),
        primitive::DECIMAL8 => return decimal(number!(i64, bytes.get(1..)?).into()),
        primitive::DECIMAL16 => return decimal(number!(i128, bytes.get(1..)?)),
        primitive::DATE => Variant::Date(number!(i32, bytes)),
        primitive::TIMESTAMP => Variant::Timestamp(number!(i64, bytes)),
        primitive::TIMESTAMP_NTZ => Variant::TimestampNtz(number!(i64, bytes)),
        primitive::BINARY => Variant::Binary(sized()?.to_vec()),
        primitive::LONG_STRING => return text(sized()?),
        primitive::UUID => Variant::Uuid(*bytes.first_chunk()?),
        _ => return None,
    })
}

/// Numbers the keys in the order in which they are first seen.
#[derive(Debug, Default)]
struct Writer {
    ids: HashMap<String, usize>,
    keys: Vec<String>,
}

/// How many bytes a number takes.
fn size_of(number: usize) -> usize {
    match number {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFF_FFFF => 3,
        _ => 4,
    }
}

fn put(number: usize, size: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes()[..size]);
}

impl Writer {
    fn id(&mut self, key: &str) -> usize {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        let id = self.keys.len();
        self.ids.insert(key.to_owned(), id);
        self.keys.push(key.to_owned());
        id
    }

    fn metadata(&self) -> Vec<u8> {
        let length: usize = self.keys.iter().map(String::len).sum();
        let size = size_of(length.max(self.keys.len()));
        let mut out = vec![VERSION | ((size - 1) as u8) << 6];
        put(self.keys.len(), size, &mut out);
        let mut offset = 0;
        put(offset, size, &mut out);
        for key in &self.keys {
            offset += key.len();
            put(offset, size, &mut out);
        }
        self.keys.iter().for_each(|key| out.extend_from_slice(key.as_bytes()));
        out
    }

    fn write(&mut self, value: &Variant, out: &mut Vec<u8>) {
        let head = |kind: u8| kind << 2 | PRIMITIVE;
        match value {
            Variant::Null => out.push(head(primitive::NULL)),
            Variant::Bool(true) => out.push(head(primitive::TRUE)),
            Variant::Bool(false) => out.push(head(primitive::FALSE)),
            Variant::Long(value) => write_long(*value, out),
            Variant::Float(value) => {
                out.push(head(primitive::FLOAT));
                out.extend(value.to_le_bytes());
            }
            Variant::Double(value) => {
                out.push(head(primitive::DOUBLE));
                out.extend(value.to_le_bytes());
            }
            Variant::Decimal { unscaled, scale } => write_decimal(*unscaled, *scale, out),
            Variant::Date(days) => {
                out.push(head(primitive::DATE));
                out.extend(days.to_le_bytes());
            }
            Variant::Timestamp(us) => {
                out.push(head(primitive::TIMESTAMP));
                out.extend(us.to_le_bytes());
            }
            Variant::TimestampNtz(us) => {
                out.push(head(primitive::TIMESTAMP_NTZ));
                out.extend(us.to_le_bytes());
            }
            Variant::Binary(bytes) => {
                out.push(head(primitive::BINARY));
                put(bytes.len(), 4, out);
                out.extend_from_slice(bytes);
            }
            Variant::String(text) => {
                if text.len() <= SHORT_STRING_MAX {
                    out.push((text.len() as u8) << 2 | SHORT_STRING);
                } else {
                    out.push(head(primitive::LONG_STRING));
                    put(text.len(), 4, out);
                }
                out.extend_from_slice(text.as_bytes());
            }
            Variant::Uuid(bytes) => {
                out.push(head(primitive::UUID));
                out.extend_from_slice(bytes);
            }
            Variant::Array(elements) => self.write_array(elements, out),
            Variant::Object(fields) => self.write_object(fields, out),
        }
    }

    fn write_array(&mut self, elements: &[Variant], out: &mut Vec<u8>) {
        let (mut body, mut offsets) = (Vec::new(), vec![0]);
        for element in elements {
            self.write(element, &mut body);
            offsets.push(body.len());
        }
        let is_large = elements.len() > 0xFF;
        let size = size_of(body.len());
        out.push((u8::from(is_large) << 2 | (size - 1) as u8) << 2 | ARRAY);
        put(elements.len(), if is_large { 4 } else { 1 }, out);
        offsets.into_iter().for_each(|offset| put(offset, size, out));
        out.extend(body);
    }

    fn write_object(&mut self, fields: &[(String, Variant)], out: &mut Vec<u8>) {
        let (mut body, mut offsets, mut ids) = (Vec::new(), vec![0], Vec::new());
        for (key, value) in fields {
            ids.push(self.id(key));
            self.write(value, &mut body);
            offsets.push(body.len());
        }
        let is_large = fields.len() > 0xFF;
        let id_size = size_of(ids.iter().copied().max().unwrap_or(0));
        let size = size_of(body.len());
        let kind = u8::from(is_large) << 4 | ((id_size - 1) as u8) << 2 | (size - 1) as u8;
        out.push(kind << 2 | OBJECT);
        put(fields.len(), if is_large { 4 } else { 1 }, out);
        ids.into_iter().for_each(|id| put(id, id_size, out));
        offsets.into_iter().for_each(|offset| put(offset, size, out));
        out.extend(body);
    }
}

/// In the fewest bytes.
fn write_long(value: i64, out: &mut Vec<u8>) {
    if let Ok(value) = i8::try_from(value) {
        out.push(primitive::INT8 << 2);
        out.extend(value.to_le_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(primitive::INT16 << 2);
        out.extend(value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(primitive::INT32 << 2);
        out.extend(value.to_le_bytes());
    } else {
        out.push(primitive::INT64 << 2);
        out.extend(value.to_le_bytes());
    }
}

fn write_decimal(unscaled: i128, scale: u8, out: &mut Vec<u8>) {
    /// The largest number of so many digits.
    const NINE: u128 = 999_999_999;
    const EIGHTEEN: u128 = 999_999_999_999_999_999;
    match unscaled.unsigned_abs() {
        0..=NINE if scale <= 9 => {
            out.extend([primitive::DECIMAL4 << 2, scale]);
            out.extend((unscaled as i32).to_le_bytes());
        }
        0..=EIGHTEEN if scale <= 18 => {
            out.extend([primitive::DECIMAL8 << 2, scale]);
            out.extend((unscaled as i64).to_le_bytes());
        }
        _ => {
            out.extend([primitive::DECIMAL16 << 2, scale]);
            out.extend(unscaled.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_were_written() {
        let long: Vec<Variant> = (0..300).map(|index| Variant::Long(index * index * 40_000)).collect();
        let values = [
            Variant::Null,
            Variant::Bool(true),
            Variant::Long(i64::MIN),
            Variant::Float(1.5),
            Variant::Double(-0.25),
            Variant::decimal(12_345, 2),
            Variant::decimal(-1_234_567_890_123, 12),
            Variant::decimal(i128::MAX / 2, 20),
            Variant::Date(-1),
            Variant::Timestamp(1),
            Variant::TimestampNtz(-1),
            Variant::Binary(vec![0, 255]),
            Variant::String("é".repeat(40)),
            Variant::Uuid([7; 16]),
            Variant::Array(long.clone()),
        ];
        let fields = (0..300).map(|index| (format!("key {index}"), Variant::Array(vec![Variant::Long(index)])));
        let object = Variant::object(fields.collect()).expect("no key is there twice");
        for value in values.into_iter().chain([object]) {
            let (bytes, metadata) = value.bytes();
            assert_eq!(Variant::read(&bytes, &metadata), Some(value));
        }
    }

    #[test]
    fn what_is_cut_off_is_no_variant() {
        let object = Variant::object(vec![("a".to_owned(), Variant::String("x".repeat(100)))]).expect("one key");
        let (bytes, metadata) = object.bytes();
        for end in 0..bytes.len() {
            assert_eq!(Variant::read(&bytes[..end], &metadata), None, "{end}");
        }
        assert_eq!(Variant::read(&bytes, &metadata[..2]), None);
    }
}
