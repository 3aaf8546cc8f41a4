//! Read-only bytes of the process, in pages that can be mapped any number of
//! times.
//!
//! ```text
//!    Pages      ┌ whole pages ─────────────────────┐       one mapping, never written to again
//!               └──────────────┬───────────────────┘
//!                              │ the same physical memory
//!    Alias  ┌ front ┬──────────┴───────────────────┬ back ┐     as many as are asked for
//!           └───────┴──────────────────────────────┴──────┘
//!              own    bytes of the range                zero
//! ```
//!
//! An [`Alias`] is for whoever needs bytes of its own directly in front of the
//! contents, and a zero behind: the header of an object, say. What of the range
//! does not fill a page is copied into it.
//!
//! Only Linux can do this; elsewhere [`Pages::alias`] always declines. It also
//! declines when mappings run short: the process may have some ten thousands
//! of them, and what is mapped here is kept to half of that.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod imp;
#[cfg(not(target_os = "linux"))]
#[path = "portable.rs"]
mod imp;

pub use self::imp::{Alias, Filling, Pages};

/// The least bytes that an alias is made of: below, copying them is cheaper
/// than mapping them.
pub const LEAST_ALIAS: usize = 64 * 1024;
