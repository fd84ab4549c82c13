//! [`pareto_svg`]: seconds against dollars, as a picture.

use std::fmt::Write;

use crate::forecast::{Candidate, choose};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const MARGIN: f64 = 64.0;

/// Both axes are logarithmic. The front is a line, the point that would be chosen has a ring.
pub fn pareto_svg(title: &str, candidates: &[Candidate]) -> String {
    let seconds = range(candidates.iter().map(|candidate| candidate.forecast.seconds));
    let dollars = range(candidates.iter().map(|candidate| candidate.forecast.usd));
    let x = |value: f64| MARGIN + (WIDTH - 2.0 * MARGIN) * place(value, seconds);
    let y = |value: f64| HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * place(value, dollars);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/><text x=\"{MARGIN}\" y=\"28\" \
         font-size=\"16\">{}</text>",
        escape(title)
    );
    // Writing to a String does not fail.
    for tick in ticks(seconds) {
        let at = x(tick);
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{MARGIN}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" \
             y=\"{:.1}\" text-anchor=\"middle\">{} s</text>",
            HEIGHT - MARGIN,
            HEIGHT - MARGIN + 18.0,
            short(tick)
        );
    }
    for tick in ticks(dollars) {
        let at = y(tick);
        let _ = write!(
            svg,
            "<line x1=\"{MARGIN}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" \
             y=\"{:.1}\" text-anchor=\"end\">${}</text>",
            WIDTH - MARGIN,
            MARGIN - 6.0,
            at + 4.0,
            short(tick)
        );
    }
    let front: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.is_on_front).collect();
    let line: Vec<String> =
        front.iter().map(|point| format!("{:.1},{:.1}", x(point.forecast.seconds), y(point.forecast.usd))).collect();
    let _ = write!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#c33\" stroke-width=\"1.5\"/>", line.join(" "));
    for candidate in candidates {
        let (color, radius) = if candidate.is_on_front { ("#c33", 4.0) } else { ("#888", 3.0) };
        let Candidate { memory_mb, tasks, forecast, .. } = candidate;
        let _ = write!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" fill=\"{color}\"><title>{tasks} tasks of {memory_mb} MB: \
             {:.1} s, ${:.4}</title></circle>",
            x(forecast.seconds),
            y(forecast.usd),
            forecast.seconds,
            forecast.usd
        );
    }
    if let Some(chosen) = choose(candidates) {
        let (cx, cy) = (x(chosen.forecast.seconds), y(chosen.forecast.usd));
        let _ = write!(
            svg,
            "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"9\" fill=\"none\" stroke=\"#c33\" stroke-width=\"2\"/><text \
             x=\"{:.1}\" y=\"{:.1}\">{} × {} MB</text>",
            cx + 12.0,
            cy - 8.0,
            chosen.tasks,
            chosen.memory_mb
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// The least and the greatest, a little apart.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), value| (low.min(value), high.max(value)));
    let low = low.min(high).max(f64::MIN_POSITIVE);
    (low / 1.2, high * 1.2)
}

/// From 0 to 1.
fn place(value: f64, (low, high): (f64, f64)) -> f64 {
    (value / low).ln() / (high / low).ln()
}

/// 1, 2 and 5 times powers of ten.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let all = (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(ticks((0.9, 12.0)), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!((short(0.05), short(20.0), short(0.002)), ("0.05".to_owned(), "20".to_owned(), "0.002".to_owned()));
        assert!((place(10.0, (1.0, 100.0)) - 0.5).abs() < 1e-12);
    }
}
