//! Numbers by what they are worth, whatever their type.

use super::value::Value;
use std::borrow::Cow;

/// A number in the one form that all numbers equal to it have.
#[derive(Debug, PartialEq)]
pub(super) enum Number<'a> {
    Int(i64),
    /// Whether it is negative, and its bytes, the lowest first.
    Big(bool, Cow<'a, [u8]>),
    /// The bits of a number that is not whole, or is infinite.
    Float(u64),
    Complex(u64, u64),
    /// Equal to nothing, itself included: who compares has to ask.
    Nan,
}

impl<'a> Number<'a> {
    /// `None`: it is no number.
    #[inline]
    pub(super) fn of(value: &Value<'a>) -> Option<Self> {
        Some(match *value {
            Value::Bool(value) => Self::Int(i64::from(value)),
            Value::Int(value) => Self::Int(value),
            Value::Big(big) => Self::Big(big.negative, Cow::Borrowed(big.magnitude)),
            Value::Float(value) => Self::of_float(value),
            Value::Complex(re, 0.0) => Self::of_float(re),
            Value::Complex(re, im) if re.is_nan() || im.is_nan() => Self::Nan,
            // Adding 0 makes 0 of -0.
            Value::Complex(re, im) => Self::Complex((re + 0.0).to_bits(), (im + 0.0).to_bits()),
            _ => return None,
        })
    }

    fn of_float(value: f64) -> Self {
        /// 2 to the power of 63.
        const TOO_LARGE: f64 = -(i64::MIN as f64);
        if value.is_nan() {
            return Self::Nan;
        }
        if value.is_infinite() || value.trunc() != value {
            return Self::Float(value.to_bits());
        }
        if (-TOO_LARGE..TOO_LARGE).contains(&value) {
            return Self::Int(value as i64);
        }
        // Whole and large: 53 bits, moved up.
        let bits = value.to_bits();
        let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
        let up = (bits >> 52 & 0x7ff) as usize - 1075;
        let mut bytes = vec![0; up / 8];
        let moved = u128::from(mantissa) << (up % 8);
        bytes.extend_from_slice(&moved.to_le_bytes());
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        Self::Big(value < 0.0, Cow::Owned(bytes))
    }
}
