//! Faults as a text: `seed=7,s3.error_500=0.02,lambda=0.05`. Parsing and showing only.

use std::fmt;
use std::str::FromStr;

use super::{Faults, Kind, LambdaFault, LambdaFaults, S3Fault, S3Faults};
use crate::error::EmulatorError;

/// Keys that are no kind of fault.
const OTHER_KEYS: [&str; 7] = ["seed", "all", "s3", "lambda", "s3.timeout_ms", "s3.slow_ms", "s3.corrupt_keys"];

/// What a sum of rates that are meant to be 1 may exceed it by.
const ROUNDING: f64 = 1e-9;

impl FromStr for Faults {
    type Err = EmulatorError;

    /// Parts are taken from left to right; an empty text is no fault.
    fn from_str(text: &str) -> Result<Self, EmulatorError> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((key, value)) => faults.set(key.trim(), value.trim())?,
                None => return Err(bad_value(part, part, "of the form KEY=VALUE")),
            }
        }
        faults.check()?;
        Ok(faults)
    }
}

/// Leaves out what is as by default, but for the seed. A comma in `corrupt_keys` is not read back.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s3, none) = (&self.s3, S3Faults::default());
        write!(f, "seed={}", self.seed)?;
        let s3_rates = S3Fault::ALL.map(|kind| (kind.name(), s3.rate(kind)));
        let lambda_rates = LambdaFault::ALL.map(|kind| (kind.name(), self.lambda.rate(kind)));
        for (name, rate) in s3_rates.into_iter().chain(lambda_rates).filter(|(_, rate)| *rate != 0.0) {
            write!(f, ",{name}={rate}")?;
        }
        if s3.timeout_ms != none.timeout_ms {
            write!(f, ",s3.timeout_ms={}", s3.timeout_ms)?;
        }
        if s3.slow_ms != none.slow_ms {
            write!(f, ",s3.slow_ms={}", s3.slow_ms)?;
        }
        if s3.corrupt_keys != none.corrupt_keys {
            write!(f, ",s3.corrupt_keys={}", s3.corrupt_keys)?;
        }
        Ok(())
    }
}

impl Faults {
    fn set(&mut self, key: &str, value: &str) -> Result<(), EmulatorError> {
        let number = || value.parse().map_err(|_| bad_value(key, value, "a whole number"));
        match key {
            "seed" => self.seed = number()?,
            "s3.timeout_ms" => self.s3.timeout_ms = number()?,
            "s3.slow_ms" => self.s3.slow_ms = number()?,
            "s3.corrupt_keys" => self.s3.corrupt_keys = value.to_owned(),
            "all" => {
                let rate = rate(key, value)?;
                self.s3.spread(rate);
                self.lambda.spread(rate);
            }
            "s3" => self.s3.spread(rate(key, value)?),
            "lambda" => self.lambda.spread(rate(key, value)?),
            _ => {
                let s3 = S3Fault::ALL.into_iter().find(|kind| kind.name() == key);
                let lambda = LambdaFault::ALL.into_iter().find(|kind| kind.name() == key);
                match (s3, lambda) {
                    (Some(kind), _) => *self.s3.rate_mut(kind) = rate(key, value)?,
                    (None, Some(kind)) => *self.lambda.rate_mut(kind) = rate(key, value)?,
                    (None, None) => return Err(EmulatorError::UnknownFault { key: key.to_owned(), known: known() }),
                }
            }
        }
        Ok(())
    }

    /// Rates that add up to more than 1 would not be kept.
    fn check(&self) -> Result<(), EmulatorError> {
        let s3: f64 = S3Fault::ALL.iter().map(|kind| self.s3.rate(*kind)).sum();
        let lambda: f64 = LambdaFault::ALL.iter().map(|kind| self.lambda.rate(*kind)).sum();
        match [("s3", s3), ("lambda", lambda)].into_iter().find(|(_, sum)| *sum > 1.0 + ROUNDING) {
            Some((service, sum)) => Err(EmulatorError::FaultRates { service, sum }),
            None => Ok(()),
        }
    }
}

impl S3Faults {
    fn spread(&mut self, rate: f64) {
        for kind in S3Fault::ALL {
            *self.rate_mut(kind) = rate / S3Fault::ALL.len() as f64;
        }
    }

