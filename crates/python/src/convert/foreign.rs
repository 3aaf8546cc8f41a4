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
use crate::py::{Cx, Owned, PyResult, Raised, Ref};
use crate::types::keeper;

/// Areas of an object of an extension.
pub(crate) struct Foreign {
    hold: Hold,
    windows: Box<[Arc<Window>]>,
    /// Where borrowers import the type from.
    module: String,
    qualname: String,
    owner: i64,
    kind: String,
}

/// What keeps the areas valid.
enum Hold {
    /// They were acquired from the object.
    Acquired(Acquired, Life),
    /// The object was itself rebuilt over areas of this share: it goes on without its interpreter.
    Origin(AnyShare),
}

impl Foreign {
    pub(crate) fn windows(&self) -> &[Arc<Window>] {
        &self.windows
    }
}

impl Resource for Foreign {
    fn release(self) {
        if let Hold::Acquired(acquired, life) = self.hold {
            if !life.is_over() {
                // SAFETY: in the owner, under its GIL: nowhere else is the last share of it dropped while the
                // owner lives.
                unsafe { acquired.release() }
            }
        }
    }

    fn orphan(&self) -> Fate {
        match &self.hold {
            // Nobody could run the extension's release any more: the object stays, and its memory with it.
            Hold::Acquired(_, life) => life.end(Fate::Pinned),
            Hold::Origin(_) => Fate::Adopted,
        }
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
        raised.with_note(py, || {
            format!("interlane was sharing {}: acquire of {kind}", path())
        })
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
    let origin = origin(cx, &windows);
    let nbytes = windows.iter().map(|window| window.nbytes()).sum();
    let foreign = |hold| Foreign {
        hold,
        windows,
        module: table.module,
        qualname: table.qualname,
        owner: cx.state.interpreter().id(),
        kind: kind.clone(),
    };
    if let Some(origin) = origin {
        // SAFETY: as above.
        unsafe { acquired.release() };
        return Ok(Some(Share::unowned(foreign(Hold::Origin(origin)), nbytes)));
    }
    let foreign = foreign(Hold::Acquired(acquired, Life::default()));
    match packing.share(cx, foreign, nbytes) {
        Ok(share) => Ok(Some(share)),
        Err(foreign) => {
            foreign.release(); // attached to the interpreter that it was just acquired in
            Err(refuse("this interpreter is ending"))
        }
    }
}

/// The share that keeps all these areas, when they are memory that this interpreter has borrowed. What is sent on is
/// then the owner's memory, as with any view, and this interpreter may end without anybody noticing.
fn origin(cx: Cx<'_>, windows: &[Arc<Window>]) -> Option<AnyShare> {
    let filled = windows.iter().filter(|window| window.nbytes() > 0);
    let memory = filled
        .map(|window| window.span())
        .collect::<Option<Vec<_>>>()?;
    let here = cx.state.interpreter();
    let origin = here.keepers().find(&memory)?;
    let is_ours = origin
        .owner()
        .is_some_and(|owner| Arc::ptr_eq(owner, &here.owner));
    (!is_ours).then_some(origin)
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
    let kept = match (whole, &share.hold) {
        (Some(whole), _) => whole,
        (None, Hold::Origin(origin)) => origin,
        (None, Hold::Acquired(..)) => share.as_any(),
    };
    let keeper = keeper::make(cx, kept.clone(), share.windows())?;
    table
        .rebuild(py, class_of.get(), share.windows(), keeper.get())
        .map_err(|raised| {
            raised.with_note(py, || {
                format!(
                    "interlane was rebuilding, with {module}.{qualname}, what interpreter {owner} shared"
                )
            })
        })
}
