//! From objects to messages and back.
//!
//! A [`Message`] is what lies in a channel: it holds no Python object, so it can be made in one interpreter,
//! wait in none, and become objects in another.

pub(crate) mod binary;
pub(crate) mod capsule;
pub(crate) mod end;
mod foreign;
pub(crate) mod frozen;
pub(crate) mod item;
mod names;
pub(crate) mod object;
pub(crate) mod pages;
pub(crate) mod part;
pub(crate) mod pickle;
mod plan;
mod protocol;
pub(crate) mod same;
pub(crate) mod shared_buffer;
pub(crate) mod text;
pub(crate) mod tree;

use core::sync::atomic::AtomicUsize;
use std::sync::Arc;

use interlane_core::{AnyShare, Fate, Note, Resource, Share, Slip};

use crate::py::arrow::Buffer;
use crate::py::buffer::{Acquired, Window};
use crate::py::object::Kind;
use crate::py::{Cx, Owned, PyResult, Ref, shared_text};
use crate::runtime::lane::Fallback;
use crate::runtime::primitive::Primitive;
use crate::types::shared_buffer::moving::{self, Moving};
use crate::types::{self, area, remote, share, sync};

/// From how many bytes on `str` and `bytes` are shared instead of copied. One word, read and written whole:
/// relaxed, nothing else depends on it.
///
/// Sharing is cheaper from 1 KiB on, the least that can be shared (`benchmarks/threshold.py`); at 4 KiB the
/// difference is worth that a `SharedStr` arrives, and that the sender's object stays as long as it does.
pub(crate) static THRESHOLD: AtomicUsize = AtomicUsize::new(4 * 1024);

/// One item on its way. Sixteen bytes: a tag, and a whole number or an address, which the compiler passes in two
/// registers. With anything else in one of them, a byte or a float, it copies a byte and fifteen more, and to read those
/// together again costs the processor five nanoseconds.
pub(crate) enum Message {
    None,
    Ellipsis,
    NotImplemented,
    False,
    True,
    Int(i64),
    /// The bits of one.
    Float(u64),
    Text(Share<text::Text>),
    Bytes(Share<binary::Bytes>),
    Buffer(Share<binary::Buffer>),
    Part(Box<part::Part>),
    /// Arrives as `SharedBytes`.
    Piece(Box<pages::Piece>),
    /// Arrives as the very object where the GIL is the same.
    Same(Share<same::Same>),
    /// Arrives as what the extension that the type comes from builds over the areas.
    Foreign(Share<foreign::Foreign>),
    /// Arrives as the value of an object that is shared as a whole.
    Object(Share<object::Object>),
    /// Arrives as the `Share` itself.
    Handle(Share<object::Object>),
    /// Arrives as a `_Remote`, which stands behind a `Proxy`.
    Remote(Share<object::Object>),
    /// Arrives as a `Proxy`.
    Proxy(Share<object::Object>),
    End(Box<end::Transit>),
    /// With what a queue of the standard library's keeps of it.
    Item(Box<item::Item>),
    /// What is left of one whose sender has ended.
    Unbound(u64),
    /// Arrives as a `SharedBuffer` of the same memory.
    SharedBuffer(Box<shared_buffer::Transit>),
    /// The same, whose sender has it no more.
    Moving(Box<Moving>),
    /// Arrives as an `ArrowArray` or an `ArrowStream` of the same memory.
    Arrow(Box<capsule::Columns>),
    /// Arrives as the same lock, event, ...
    Primitive(Arc<Primitive>),
    /// Arrives as the same view of the same arena.
    Frozen(Box<frozen::Transit>),
    Pickle(Box<pickle::Pickled>),
    Tree(Box<tree::Tree>),
    /// A short tree without leaves.
    Note(Note),
    /// One with leaves, on its way: what is shared as a whole has none.
    Slip(Slip<Option<Message>>),
}

