//! The text about a KLL sketch, word for word as Java's library has it.

use datasketches::kll::KllSketch;

use super::kll::Values;

/// The smallest capacity of a level; no sketch here has another.
const M: u64 = 8;
/// Places in an image: flags, and the number of levels where the image has more than one value.
const FLAGS_AT: usize = 3;
const LEVELS_AT: usize = 18;
const LEVEL_ZERO_SORTED: u8 = 2;
/// What comes before the levels' offsets.
const HEADER_BYTES: usize = 20;
const SHORT_HEADER_BYTES: usize = 8;

pub(super) fn summary<V: Values>(image: &[u8], sketch: &KllSketch<V::Item>) -> String {
    let levels = if sketch.n() < 2 { 1 } else { image.get(LEVELS_AT).copied().unwrap_or(1) };
    let capacity = capacity(sketch.k(), levels);
    let retained = sketch.num_retained();
    let width = size_of::<V::Item>();
    let updatable = HEADER_BYTES + 4 * (usize::from(levels) + 1) + (2 + capacity) * width;
    let compact = match sketch.n() {
        0 => SHORT_HEADER_BYTES,
        1 => SHORT_HEADER_BYTES + width,
        _ => HEADER_BYTES + 4 * usize::from(levels) + (2 + retained) * width,
    };
    let sorted = image.get(FLAGS_AT).is_some_and(|flags| flags & LEVEL_ZERO_SORTED != 0);
    let extreme = |item: Option<&V::Item>| item.map_or_else(|| "NaN".to_owned(), |item| V::text(*item));
    let percent = |error: f64| format!("{:.3}%", error * 100.0);
    let lines = [
        ("K", sketch.k().to_string()),
        ("Dynamic min K", sketch.min_k().to_string()),
        ("M", M.to_string()),
        ("N", sketch.n().to_string()),
        ("Epsilon", percent(sketch.normalized_rank_error())),
        ("Epsilon PMF", percent(sketch.normalized_pmf_error())),
        ("Empty", sketch.is_empty().to_string()),
        ("Estimation Mode", sketch.is_estimation_mode().to_string()),
        ("Levels", levels.to_string()),
        ("Level 0 Sorted", sorted.to_string()),
        ("Capacity Items", capacity.to_string()),
        ("Retained Items", retained.to_string()),
        ("Free Space", capacity.saturating_sub(retained).to_string()),
        ("ReadOnly", "false".to_owned()),
        ("Updatable Storage Bytes", updatable.to_string()),
        ("Compact Storage Bytes", compact.to_string()),
        ("Min Item", extreme(sketch.min_item())),
        ("Max Item", extreme(sketch.max_item())),
    ];
    let lines: String = lines.iter().map(|(name, value)| format!("   {name:<23}: {value}\n")).collect();
    format!("\n### KllKll{}Sketch Summary:\n{lines}### End sketch summary\n", V::NAME)
}

/// How many values the levels hold: `k` at the top, and two thirds of that with each level down.
fn capacity(k: u16, levels: u8) -> usize {
    let level = |depth: u32| {
        let (doubled, thirds) = ((u128::from(k) * 2) << depth, 3_u128.pow(depth));
        let rounded = u64::try_from((doubled / thirds + 1) >> 1).unwrap_or(u64::MAX);
        rounded.max(M)
    };
    (0..u32::from(levels.min(60))).map(|depth| usize::try_from(level(depth)).unwrap_or(usize::MAX)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_hold_what_javas_hold() {
        assert_eq!(capacity(200, 1), 200);
        assert_eq!(capacity(200, 3), 422);
    }
}
