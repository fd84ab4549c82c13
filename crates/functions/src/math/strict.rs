//! What `java.lang.StrictMath` gives where neither the platform's functions nor the crate `libm` agree with it to the last
//! digit. Java specifies it by FDLIBM (Copyright (C) 1993 by Sun Microsystems, Inc., freely granted to use, copy, modify
//! and distribute), whose polynomials and steps these are.

use std::f64::consts::{FRAC_PI_2, LN_2, LOG10_E, PI};

/// The logarithm of 2 in two parts, of which the first has few bits.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// The polynomial for the logarithm, from the square on.
const LN: [f64; 7] = [
    0.666_666_666_666_673_5,
    0.399_999_999_994_094_2,
    0.285_714_287_436_623_9,
    0.222_221_984_321_497_84,
    0.181_835_721_616_180_5,
    0.153_138_376_992_093_73,
    0.147_981_986_051_165_86,
];
/// The decimal logarithm of 2, in two parts.
const LOG10_2_HIGH: f64 = 0.301_029_995_663_611_77;
const LOG10_2_LOW: f64 = 3.694_239_077_158_931e-13;
/// What is left of pi.
const PI_LOW: f64 = 1.224_646_799_147_353_2e-16;
/// `1 << 54`, which makes a subnormal number normal, and `1 << 28`.
const SCALE: f64 = 18_014_398_509_481_984.0;
const SCALE_BITS: i32 = 54;
const LARGE: f64 = 268_435_456.0;
/// Where the high halves of doubles have their exponents, and the high half of the least normal one.
const EXPONENT: i32 = 20;
const EXPONENT_BIAS: i32 = 1023;
const HIGH_NORMAL: i32 = 0x0010_0000;
const HIGH_MANTISSA: i32 = 0x000f_ffff;

fn high(x: f64) -> i32 {
    (x.to_bits() >> 32) as i32
}

fn with_high(x: f64, high: i32) -> f64 {
    f64::from_bits((x.to_bits() & 0xffff_ffff) | (u64::from(high.cast_unsigned()) << 32))
}

/// Without the low half.
fn head(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & !0xffff_ffff)
}

/// `2^exponent`, of a normal number.
fn power_of_2(exponent: i32) -> f64 {
    with_high(0.0, (EXPONENT_BIAS + exponent) << EXPONENT)
}

/// A logarithm of what has none that is finite.
fn special_ln(x: f64) -> Option<f64> {
    match x {
        _ if x == 0.0 => Some(f64::NEG_INFINITY),
        _ if x < 0.0 => Some(f64::NAN),
        _ if x.is_finite() => None,
        _ => Some(x),
    }
}

/// A positive number as a normal one, and by which power of 2 it was multiplied for that.
fn normal(x: f64) -> (f64, i32) {
    if high(x) < HIGH_NORMAL { (x * SCALE, SCALE_BITS) } else { (x, 0) }
}

