//! Types of extensions that opt in through `interlane.h`: areas acquired in the owner, an object rebuilt over them
//! in each borrower.

use std::borrow::Cow;
use std::sync::Arc;

use interlane_core::{AnyShare, Fate, Resource, Share};

use super::text::Life;
use super::{Packing, protocol};
use crate::errors::{Error, raise};
use crate::py::buffer::Window;
use crate::py::error::Builtin;
use crate::py::foreign::{Acquired, Table};
use crate::py::{Cx, Owned, PyResult, Raised, Ref, class};
use crate::types::keeper::Keeper;

/// Areas acquired from an object of an extension.
pub(crate) struct Foreign {
    acquired: Acquired,
    windows: Box<[Arc<Window>]>,
    /// Where borrowers import the type from.
    module: String,
    qualname: String,
    owner: i64,
    kind: String,
    life: Life,
}

impl Foreign {
    pub(crate) fn windows(&self) -> &[Arc<Window>] {
        &self.windows
    }
}

impl Resource for Foreign {
    fn release(self) {
        if !self.life.is_over() {
            // SAFETY: in the owner, under its GIL: nowhere else is the last share of it dropped while the owner
            // lives.
            unsafe { self.acquired.release() }
        }
    }

    fn orphan(&self) -> Fate {
        // Nobody could run the extension's release any more: the object stays, and its memory with it.
        self.life.end(Fate::Pinned)
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Owned(self.kind.clone())
    }
}

/// The table for instances of a class: that of its attribute, or one that was registered. `None`: there is none.
fn table(cx: Cx<'_>, class: Ref<'_>) -> PyResult<Option<Result<Table, String>>> {
    let py = cx.py();
    let capsule = match class.optional_attribute(py, cx.state.dunder_c_share.get(py)?)? {
        // How a subclass says that it is more than its base knows how to share.
        Some(none) if none.get().is_none() => return Ok(None),
        Some(capsule) => capsule,
        None => match protocol::in_mro(cx, cx.state.tables.get(py)?, class)? {
            Some(capsule) => capsule,
            None => return Ok(None),
        },
    };
    Ok(Some(Table::read(py, capsule.get(), class)))
}

/// A share of an object whose type has a table. `None`: it has none.
pub(super) fn share(
    cx: Cx<'_>,
    object: Ref<'_>,
    packing: Packing,
    path: impl Fn() -> String,
) -> PyResult<Option<Share<Foreign>>> {
    let py = cx.py();
    let Some(table) = table(cx, object.class(py).get())? else {
        return Ok(None);
    };
    let kind = object.class_name(py);
    let refuse = |what: &str| {
        let message = format!("{}: {kind} can't be shared: {what}", path());
        raise(cx, Error::NotShareable, &message)
    };
    let table =
        table.map_err(|what| refuse(&format!("its table, __interlane_c_share__, {what}")))?;
    let acquired = table.acquire(py, object).map_err(|raised| {
        raised.with_note(
            py,
            &format!("interlane was sharing {}: acquire of {kind}", path()),
        )
    })?;
    let acquired = acquired.map_err(|what| refuse(&what))?;
    let windows = if packing.writable && acquired.is_readonly() {
        Err(Raised::builtin(
            py,
            Builtin::Buffer,
            &format!("{}: no area of {kind} is writable", path()),
        ))
    } else {
        acquired
            .describe(packing.writable)
            .map_err(|what| refuse(&what))
    };
    let windows = match windows {
        Ok(windows) => windows,
        Err(raised) => {
            // SAFETY: attached to the interpreter that it was just acquired in.
            unsafe { acquired.release() };
            return Err(raised);
        }
    };
    let nbytes = windows.iter().map(|window| window.nbytes()).sum();
    let foreign = Foreign {
        acquired,
        windows,
        module: table.module,
        qualname: table.qualname,
        owner: cx.state.interpreter().id(),
        kind: kind.clone(),
        life: Life::default(),
    };
    match packing.share(cx, foreign, nbytes) {
        Ok(share) => Ok(Some(share)),
        Err(foreign) => {
            foreign.release(); // attached to the interpreter that it was just acquired in
            Err(refuse("this interpreter is ending"))
        }
    }
}

/// The object for the current interpreter, which keeps the share, or that of the whole that it is a part of.
pub(super) fn rebuild<'py>(
    cx: Cx<'py>,
    share: Share<Foreign>,
    whole: Option<&AnyShare>,
) -> PyResult<Owned<'py>> {
    let py = cx.py();
    let Foreign {
        module,
        qualname,
        owner,
        ..
    } = &*share;
    let class_of = protocol::import(cx, module, qualname, *owner)?;
    let here = cx.state.interpreter().id();
    let broken = |what: &str| {
        let message = format!(
            "{module}.{qualname} of interpreter {here} cannot rebuild what interpreter {owner} shared: {what}"
        );
        Raised::builtin(py, Builtin::System, &message)
    };
    if !class_of.get().is_class() {
        return Err(broken("it is no type"));
    }
    let table = match table(cx, class_of.get())? {
        Some(table) => table.map_err(|what| broken(&format!("its table {what}")))?,
        None => return Err(broken("it has no __interlane_c_share__")),
    };
    let kept = whole.cloned().unwrap_or_else(|| share.as_any().clone());
    let held = cx.state.interpreter().hold(kept);
    let keeper = class::instantiate(cx, Keeper { held })?;
    table
        .rebuild(py, class_of.get(), share.windows(), keeper.get())
        .map_err(|raised| {
            let note = format!(
                "interlane was rebuilding, with {module}.{qualname}, what interpreter {owner} shared"
            );
            raised.with_note(py, &note)
        })
}
