//! [`PlannerOptions`]: what `--set key=value` and a session's configuration decide about plans.

use std::collections::BTreeMap;

use firesteel_protocol::SegmentEncoding;

use crate::PlanError;

const MIB: u64 = 1024 * 1024;
/// A function gets one vCPU for each of these (AWS "Configure Lambda function memory").
const MEMORY_MB_PER_VCPU: u32 = 1769;

#[derive(Debug, Clone)]
pub struct PlannerOptions {
    /// Compressed input bytes that one task should have; a query with less than this runs as one task.
    pub task_target_bytes: u64,
    /// Shuffle bytes that one task should have.
    pub shuffle_target_bytes: u64,
    pub task_count_max: u64,
    pub function_memory_mb: u32,
    /// Build sides up to this size go whole to every task, as Spark's `spark.sql.autoBroadcastJoinThreshold`.
    pub broadcast_bytes_max: u64,
    pub shuffle_encoding: SegmentEncoding,
    /// DataFusion options by full name, for planning and for tasks.
    pub datafusion: BTreeMap<String, String>,
}

impl Default for PlannerOptions {
    fn default() -> Self {
        Self {
            // A fresh sandbox's network burst is ~300 MiB (Skyrise, arXiv 2501.07771).
            task_target_bytes: 300 * MIB,
            shuffle_target_bytes: 64 * MIB,
            task_count_max: 1000,
            function_memory_mb: 2 * MEMORY_MB_PER_VCPU,
            broadcast_bytes_max: 10 * MIB,
            shuffle_encoding: SegmentEncoding::Parquet,
            datafusion: BTreeMap::new(),
        }
    }
}

/// The settings that [`PlannerOptions::set`] takes, with what they mean: for `--help` and for errors.
pub const SETTINGS: [(&str, &str); 7] = [
    ("firesteel.task.target_bytes", "compressed input bytes of one task (300MiB)"),
    ("firesteel.task.count_max", "most tasks of one stage (1000)"),
    ("firesteel.function.memory_mb", "memory of a function in MB, 128 to 10240; 1769 MB have one vCPU (3538)"),
    ("firesteel.shuffle.target_bytes", "shuffle bytes that one task reads (64MiB)"),
    ("firesteel.shuffle.encoding", "parquet, ipc-lz4 or ipc-zstd (parquet)"),
    ("firesteel.broadcast.bytes_max", "largest build side that goes whole to every task (10MiB)"),
    ("datafusion.*", "any option of DataFusion"),
];

impl PlannerOptions {
    /// Sets one option by name; sizes may have a unit (`16MiB`, `1g`).
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), PlanError> {
        let bad = |reason: String| PlanError::Setting { key: key.to_owned(), value: value.to_owned(), reason };
        let bytes = || parse_bytes(value).filter(|bytes| *bytes > 0);
        let bytes = || bytes().ok_or_else(|| bad("not a size; write bytes or a unit, such as 16MiB".to_owned()));
        match key {
            "firesteel.task.target_bytes" => {
                self.task_target_bytes = bytes()?;
                self.shuffle_target_bytes = self.shuffle_target_bytes.min((self.task_target_bytes / 4).max(1));
            }
            "firesteel.shuffle.target_bytes" => self.shuffle_target_bytes = bytes()?,
            "firesteel.broadcast.bytes_max" => self.broadcast_bytes_max = bytes()?,
            "firesteel.task.count_max" => {
                self.task_count_max = value
                    .parse()
                    .ok()
                    .filter(|count| (1..=10_000).contains(count))
                    .ok_or_else(|| bad("not a number from 1 to 10000".to_owned()))?;
            }
            "firesteel.function.memory_mb" => {
                self.function_memory_mb = value
                    .parse()
                    .ok()
                    .filter(|mb| (128..=10_240).contains(mb))
                    .ok_or_else(|| bad("not a number from 128 to 10240".to_owned()))?;
            }
            "firesteel.shuffle.encoding" => {
                self.shuffle_encoding = match value {
                    "parquet" => SegmentEncoding::Parquet,
                    "ipc-lz4" => SegmentEncoding::IpcLz4,
                    "ipc-zstd" => SegmentEncoding::IpcZstd,
                    _ => return Err(bad("not one of parquet, ipc-lz4, ipc-zstd".to_owned())),
                };
            }
            key if key.starts_with("datafusion.") => {
                datafusion::config::ConfigOptions::new().set(key, value).map_err(|error| bad(error.to_string()))?;
                self.datafusion.insert(key.to_owned(), value.to_owned());
            }
            _ => {
                let known: Vec<&str> = SETTINGS.iter().map(|(key, _)| *key).collect();
                return Err(bad(format!("no such setting; there are {}", known.join(", "))));
            }
        }
        Ok(())
    }

    /// How many cores a function of this memory has, and so how many partitions a task runs side by side.
    pub fn function_cores(&self) -> usize {
        ((self.function_memory_mb + MEMORY_MB_PER_VCPU / 2) / MEMORY_MB_PER_VCPU).clamp(1, 6) as usize
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1024,
        "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => 1024 * MIB,
        "t" | "tb" | "tib" => 1024 * 1024 * MIB,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("0", 0), ("512", 512), ("16MiB", 16 * MIB), ("1g", 1024 * MIB), ("2 KB", 2048)] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5g", "16 parsecs", "99999999999t"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn a_bad_setting_says_what_is_wrong() {
        for (key, value) in [
            ("firesteel.task.target_bytes", "0"),
            ("firesteel.function.memory_mb", "64"),
            ("firesteel.shuffle.encoding", "avro"),
            ("firesteel.task.count_max", "0"),
            ("datafusion.execution.no_such", "1"),
            ("spark.nothing", "1"),
        ] {
            let error = PlannerOptions::default().set(key, value).expect_err(key);
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
