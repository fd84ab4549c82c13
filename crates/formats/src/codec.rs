//! Compression of whole files of text, known by the end of their names as Hadoop knows it.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, MultiGzDecoder, ZlibDecoder, ZlibEncoder};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codec {
    Gzip,
    Deflate,
    Zstd,
}

impl Codec {
    /// By the option `compression`: `Ok(None)` is none, and an error a name that is not known here.
    pub fn named(name: &str) -> Result<Option<Self>, String> {
        match name.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" | "" => Ok(None),
            "gzip" => Ok(Some(Self::Gzip)),
            "deflate" => Ok(Some(Self::Deflate)),
            "zstd" => Ok(Some(Self::Zstd)),
            _ => Err(name.to_owned()),
        }
    }

    /// By the end of a file's name. An ending of a codec that is not known here is an error, as its bytes are no text.
    pub fn of_file(name: &str) -> Result<Option<Self>, String> {
        match name.rsplit_once('.').map_or("", |(_, end)| end) {
            "gz" => Ok(Some(Self::Gzip)),
            "deflate" => Ok(Some(Self::Deflate)),
            "zst" => Ok(Some(Self::Zstd)),
            end @ ("bz2" | "lz4" | "snappy" | "xz") => Err(end.to_owned()),
            _ => Ok(None),
        }
    }

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Deflate => ".deflate",
            Self::Zstd => ".zst",
        }
    }
}

/// Bytes in, plain bytes out.
pub(crate) enum Decompressor {
    Gzip(MultiGzDecoder<Vec<u8>>),
    Deflate(ZlibDecoder<Vec<u8>>),
    Zstd(zstd::stream::write::Decoder<'static, Vec<u8>>),
}

impl Decompressor {
    pub fn new(codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::Gzip => Self::Gzip(MultiGzDecoder::new(Vec::new())),
            Codec::Deflate => Self::Deflate(ZlibDecoder::new(Vec::new())),
            Codec::Zstd => Self::Zstd(zstd::stream::write::Decoder::new(Vec::new())?),
        })
    }

    pub fn push(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => {
                decoder.write_all(bytes)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(decoder) => {
                decoder.write_all(bytes)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Zstd(decoder) => {
                decoder.write_all(bytes)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
        }
    }

    /// What is left. A file that ends too early is an error.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => decoder.finish(),
            Self::Deflate(decoder) => decoder.finish(),
            Self::Zstd(mut decoder) => {
                decoder.flush()?;
                Ok(decoder.into_inner())
            }
        }
    }
}

/// Plain bytes in, bytes out.
pub(crate) enum Compressor {
    Plain(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Compressor {
    pub fn new(codec: Option<Codec>) -> io::Result<Self> {
        Ok(match codec {
            None => Self::Plain(Vec::new()),
            Some(Codec::Gzip) => Self::Gzip(GzEncoder::new(Vec::new(), Compression::default())),
            Some(Codec::Deflate) => Self::Deflate(ZlibEncoder::new(Vec::new(), Compression::default())),
            Some(Codec::Zstd) => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 3)?),
        })
    }

    /// Takes plain bytes; gives those that are ready.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(buffer) => {
                buffer.write_all(bytes)?;
                Ok(std::mem::take(buffer))
            }
            Self::Gzip(encoder) => {
                encoder.write_all(bytes)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Deflate(encoder) => {
                encoder.write_all(bytes)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                encoder.write_all(bytes)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(buffer) => Ok(buffer),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Deflate(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        for codec in [Codec::Gzip, Codec::Deflate, Codec::Zstd] {
            let mut compressor = Compressor::new(Some(codec)).expect("an encoder");
            let mut bytes = compressor.push(b"one\ntwo").expect("to memory");
            bytes.extend(compressor.finish().expect("to memory"));
            let mut decompressor = Decompressor::new(codec).expect("a decoder");
            let mut plain = Vec::new();
            for byte in &bytes {
                plain.extend(decompressor.push(&[*byte]).expect("whole"));
            }
            plain.extend(decompressor.finish().expect("whole"));
            assert_eq!(plain, b"one\ntwo", "{codec:?}");
        }
    }

    #[test]
    fn half_a_file_is_an_error() {
        let mut compressor = Compressor::new(Some(Codec::Gzip)).expect("an encoder");
        let mut bytes = compressor.push(&[7; 1000]).expect("to memory");
        bytes.extend(compressor.finish().expect("to memory"));
        let mut decompressor = Decompressor::new(Codec::Gzip).expect("a decoder");
        let half = decompressor.push(&bytes[..bytes.len() / 2]).and_then(|_| decompressor.finish());
        assert!(half.is_err());
    }
}