/// How objects are to be packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    pub(crate) fallback: Fallback,
    /// Do borrowers get to write to buffers?
    pub(crate) writable: bool,
    /// Is it the content of something that is shared as a whole? Then the whole has an owner, and its parts have
    /// none: their last share is the one in the content, which is dropped in the owner.
    pub(crate) whole: bool,
    /// Do data frames stay what they are, where that takes a pickle?
    pub(crate) frames: bool,
    /// Is nothing to be sent, and the question only whether it could be?
    pub(crate) only_asks: bool,
    /// Do the definitions of what is in a `__main__` that nobody can import go along, in a pickle?
    pub(crate) definitions: bool,
}

impl Packing {
    pub(crate) const PLAIN: Self = Self::with_fallback(Fallback::Refuse);
    pub(crate) const PROXIES: Self = Self::with_fallback(Fallback::Proxy);

    pub(crate) const fn with_fallback(fallback: Fallback) -> Self {
        Self {
            fallback,
            writable: false,
            whole: false,
            frames: true,
            only_asks: false,
            definitions: false,
        }
    }

    /// Are data frames pickled, of which only the columns could be shared otherwise?
    fn keeps_frames(self) -> bool {
        self.frames && self.fallback == Fallback::Pickle
    }

    /// A share of a resource that is owned as this packing says.
    fn share<R: Resource>(self, cx: Cx<'_>, resource: R, nbytes: usize) -> Result<Share<R>, R> {
        if self.whole {
            return Ok(Share::unowned(resource, nbytes));
        }
        Share::new(&cx.state.interpreter().owner, resource, nbytes)
    }
}