pub(super) fn ln(x: f64) -> f64 {
    if let Some(special) = special_ln(x) {
        return special;
    }
    let (x, scaled) = normal(x);
    let mantissa = high(x) & HIGH_MANTISSA;
    // Halved if it is above the square root of 2.
    let carry = (mantissa + 0x9_5f64) & HIGH_NORMAL;
    let exponent = (high(x) >> EXPONENT) - EXPONENT_BIAS - scaled + (carry >> EXPONENT);
    let f = with_high(x, mantissa | (carry ^ 0x3ff0_0000)) - 1.0;
    let k = f64::from(exponent);
    // `k × ln 2` without the `tail` that is subtracted from it, and then `f`.
    let result = |tail: f64| if exponent == 0 { f - tail } else { k * LN_2_HIGH - ((tail - k * LN_2_LOW) - f) };
    if HIGH_MANTISSA & (2 + mantissa) < 3 {
        if f == 0.0 {
            return k * LN_2_HIGH + k * LN_2_LOW;
        }
        return result(f * f * (0.5 - 0.333_333_333_333_333_3 * f));
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (LN[1] + w * (LN[3] + w * LN[5]));
    let odd = z * (LN[0] + w * (LN[2] + w * (LN[4] + w * LN[6])));
    let r = odd + even;
    if ((mantissa - 0x6_147a) | (0x6_b851 - mantissa)) > 0 {
        let half = 0.5 * f * f;
        return match exponent {
            0 => f - (half - s * (half + r)),
            _ => k * LN_2_HIGH - ((half - (s * (half + r) + k * LN_2_LOW)) - f),
        };
    }
    result(s * (f - r))
}

pub(super) fn log10(x: f64) -> f64 {
    if let Some(special) = special_ln(x) {
        return special;
    }
    let (x, scaled) = normal(x);
    let exponent = (high(x) >> EXPONENT) - EXPONENT_BIAS - scaled;
    let negative = i32::from(exponent < 0);
    let y = f64::from(exponent + negative);
    let mantissa = with_high(x, (high(x) & HIGH_MANTISSA) | ((EXPONENT_BIAS - negative) << EXPONENT));
    (y * LOG10_2_LOW + LOG10_E * ln(mantissa)) + y * LOG10_2_HIGH
}

pub(super) fn cbrt(x: f64) -> f64 {
    /// A third of the exponent's bias, for normal numbers and for those scaled by [`SCALE`].
    const THIRD: i32 = 715_094_163;
    const THIRD_SCALED: i32 = 696_219_795;
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let positive = x.abs();
    // Good to 5 bits.
    let rough = if high(positive) < HIGH_NORMAL {
        let scaled = positive * SCALE;
        with_high(scaled, high(scaled) / 3 + THIRD_SCALED)
    } else {
        with_high(0.0, high(positive) / 3 + THIRD)
    };
    // To 23 bits, cut to 20 and made larger than the root.
    let s = 19.0 / 35.0 + rough * rough / positive * rough;
    let better = rough * (5.0 / 14.0 + 45.0 / 28.0 / (s + 99.0 / 70.0 + -864.0 / 1225.0 / s));
    let cut = with_high(0.0, high(better) + 1);
    // One step of Newton's.
    let quotient = positive / (cut * cut);
    let root = cut + cut * ((quotient - cut) / (cut + cut + quotient));
    root.copysign(x)
}

/// Above it, `exp` overflows before half of it does; and where that does too.
const EXP_MAX: i32 = 0x4086_2e42;
const HALF_EXP_MAX: f64 = 710.475_860_073_943_9;
/// 22, from which on the other half of a hyperbolic function does not count.
const ONE_HALF: i32 = 0x4036_0000;

/// Half of `exp(x)`, of a positive number.
fn half_exp(x: f64) -> f64 {
    if high(x) < EXP_MAX {
        return 0.5 * libm::exp(x);
    }
    if x > HALF_EXP_MAX {
        return f64::INFINITY;
    }
    let root = libm::exp(0.5 * x);
    (0.5 * root) * root
}

pub(super) fn sinh(x: f64) -> f64 {
    let t = x.abs();
    let positive = match high(t) {
        _ if t.is_nan() => return x,
        tiny if tiny < 0x3e30_0000 => t,
        small if small < ONE_HALF => {
            let less_1 = libm::expm1(t);
            let exp = less_1 + 1.0;
            0.5 * if small < 0x3ff0_0000 { 2.0 * less_1 - less_1 * less_1 / exp } else { less_1 + less_1 / exp }
        }
        _ => half_exp(t),
    };
    positive.copysign(x)
}

pub(super) fn cosh(x: f64) -> f64 {
    let x = x.abs();
    match high(x) {
        _ if x.is_nan() => x,
        // Half of ln 2.
        tiny if tiny < 0x3fd6_2e43 => {
            let less_1 = libm::expm1(x);
            let exp = 1.0 + less_1;
            if tiny < 0x3c80_0000 { exp } else { 1.0 + (less_1 * less_1) / (exp + exp) }
        }
        small if small < ONE_HALF => {
            let exp = libm::exp(x);
            0.5 * exp + 0.5 / exp
        }
        _ => half_exp(x),
    }
}

pub(super) fn asinh(x: f64) -> f64 {
    let t = x.abs();
    let positive = match t {
        _ if t.is_nan() || t < 1.0 / LARGE => t,
        _ if t > LARGE => ln(t) + LN_2,
        _ if t > 2.0 => ln(2.0 * t + 1.0 / ((t * t + 1.0).sqrt() + t)),
        _ => libm::log1p(t + t * t / (1.0 + (1.0 + t * t).sqrt())),
    };
    positive.copysign(x)
}

pub(super) fn acosh(x: f64) -> f64 {
    match x {
        _ if x < 1.0 => f64::NAN,
        _ if x.is_nan() || x >= LARGE => ln(x) + LN_2,
        _ if x > 2.0 => ln(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())),
        _ => {
            let t = x - 1.0;
            libm::log1p(t + (2.0 * t + t * t).sqrt())
        }
    }
}

/// As the crate's, but where `y` outweighs a negative `x` by far.
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    const FAR: i32 = 60;
    let apart = (high(y.abs()) - high(x.abs())) >> EXPONENT;
    if apart > FAR && x < 0.0 && y.is_finite() {
        return (PI - (FRAC_PI_2 - PI_LOW)).copysign(y);
    }
    libm::atan2(y, x)
}

pub(super) fn hypot(x: f64, y: f64) -> f64 {
    /// Exponents beyond which squares would overflow or lose digits, and by how much to scale there.
    const HIGH_LARGE: i32 = 0x5f30_0000;
    const HIGH_SMALL: i32 = 0x20b0_0000;
    const FAR: i32 = 60 << EXPONENT;
    const STEP: i32 = 600;
    const STEP_SUBNORMAL: i32 = 1022;
    if x.is_infinite() || y.is_infinite() {
        return f64::INFINITY;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let (x, y) = (x.abs(), y.abs());
    let (a, b) = if x >= y { (x, y) } else { (y, x) };
    if b == 0.0 || high(a) - high(b) > FAR {
        return a + b;
    }
    let scale = match (high(a), high(b)) {
        (large, _) if large > HIGH_LARGE => -STEP,
        (_, subnormal) if subnormal < HIGH_NORMAL => STEP_SUBNORMAL,
        (_, small) if small < HIGH_SMALL => STEP,
        _ => 0,
    };
    let (a, b) = (a * power_of_2(scale), b * power_of_2(scale));
    let difference = a - b;
    let square = if difference > b {
        let first = head(a);
        first * first - (b * -b - (a - first) * (a + first))
    } else {
        let double = a + a;
        let (first, second) = (head(double), head(b));
        first * second - (difference * -difference - (first * (b - second) + (double - first) * b))
    };
    square.sqrt() * power_of_2(-scale)
}
