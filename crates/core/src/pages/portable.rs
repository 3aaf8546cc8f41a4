//! Where nothing can be mapped twice: all is copied into ordinary memory.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;

/// Bytes of the process, which nobody writes to. See the module.
#[derive(Debug)]
pub struct Pages(Box<[u8]>);

/// Bytes on their way into [`Pages`].
#[derive(Debug, Default)]
pub struct Filling(Vec<u8>);

/// There is none.
#[derive(Debug)]
pub enum Alias {}

impl Pages {
    /// `None`: there are no mappings here.
    ///
    /// # Errors
    ///
    /// None.
    pub fn copy_of(_data: &[u8]) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// Keeps a copy in ordinary memory.
    pub fn heap(data: Box<[u8]>) -> Self {
        Self(data)
    }

    /// How many bytes they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether they are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the bytes are, as long as these pages exist.
    pub fn data(&self) -> *const u8 {
        self.0.as_ptr()
    }

    /// `None`: nothing can be mapped again here.
    pub fn alias(&self, _range: Range<usize>, _front: usize) -> Option<Alias> {
        None
    }

    /// There is none.
    pub fn give_back(&self, alias: Alias) {
        match alias {}
    }
}

impl Filling {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let more = self.0.try_reserve(data.len());
        more.map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.0.extend_from_slice(data);
        Ok(())
    }

    /// The pages with what was added.
    ///
    /// # Errors
    ///
    /// None.
    pub fn finish(self) -> io::Result<Pages> {
        Ok(Pages::heap(self.0.into_boxed_slice()))
    }
}

impl Alias {
    /// Where the contents start.
    pub fn data(&self) -> NonNull<u8> {
        match *self {}
    }
}
