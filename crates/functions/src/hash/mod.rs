//! Hashes, encryption, and what is left: session and miscellaneous functions.

mod aes;
mod digest;
mod mersenne;
mod random;
mod row_hash;
mod row_number;
mod session;
mod tables;

pub(crate) use mersenne::MersenneTwister;
pub(crate) use row_hash::text_hash;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("md5", digest::md5),
        Function::scalar("sha", digest::sha1),
        Function::scalar("sha1", digest::sha1),
        Function::scalar("sha2", digest::sha2),
        Function::scalar("crc32", digest::crc32),
        Function::scalar("hash", row_hash::murmur3),
        Function::scalar("xxhash64", row_hash::xxhash64),
        Function::scalar("aes_encrypt", aes::encrypt),
        Function::scalar("aes_decrypt", aes::decrypt),
        Function::scalar("try_aes_decrypt", aes::decrypt),
        Function::scalar("rand", random::rand),
        Function::scalar("random", random::rand),
        Function::scalar("randn", random::randn),
        Function::scalar("rand_within", random::rand_within),
        Function::scalar("uniform", random::uniform),
        Function::scalar("randstr", random::randstr),
        Function::scalar("uuid", random::uuid),
        Function::generator("sql_keywords", tables::sql_keywords),
        Function::generator("collations", tables::collations),
        Function::scalar("unwrap_udt", session::unwrap_udt),
        Function::scalar("typeof", session::type_of),
        Function::scalar("current_user", session::session_value),
        Function::scalar("user", session::session_value),
        Function::scalar("session_user", session::session_value),
        Function::scalar("current_catalog", session::session_value),
        Function::scalar("current_database", session::session_value),
        Function::scalar("current_schema", session::session_value),
        Function::scalar("version", session::session_value),
        Function::scalar("assert_true", session::assert_true),
        Function::scalar("raise_error", session::raise_error),
        Function::scalar("bitmap_bit_position", session::bitmap_place),
        Function::scalar("bitmap_bucket_number", session::bitmap_place),
        Function::scalar("bitmap_count", session::bitmap_count),
        Function::scalar("reflect", session::refused),
        Function::scalar("java_method", session::refused),
        Function::scalar("try_reflect", session::refused),
        Function::scalar("monotonically_increasing_id", row_number::monotonically_increasing_id),
        Function::scalar("distributed_sequence_id", row_number::sequence_id),
        Function::scalar("spark_partition_id", row_number::partition_id),
        Function::scalar("input_file_name", session::refused),
        Function::scalar("input_file_block_start", session::refused),
        Function::scalar("input_file_block_length", session::refused),
    ],
    implementations: || {
        let own = [
            aes::implementations(),
            digest::implementations(),
            random::implementations(),
            row_hash::implementations(),
            row_number::implementations(),
            session::implementations(),
        ];
        Implementations { scalar: own.concat(), ..Implementations::default() }
    },
};
