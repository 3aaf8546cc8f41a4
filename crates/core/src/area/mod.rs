//! Memory that belongs to the process, and not to any one owner, and who may
//! use it.

mod memory;
mod pins;

pub use self::memory::Memory;
pub use self::pins::Pins;
