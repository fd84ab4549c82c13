//! [`Shape`]: a job as bytes, requests and core seconds; and the shapes that are known by name.

use firesteel_coordinator::StageSpec;
use firesteel_protocol::StageId;
use serde::{Deserialize, Serialize};

const MIB: f64 = 1024.0 * 1024.0;
/// A request brings or takes this much (what `crates/storage` and `crates/shuffle` ask for at most).
const READ_BYTES: f64 = 16.0 * MIB;
const SHUFFLE_READ_BYTES: f64 = 8.0 * MIB;
const WRITE_PART_BYTES: f64 = 16.0 * MIB;

/// What a core of this engine does in a second. The first default follows from TPC-H's Q6 in docs/performance.md: the 58 MB
/// of the columns that it reads, at scale factor 1, in 0.14 s of two cores. The others are estimates.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EngineRates {
    /// Compressed Parquet, read and filtered.
    pub scan_bytes_per_s: f64,
    /// Rows of a shuffle, encoded and written, or read and decoded.
    pub shuffle_bytes_per_s: f64,
    /// Bytes sorted, or joined and aggregated, in memory.
    pub compute_bytes_per_s: f64,
}

impl Default for EngineRates {
    fn default() -> Self {
        Self { scan_bytes_per_s: 200e6, shuffle_bytes_per_s: 150e6, compute_bytes_per_s: 200e6 }
    }
}

/// One stage; all of its tasks alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageShape {
    pub name: String,
    pub inputs: Vec<u32>,
    pub tasks: u32,
    /// Of one task.
    pub bytes_in: f64,
    pub gets: f64,
    pub core_seconds: f64,
    pub bytes_out: f64,
    pub puts: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    pub name: String,
    pub stages: Vec<StageShape>,
}

impl StageShape {
    pub(super) fn spec(&self) -> StageSpec {
        let inputs = self.inputs.iter().map(|input| StageId(*input)).collect();
        StageSpec { inputs, rows_enough: None }
    }
}

impl Shape {
    /// A scan of `bytes` whose filters and aggregate leave next to nothing, as TPC-H's Q6.
    pub fn scan(bytes: f64, tasks: u32, rates: &EngineRates) -> Self {
        let own = bytes / f64::from(tasks);
        let scan = StageShape {
            name: "scan".to_owned(),
            inputs: Vec::new(),
            tasks,
            bytes_in: own,
            // A footer each.
            gets: (own / READ_BYTES).ceil() + 1.0,
            core_seconds: own / rates.scan_bytes_per_s,
            bytes_out: 1024.0,
            puts: 1.0,
        };
        Self { name: "scan".to_owned(), stages: vec![scan, gather(0, tasks)] }
    }

    /// Two scans that are shuffled by key, joined and aggregated, as TPC-H's Q12: `kept` of the bytes go on.
    pub fn join(left: f64, right: f64, kept: f64, tasks: u32, rates: &EngineRates) -> Self {
        let whole = left + right;
        let of = |bytes: f64| ((f64::from(tasks) * bytes / whole).round() as u32).max(1);
        let scan = |name: &str, bytes: f64| {
            let tasks = of(bytes);
            let own = bytes / f64::from(tasks);
            let out = own * kept;
            StageShape {
                name: name.to_owned(),
                inputs: Vec::new(),
                tasks,
                bytes_in: own,
                gets: (own / READ_BYTES).ceil() + 1.0,
                core_seconds: own / rates.scan_bytes_per_s + out / rates.shuffle_bytes_per_s,
                bytes_out: out,
                puts: (out / WRITE_PART_BYTES).ceil().max(1.0),
            }
        };
        let (one, two) = (scan("scan left", left), scan("scan right", right));
        let joiners = ((tasks as f64 / 2.0).ceil() as u32).max(1);
        let own = whole * kept / f64::from(joiners);
        let producers = f64::from(one.tasks + two.tasks);
        let join = StageShape {
            name: "join".to_owned(),
            inputs: vec![0, 1],
            tasks: joiners,
            bytes_in: own,
            gets: producers.max((own / SHUFFLE_READ_BYTES).ceil()),
            core_seconds: own / rates.shuffle_bytes_per_s + own / rates.compute_bytes_per_s,
            bytes_out: 1024.0,
            puts: 1.0,
        };
        Self { name: "join".to_owned(), stages: vec![one, two, join, gather(2, joiners)] }
    }

    /// All of `bytes` sorted and written again. `levels` of exchange: 2 where the requests of one would cost more.
    pub fn sort(bytes: f64, tasks: u32, levels: u32, rates: &EngineRates) -> Self {
        let own = bytes / f64::from(tasks);
        let parts = (own / WRITE_PART_BYTES).ceil().max(1.0);
        // Of one level each task reads a range of each producer; of two, of the square root of them, twice.
        let ranges = f64::from(tasks).powf(1.0 / f64::from(levels.max(1)));
        let exchange = |inputs: Vec<u32>, name: &str, compute: f64| StageShape {
            name: name.to_owned(),
            inputs,
            tasks,
            bytes_in: own,
            gets: ranges.max((own / SHUFFLE_READ_BYTES).ceil()),
            core_seconds: compute,
            bytes_out: own,
            puts: parts,
        };
        let through = 2.0 * own / rates.shuffle_bytes_per_s;
        let mut stages = vec![StageShape {
            name: "partition".to_owned(),
            inputs: Vec::new(),
            tasks,
            bytes_in: own,
            gets: (own / READ_BYTES).ceil(),
            core_seconds: own / rates.scan_bytes_per_s + own / rates.shuffle_bytes_per_s,
            bytes_out: own,
            puts: parts,
        }];
        for level in 1..levels.max(1) {
            stages.push(exchange(vec![level - 1], "regroup", through));
        }
        let sort = own / rates.shuffle_bytes_per_s + own / rates.compute_bytes_per_s;
        stages.push(exchange(vec![levels.max(1) - 1], "sort", sort));
        Self { name: "sort".to_owned(), stages }
    }

    pub fn tasks(&self) -> u64 {
        self.stages.iter().map(|stage| u64::from(stage.tasks)).sum()
    }
}

/// The one task that brings the answer together.
fn gather(input: u32, producers: u32) -> StageShape {
    StageShape {
        name: "answer".to_owned(),
        inputs: vec![input],
        tasks: 1,
        bytes_in: 1024.0 * f64::from(producers),
        gets: f64::from(producers),
        core_seconds: 0.01,
        bytes_out: 1024.0,
        puts: 0.0,
    }
}
