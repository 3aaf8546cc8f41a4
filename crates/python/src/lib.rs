//! The extension `interlane._core`: what CPython sees of interlane.
//!
//! `py` is the binding layer, the only code that names `pyo3_ffi`; `types` has a file per Python class,
//! `convert` a file per family of values, `runtime` the record of each interpreter.

mod convert;
mod errors;
mod functions;
mod py;
mod runtime;
mod state;
mod types;

use py::{Cx, PyResult, Ref, module};

static MODULE: module::Definition = module::Definition::new(
    c"interlane._core",
    c"Channels and zero-copy sharing between interpreters: the compiled part of interlane.",
    functions::TABLE,
);

/// Fills the module of one interpreter.
fn execute(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    cx.state.errors.add(cx, module)?;
    types::add(cx, module)?;
    cx.state.registry.set(cx.dict()?);
    cx.state.tables.set(cx.dict()?);
    let flags = cx.import(c"sys")?.get().attribute(cx.py(), c"flags")?;
    let dev_mode = flags.get().attribute(cx.py(), c"dev_mode")?;
    cx.state.dev_mode.set(dev_mode.get().is_true(cx.py())?);
    cx.state.dunder_share.set(cx.str("__share__")?);
    cx.state
        .dunder_c_share
        .set(cx.str(&py::foreign::TYPE_ATTRIBUTE.to_string_lossy())?);
    for (global, name) in [
        (&cx.state.arrow_c_array, "__arrow_c_array__"),
        (&cx.state.arrow_c_stream, "__arrow_c_stream__"),
        (&cx.state.dunder_dlpack, "__dlpack__"),
    ] {
        global.set(cx.str(name)?.interned(cx.py())?);
    }
    py::foreign::add(cx, module)?;
    let interpreter = runtime::Interpreter::current(cx.py())?;
    cx.state.set_interpreter(interpreter);
    py::interp::at_exit(cx.py(), module, c"_at_exit")?;
    cx.state.interpreter().watch_threads(cx.py())
}

/// Entry point of the import system.
///
/// # Safety
/// Called by CPython only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit__core() -> *mut core::ffi::c_void {
    MODULE.init()
}
