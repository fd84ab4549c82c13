//! The paths of `variant_get`: `$.a['b c'][0]`.

use super::value::Variant;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// `None` for what is no path.
pub(super) fn parse(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, behind) = if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            (Step::Key(behind[..end].to_owned()), &behind[end..])
        } else if let Some(behind) = rest.strip_prefix("['") {
            let (key, behind) = behind.split_once("']")?;
            (Step::Key(key.to_owned()), behind)
        } else if let Some(behind) = rest.strip_prefix("[\"") {
            let (key, behind) = behind.split_once("\"]")?;
            (Step::Key(key.to_owned()), behind)
        } else {
            let (index, behind) = rest.strip_prefix('[')?.split_once(']')?;
            let is_number = index.bytes().all(|digit| digit.is_ascii_digit());
            (Step::Index(index.parse().ok().filter(|_| is_number)?), behind)
        };
        if step == Step::Key(String::new()) {
            return None;
        }
        steps.push(step);
        rest = behind;
    }
    Some(steps)
}

pub(super) fn walk<'a>(value: &'a Variant, steps: &[Step]) -> Option<&'a Variant> {
    steps.iter().try_fold(value, |value, step| match (value, step) {
        (Variant::Object(fields), Step::Key(key)) => {
            fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
        }
        (Variant::Array(elements), Step::Index(index)) => elements.get(*index),
        _ => None,
    })
}