    fn rate_mut(&mut self, fault: S3Fault) -> &mut f64 {
        match fault {
            S3Fault::Error500 => &mut self.error_500,
            S3Fault::Error503 => &mut self.error_503,
            S3Fault::Timeout => &mut self.timeout,
            S3Fault::Slow => &mut self.slow,
            S3Fault::Truncated => &mut self.truncated,
            S3Fault::Corrupted => &mut self.corrupted,
            S3Fault::LostReply => &mut self.lost_reply,
        }
    }
}

impl LambdaFaults {
    fn spread(&mut self, rate: f64) {
        for kind in LambdaFault::ALL {
            *self.rate_mut(kind) = rate / LambdaFault::ALL.len() as f64;
        }
    }

    fn rate_mut(&mut self, fault: LambdaFault) -> &mut f64 {
        match fault {
            LambdaFault::Throttled => &mut self.throttled,
            LambdaFault::Error500 => &mut self.error_500,
            LambdaFault::CrashBefore => &mut self.crash_before,
            LambdaFault::CrashAfter => &mut self.crash_after,
            LambdaFault::Timeout => &mut self.timeout,
            LambdaFault::OutOfMemory => &mut self.out_of_memory,
            LambdaFault::Duplicated => &mut self.duplicated,
            LambdaFault::LostReply => &mut self.lost_reply,
        }
    }
}

fn rate(key: &str, value: &str) -> Result<f64, EmulatorError> {
    let rate = value.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| bad_value(key, value, "a rate from 0 to 1"))
}

fn bad_value(key: &str, value: &str, expected: &'static str) -> EmulatorError {
    EmulatorError::FaultValue { key: key.to_owned(), value: value.to_owned(), expected }
}

fn known() -> String {
    let kinds = S3Fault::ALL.map(Kind::name).into_iter().chain(LambdaFault::ALL.map(Kind::name));
    OTHER_KEYS.into_iter().chain(kinds).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Faults>().expect_err("a bad text").to_string()
    }

    #[test]
    fn texts_are_read() -> Result<(), EmulatorError> {
        assert_eq!("".parse::<Faults>()?, Faults::default());
        let read: Faults = "seed=7, s3.error_500=0.02,s3.corrupt_keys=/x,s3.slow_ms=9,lambda.crash_before=1".parse()?;
        let expected = Faults {
            seed: 7,
            s3: S3Faults { error_500: 0.02, corrupt_keys: "/x".to_owned(), slow_ms: 9, ..S3Faults::default() },
            lambda: LambdaFaults { crash_before: 1.0, ..LambdaFaults::default() },
        };
        assert_eq!(read, expected);
        Ok(())
    }

    #[test]
    fn rates_are_spread_over_a_service() -> Result<(), EmulatorError> {
        let lambda: Faults = "lambda=0.08,lambda.timeout=0".parse()?;
        assert_eq!((lambda.lambda.throttled, lambda.lambda.lost_reply, lambda.lambda.timeout), (0.01, 0.01, 0.0));
        assert_eq!(lambda.s3, S3Faults::default());
        let all: Faults = "all=1".parse()?;
        assert_eq!(all, "s3=1,lambda=1".parse()?);
        assert_eq!(all.s3.slow, 1.0 / 7.0);
        Ok(())
    }

    #[test]
    fn a_text_says_it_all() -> Result<(), EmulatorError> {
        for text in ["seed=0", "seed=3,all=0.05,s3.corrupt_keys=,s3.timeout_ms=1", "lambda.duplicated=0.1"] {
            let faults: Faults = text.parse()?;
            assert_eq!(faults.to_string().parse::<Faults>()?, faults, "{text}");
        }
        for name in S3Fault::ALL.map(Kind::name).into_iter().chain(LambdaFault::ALL.map(Kind::name)) {
            let text = format!("seed=1,{name}=0.5");
            assert_eq!(text.parse::<Faults>()?.to_string(), text);
        }
        Ok(())
    }

    #[test]
    fn errors_name_the_key_and_a_way_out() {
        let unknown = error("s3.eror_500=0.1");
        for part in ["s3.eror_500 ", "seed", "all", "s3.corrupt_keys", "s3.error_500", "lambda.crash_after"] {
            assert!(unknown.contains(part), "{unknown}");
        }
        for value in ["2", "-0.1", "NaN", "much", ""] {
            let refused = error(&format!("s3.slow={value}"));
            assert!(refused.contains("s3.slow") && refused.contains("a rate from 0 to 1"), "{refused}");
        }
        assert!(error("seed=x").contains("a whole number"));
        assert!(error("seed").contains("KEY=VALUE"));
        assert!(error("lambda.timeout=0.6,lambda.throttled=0.6").contains("lambda"));
    }
}
