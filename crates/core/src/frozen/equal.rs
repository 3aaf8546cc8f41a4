//! Whether two values are equal, in the way of Python.
//!
//! Values inside of values are compared with a stack of their own; keys of
//! keys take the thread's, to a limited depth.

use super::FrozenError;
use super::number::Number;
use super::value::{Items, Table, Value};

/// What two values have that is still to be compared.
enum Rest<'a, 'b> {
    Items(Items<'a>, Items<'b>, usize),
    Values(Table<'a>, Table<'b>, usize),
}

enum Answer<'a, 'b> {
    Is(bool),
    Depends(Rest<'a, 'b>),
}

pub(super) fn equal(one: &Value<'_>, other: &Value<'_>, depth: usize) -> Result<bool, FrozenError> {
    let mut open = Vec::new();
    match compare(one, other, depth)? {
        Answer::Is(answer) => return Ok(answer),
        Answer::Depends(rest) => open.push(rest),
    }
    while let Some(rest) = open.last_mut() {
        let pair = match rest {
            Rest::Items(one, other, at) if *at < one.len() => {
                *at += 1;
                (one.read(*at - 1), other.read(*at - 1))
            }
            Rest::Values(one, other, at) if *at < one.len() => {
                let key = one.read_key(*at);
                let Some(entry) = other.find_within(&key, deeper(depth)?)? else {
                    return Ok(false);
                };
                *at += 1;
                (one.read_value(*at - 1), other.read_value(entry))
            }
            _ => {
                open.pop();
                continue;
            }
        };
        match compare(&pair.0, &pair.1, depth)? {
            Answer::Is(true) => {}
            Answer::Is(false) => return Ok(false),
            Answer::Depends(rest) => open.push(rest),
        }
    }
    Ok(true)
}

#[inline]
fn compare<'a, 'b>(
    one: &Value<'a>,
    other: &Value<'b>,
    depth: usize,
) -> Result<Answer<'a, 'b>, FrozenError> {
    if let (Some(one), Some(other)) = (Number::of(one), Number::of(other)) {
        return Ok(Answer::Is(one == other && one != Number::Nan));
    }
    let answer = match (one, other) {
        (Value::None, Value::None) | (Value::Ellipsis, Value::Ellipsis) => true,
        (Value::Text(one), Value::Text(other)) => one.equals(other),
        (Value::Bytes(one), Value::Bytes(other)) => one == other,
        (Value::Tuple(one), Value::Tuple(other)) | (Value::List(one), Value::List(other)) => {
            if one.is(other) || one.len() != other.len() {
                one.is(other)
            } else {
                return Ok(Answer::Depends(Rest::Items(*one, *other, 0)));
            }
        }
        (Value::Dict(one), Value::Dict(other)) => {
            if one.is(other) || one.len() != other.len() {
                one.is(other)
            } else {
                return Ok(Answer::Depends(Rest::Values(*one, *other, 0)));
            }
        }
        (Value::Set(one) | Value::FrozenSet(one), Value::Set(other) | Value::FrozenSet(other)) => {
            one.is(other) || one.len() == other.len() && has_all(other, one, deeper(depth)?)?
        }
        _ => false,
    };
    Ok(Answer::Is(answer))
}

fn has_all(table: &Table<'_>, keys: &Table<'_>, depth: usize) -> Result<bool, FrozenError> {
    for entry in 0..keys.len() {
        if table.find_within(&keys.read_key(entry), depth)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn deeper(depth: usize) -> Result<usize, FrozenError> {
    depth.checked_sub(1).ok_or(FrozenError::TooDeep)
}