/// Makes a message of an object. Nothing has happened to the object when this fails.
#[inline]
pub(crate) fn pack(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Message> {
    if cx.state.interpreter().has_mates() {
        if let Some(share) = same::share(cx, object)? {
            return Ok(Message::Same(share));
        }
    } else if let Some(value) = object.exact_int(cx.py()) {
        // The most frequent ones.
        return Ok(Message::Int(value));
    }
    pack_value(cx, object, packing)
}

fn pack_value(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Message> {
    match object.kind() {
        Kind::None => Ok(Message::None),
        Kind::Bool(false) => Ok(Message::False),
        Kind::Bool(true) => Ok(Message::True),
        Kind::Ellipsis => Ok(Message::Ellipsis),
        Kind::NotImplemented => Ok(Message::NotImplemented),
        Kind::Float => Ok(Message::Float(object.as_float(cx.py())?.to_bits())),
        Kind::Int => match object.small_int(cx.py())? {
            Some(value) => Ok(Message::Int(value)),
            None => tree::pack(cx, object, packing),
        },
        Kind::Tuple | Kind::List | Kind::Dict | Kind::Set | Kind::FrozenSet | Kind::Complex => {
            tree::pack(cx, object, packing)
        }
        Kind::Other | Kind::Str | Kind::Bytes => match shared_already(cx, object, packing) {
            Some(message) => Ok(message),
            None => match leaf(cx, object, packing)? {
                Some(message) => Ok(message),
                None => tree::pack(cx, object, packing),
            },
        },
    }
}

/// As [`pack`], for an object that will be shared as a whole: text and bytes are areas of it, whatever their size.
fn pack_whole(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Message> {
    match object.kind() {
        Kind::Str => Ok(Message::Text(text::share_whole(cx, object))),
        Kind::Bytes => Ok(Message::Bytes(binary::share_whole(cx, object))),
        _ => pack(cx, object, packing),
    }
}

/// The value of a share that was made of this very object with `interlane.share` and still exists. Another share of
/// it is that one in turn only if its borrowers may do the same.
fn shared_already(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> Option<Message> {
    let share = object::of(cx, object)?;
    let as_good = !packing.whole || share.is_writable() == packing.writable;
    as_good.then_some(Message::Object(share))
}

/// The message of an object that goes as a whole, alone or inside a container, and was not [`shared_already`]. `None`:
/// it is copied, or rebuilt, or can't be shared.
fn leaf(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Option<Message>> {
    match object.kind() {
        Kind::Str => Ok(text::share(cx, object, packing).map(Message::Text)),
        Kind::Bytes => Ok(binary::share_bytes(cx, object, packing).map(Message::Bytes)),
        Kind::Other => {
            if let Some(message) = shared_text::forward(cx, object) {
                return Ok(Some(message));
            }
            if let Some(message) = pages::forward(cx, object) {
                return Ok(Some(message));
            }
            if let Some(share) = share::of(cx, object)? {
                return Ok(Some(Message::Handle(share)));
            }
            if let Some(share) = remote::of(cx, object) {
                return Ok(Some(Message::Remote(share)));
            }
            if let Some(transit) = end::clone(cx, object)? {
                return Ok(Some(Message::End(Box::new(transit))));
            }
            if let Some(transit) = types::shared_buffer::transit(cx, object)? {
                return Ok(Some(Message::SharedBuffer(Box::new(transit))));
            }
            if let Some(moving) = moving::moving(cx, object, packing.whole)? {
                return Ok(Some(Message::Moving(Box::new(moving))));
            }
            if let Some(columns) = types::arrow::transit(cx, object) {
                return Ok(Some(Message::Arrow(Box::new(columns))));
            }
            if let Some(transit) = types::frozen::transit(cx, object) {
                return Ok(Some(Message::Frozen(Box::new(transit))));
            }
            if let Some(primitive) = sync::of(cx, object) {
                return Ok(Some(Message::Primitive(primitive)));
            }
            // Where buffers are pickled, that is for the whole of what is sent to say.
            if Acquired::is_plain(object) && packing.fallback != Fallback::PickleBuffers {
                return buffer(cx, object, packing).map(Some);
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// The message of the memory of any buffer exporter, whatever else could be said about it.
pub(crate) fn pack_buffer(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Message> {
    buffer(cx, object, Packing::PLAIN)
}

/// The message of a buffer exporter.
fn buffer(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Message> {
    let packing = match packing.fallback {
        Fallback::PickleBuffers => item::buffer_packing(cx, object, packing)?,
        _ => packing,
    };
    if !packing.writable {
        if let Some(part) = area::forward(cx, object)? {
            return Ok(Message::Part(Box::new(part)));
        }
    }
    binary::share_buffer(cx, object, packing).map(Message::Buffer)
}

/// Makes the object of a message, in the interpreter that received it.
#[inline]
pub(crate) fn unpack(cx: Cx<'_>, message: Message) -> PyResult<Owned<'_>> {
    match message {
        // The most frequent ones. There is nothing to drop, which costs as much to find out as the rest.
        Message::Int(value) => {
            core::mem::forget(message);
            cx.int(value)
        }
        message => unpack_kept(cx, message, None),
    }
}

/// As [`unpack`], for the content of an object that is shared as a whole: what uses its memory keeps `whole`.
fn unpack_kept<'py>(
    cx: Cx<'py>,
    message: Message,
    whole: Option<&AnyShare>,
) -> PyResult<Owned<'py>> {
    match message {
        Message::None => Ok(cx.none()),
        Message::Ellipsis => Ok(cx.ellipsis()),
        Message::NotImplemented => Ok(cx.not_implemented()),
        Message::False => Ok(cx.bool(false)),
        Message::True => Ok(cx.bool(true)),
        Message::Int(value) => cx.int(value),
        Message::Float(bits) => cx.float(f64::from_bits(bits)),
        Message::Text(share) => {
            let characters = share.characters();
            let keeper = whole.cloned().unwrap_or_else(|| share.erase());
            shared_text::make(cx, characters, keeper)
        }
        Message::Bytes(share) => binary::copy(cx, &share),
        Message::Buffer(share) => {
            let memory = binary::memory(&share);
            let keeper = whole.cloned().unwrap_or_else(|| share.erase());
            area::view(cx, memory, keeper)
        }
        Message::Part(part) => part.open(cx),
        Message::Piece(piece) => piece.open(cx, whole),
        Message::Same(share) => same::open(cx, share),
        Message::Foreign(share) => foreign::rebuild(cx, share, whole),
        Message::Object(share) => object::value(cx, &share),
        Message::Handle(share) => share::make(cx, share),
        Message::Remote(share) => remote::make(cx, share),
        Message::Proxy(share) => {
            let class = cx
                .ours(c"interlane._proxy")?
                .get()
                .attribute(cx.py(), c"Proxy")?;
            class.get().call(cx.py(), [remote::make(cx, share)?.get()])
        }
        Message::End(transit) => end::open(cx, *transit),
        Message::Item(item) => item.open(cx),
        Message::Unbound(operation) => item::unbound(cx, operation),
        Message::SharedBuffer(transit) => transit.open(cx, whole),
        Message::Moving(moving) => moving.open(cx),
        Message::Arrow(columns) => columns.open(cx, whole),
        Message::Primitive(primitive) => sync::make(cx, primitive),
        Message::Frozen(transit) => transit.open(cx, whole),
        Message::Pickle(data) => pickle::load(cx, *data),
        Message::Tree(tree) => tree::unpack(cx, *tree, whole),
        Message::Note(note) => tree::unpack_note(cx, &note),
        Message::Slip(slip) => tree::unpack_slip(cx, slip),
    }
}

impl Message {
    /// The same once more.
    pub(crate) fn try_clone(&self, cx: Cx<'_>) -> PyResult<Self> {
        Ok(match self {
            Self::None => Self::None,
            Self::Ellipsis => Self::Ellipsis,
            Self::NotImplemented => Self::NotImplemented,
            Self::False => Self::False,
            Self::True => Self::True,
            Self::Int(value) => Self::Int(*value),
            Self::Float(bits) => Self::Float(*bits),
            Self::Text(share) => Self::Text(share.clone()),
            Self::Bytes(share) => Self::Bytes(share.clone()),
            Self::Buffer(share) => Self::Buffer(share.clone()),
            Self::Part(part) => Self::Part(part.clone()),
            Self::Piece(piece) => Self::Piece(piece.clone()),
            Self::Same(share) => Self::Same(share.clone()),
            Self::Foreign(share) => Self::Foreign(share.clone()),
            Self::Object(share) => Self::Object(share.clone()),
            Self::Handle(share) => Self::Handle(share.clone()),
            Self::Remote(share) => Self::Remote(share.clone()),
            Self::Proxy(share) => Self::Proxy(share.clone()),
            Self::End(transit) => Self::End(Box::new(transit.try_clone(cx)?)),
            Self::Item(_) | Self::Unbound(_) => unreachable!("is only ever in a queue"),
            Self::SharedBuffer(transit) => Self::SharedBuffer(transit.clone()),
            Self::Moving(_) => unreachable!("is never a part of what is shared as a whole"),
            Self::Arrow(columns) => Self::Arrow(columns.clone()),
            Self::Primitive(primitive) => Self::Primitive(primitive.clone()),
            Self::Frozen(transit) => Self::Frozen(transit.clone()),
            Self::Pickle(data) => Self::Pickle(Box::new(data.try_clone(cx)?)),
            Self::Tree(tree) => Self::Tree(Box::new(tree.try_clone(cx)?)),
            Self::Note(note) => Self::Note(note.clone()),
            Self::Slip(slip) => Self::Tree(Box::new(tree::Tree::of(cx, slip)?)),
        })
    }

    /// The owner of what is shared as a whole ends: makes this content independent of it, and says how far that
    /// went. In the owner, under its GIL.
    fn orphan(&self) -> Fate {
        match self {
            Self::Text(text) => text.keeper().orphan(),
            Self::Bytes(bytes) => bytes.keeper().orphan(),
            Self::Buffer(buffer) => Resource::orphan(&**buffer),
            Self::Foreign(foreign) => Resource::orphan(&**foreign),
            Self::SharedBuffer(transit) => capsule::orphan(&transit.keeper),
            Self::Arrow(columns) => capsule::orphan(&columns.keeper),
            Self::Pickle(data) => data.orphan(),
            Self::Tree(tree) => {
                let fates = tree.leaves().map(Self::orphan);
                fates.fold(Fate::Adopted, both)
            }
            _ => Fate::Adopted,
        }
    }

    /// The memory in it that others use in place, in the order in which it is met.
    pub(crate) fn each_area(&self, found: &mut dyn FnMut(Area<'_>)) {
        match self {
            Self::Text(share) => found(Area::Text(share.characters())),
            Self::Bytes(share) => found(Area::Bytes(share)),
            Self::Buffer(share) => found(Area::Buffer(share)),
            Self::Part(part) => found(Area::Part(part)),
            Self::Piece(piece) => found(Area::Piece(piece)),
            Self::Foreign(share) => share
                .windows()
                .iter()
                .for_each(|window| found(Area::Window(window))),
            Self::Object(share) => share.content().each_area(found),
            Self::Same(share) => share.value().each_area(found),
            Self::SharedBuffer(transit) => found(Area::Window(transit.window())),
            Self::Moving(moving) => found(Area::Window(moving.window())),
            Self::Arrow(columns) => columns
                .view
                .each_buffer(&mut |buffer| found(Area::Column(&buffer))),
            Self::Frozen(transit) => found(Area::Frozen(transit)),
            Self::Pickle(data) => data.each_area(found),
            Self::Tree(tree) => tree.leaves().for_each(|leaf| leaf.each_area(found)),
            Self::Slip(slip) => {
                let leaves = slip.read().1.iter().flatten();
                leaves.for_each(|leaf| leaf.each_area(found));
            }
            _ => {}
        }
    }
}

/// The fate of a whole with two parts.
fn both(one: Fate, other: Fate) -> Fate {
    match one {
        Fate::Adopted => other,
        Fate::Pinned => Fate::Pinned,
    }
}

/// One area of a message.
pub(crate) enum Area<'a> {
    Text(crate::py::text::Characters),
    Bytes(&'a binary::Bytes),
    Buffer(&'a binary::Buffer),
    Part(&'a part::Part),
    Piece(&'a pages::Piece),
    Window(&'a Arc<Window>),
    Column(&'a Buffer),
    Frozen(&'a frozen::Transit),
}

impl Area<'_> {
    pub(crate) fn nbytes(&self) -> usize {
        match self {
            Self::Text(characters) => characters.nbytes(),
            Self::Bytes(bytes) => bytes.bytes().len(),
            Self::Buffer(buffer) => buffer.layout().nbytes(),
            Self::Part(part) => part.nbytes(),
            Self::Piece(piece) => piece.nbytes(),
            Self::Window(window) => window.nbytes(),
            Self::Column(buffer) => buffer.nbytes(),
            Self::Frozen(transit) => transit.nbytes(),
        }
    }

    /// A view of it that is as good as the share that it is an area of.
    pub(crate) fn memory(&self) -> area::Memory {
        let window = |window| area::Memory::Window(Arc::new(window));
        let text = |text: &crate::py::text::Characters| {
            window(Window::of_numbers(text.data, text.length, text.width))
        };
        match self {
            Self::Text(characters) => text(characters),
            Self::Bytes(bytes) => {
                let data = bytes.bytes();
                window(Window::of_numbers(data.as_ptr(), data.len(), 1))
            }
            Self::Buffer(buffer) => binary::memory(buffer),
            Self::Piece(piece) => window(Window::of_numbers(piece.data(), piece.nbytes(), 1)),
            Self::Part(part::Part::Text(characters, _)) => text(characters),
            Self::Part(part::Part::Memory(shared, _)) => area::Memory::Window(Arc::clone(shared)),
            Self::Window(shared) => area::Memory::Window(Arc::clone(shared)),
            Self::Column(buffer) => window(buffer.window()),
            Self::Frozen(transit) => {
                let words = transit.words();
                let (start, size) = (words.as_ptr().cast(), size_of_val(words));
                window(Window::of_numbers(start, size, 1))
            }
        }
    }
}
