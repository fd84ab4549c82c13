//! Small documents that are verified when they are read: a checksum in hexadecimal, a line feed, the document.

/// CRC-64/NVME, as S3 itself uses.
pub fn crc64(bytes: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes)
}

/// Hexadecimal digits of the checksum, and the line feed.
const HEAD_BYTES: usize = 17;

/// A document with its checksum.
pub fn seal(document: &[u8]) -> Vec<u8> {
    let mut sealed = format!("{:016x}\n", crc64(document)).into_bytes();
    sealed.extend_from_slice(document);
    sealed
}

/// The document, if it is whole and unchanged.
pub fn unseal(sealed: &[u8]) -> Option<&[u8]> {
    let (head, document) = sealed.split_at_checked(HEAD_BYTES)?;
    (head == format!("{:016x}\n", crc64(document)).as_bytes()).then_some(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_or_lost_byte_is_noticed() {
        let sealed = seal(b"{\"a\": 1}");
        assert_eq!(unseal(&sealed), Some(&b"{\"a\": 1}"[..]));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(unseal(&damaged), None, "byte {at}");
            assert_eq!(unseal(&sealed[..at]), None, "{at} bytes");
        }
    }
}
