//! Text for people: of what is frozen, as its plain objects would be shown. Not more than fits on a few screens.

use interlane_core::frozen::{Items, Node, Table, Value};

use super::{View, plain};
use crate::py::{Cx, Owned, PyResult};

/// How many objects without parts are shown.
const MOST: usize = 1000;

/// From how many bytes on nothing more is begun.
const ENOUGH: usize = 10_000;

/// How deep.
const DEEPEST: usize = 40;

/// How many bytes of a text are shown.
const LONGEST: usize = 400;

/// A container that is being shown.
struct Frame<'a> {
    source: Source<'a>,
    taken: usize,
    close: &'static str,
}

enum Source<'a> {
    Items(Items<'a>),
    Dict(Table<'a>),
    Set(Table<'a>),
}

impl Frame<'_> {
    fn next(&self) -> Option<Node> {
        let at = self.taken;
        match &self.source {
            Source::Items(items) => (at < items.len()).then(|| items.get(at)),
            Source::Set(table) => (at < table.len()).then(|| table.key(at)),
            Source::Dict(table) => (at / 2 < table.len()).then(|| match at % 2 {
                0 => table.key(at / 2),
                _ => table.value(at / 2),
            }),
        }
    }

    /// What comes in front of the next part.
    fn separator(&self) -> &'static str {
        match &self.source {
            _ if self.taken == 0 => "",
            Source::Dict(_) if self.taken % 2 == 1 => ": ",
            _ => ", ",
        }
    }
}

/// `Name(...)`
pub(super) fn text<'py>(cx: Cx<'py>, name: &str, view: &View) -> PyResult<Owned<'py>> {
    let mut text = format!("{name}(");
    if let Value::Set(table) | Value::FrozenSet(table) = view.value() {
        // Whichever it is, its own name says enough.
        if !table.is_empty() {
            text.push('{');
            let frame = Frame {
                source: Source::Set(table),
                taken: 0,
                close: "}",
            };
            show(cx, &mut text, view, frame)?;
        }
    } else if let Some(frame) = open(&mut text, view.value()) {
        show(cx, &mut text, view, frame)?;
    }
    text.push(')');
    cx.str(&text)
}

fn show<'a>(cx: Cx<'_>, text: &mut String, view: &'a View, first: Frame<'a>) -> PyResult<()> {
    let mut frames = vec![first];
    let mut left = MOST;
    while let Some(frame) = frames.last_mut() {
        let Some(node) = frame.next() else {
            text.push_str(frame.close);
            frames.pop();
            continue;
        };
        text.push_str(frame.separator());
        if left == 0 || text.len() > ENOUGH {
            text.push_str("...");
            for frame in frames.iter().rev() {
                text.push_str(frame.close);
            }
            return Ok(());
        }
        frame.taken += 1;
        let value = view.arena.read(node);
        if frames.len() >= DEEPEST && has_parts(&value) {
            text.push_str("...");
            left -= 1;
        } else if let Some(frame) = open(text, value) {
            frames.push(frame);
            left -= 1;
        } else if !has_parts(&value) {
            text.push_str(&leaf(cx, &value)?);
            left -= 1;
        }
    }
    Ok(())
}

/// Begins a container. `None`: it has no parts, or is empty and all there.
fn open<'a>(text: &mut String, value: Value<'a>) -> Option<Frame<'a>> {
    let (source, empty, brackets, close) = match value {
        Value::List(items) => (Source::Items(items), items.is_empty(), "[", "]"),
        Value::Tuple(items) if items.len() == 1 => (Source::Items(items), false, "(", ",)"),
        Value::Tuple(items) => (Source::Items(items), items.is_empty(), "(", ")"),
        Value::Dict(table) => (Source::Dict(table), table.is_empty(), "{", "}"),
        Value::Set(table) if table.is_empty() => (Source::Set(table), true, "set(", ")"),
        Value::Set(table) => (Source::Set(table), false, "{", "}"),
        Value::FrozenSet(table) if table.is_empty() => {
            (Source::Set(table), true, "frozenset(", ")")
        }
        Value::FrozenSet(table) => (Source::Set(table), false, "frozenset({", "})"),
        _ => return None,
    };
    text.push_str(brackets);
    if empty {
        text.push_str(close);
        return None;
    }
    Some(Frame {
        source,
        taken: 0,
        close,
    })
}

fn has_parts(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Set(_) | Value::FrozenSet(_)
    )
}

fn leaf(cx: Cx<'_>, value: &Value<'_>) -> PyResult<String> {
    let (object, cut) = match value {
        Value::Text(text) if text.data.len() > LONGEST => {
            let part = cx.part_of_text(text.width, &text.data[..LONGEST])?;
            (part, true)
        }
        Value::Bytes(data) if data.len() > LONGEST => (cx.bytes(&data[..LONGEST])?, true),
        // CPython refuses to write very long numbers in the decimal system.
        Value::Big(big) if big.magnitude.len() > LONGEST => {
            return Ok(format!("<int of {} bytes>", big.magnitude.len()));
        }
        _ => (plain(cx, value)?, false),
    };
    let shown = object.get().repr(cx.py())?.get().display(cx.py());
    Ok(if cut { shown + "..." } else { shown })
}
