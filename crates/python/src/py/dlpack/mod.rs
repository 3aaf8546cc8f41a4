//! DLPack: arrays in capsules, as libraries for tensors exchange them.
//!
//! What this side exports needs no interpreter any more: its deleter may run anywhere. What it takes from others goes
//! back in the interpreter that it was taken in. Nothing that a producer says is believed before it was checked, except
//! that its pointers point somewhere.

mod give;
mod take;

use core::ffi::{CStr, c_void};

pub(crate) use self::give::capsule;
pub(crate) use self::take::Taken;

const PLAIN: &CStr = c"dltensor";
const VERSIONED: &CStr = c"dltensor_versioned";
/// The version whose structures these are; all of the same first number have them.
const VERSION: Version = Version { major: 1, minor: 0 };
const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 1 << 1;

/// The only kind of device whose memory interpreters share.
pub(crate) const CPU: i32 = 1;

/// The name of a kind of device.
pub(crate) fn device_name(kind: i32) -> &'static str {
    match kind {
        CPU => "CPU",
        2 => "CUDA",
        3 => "CUDA host",
        4 => "OpenCL",
        7 => "Vulkan",
        8 => "Metal",
        9 => "VPI",
        10 => "ROCm",
        11 => "ROCm host",
        13 => "CUDA managed",
        14 => "oneAPI",
        15 => "WebGPU",
        16 => "Hexagon",
        17 => "MAIA",
        _ => "of an unknown kind",
    }
}

/// `DLPackVersion`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Version {
    major: u32,
    minor: u32,
}

/// `DLDataType`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataType {
    pub(crate) code: u8,
    pub(crate) bits: u8,
    pub(crate) lanes: u16,
}

/// `DLDataTypeCode`.
pub(crate) mod code {
    pub(crate) const INT: u8 = 0;
    pub(crate) const UINT: u8 = 1;
    pub(crate) const FLOAT: u8 = 2;
    pub(crate) const COMPLEX: u8 = 5;
    pub(crate) const BOOL: u8 = 6;
}

/// `DLDevice`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Device {
    kind: i32,
    id: i32,
}

/// `DLTensor`.
#[repr(C)]
struct Tensor {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

type Deleter<M> = Option<unsafe extern "C-unwind" fn(*mut M)>;

/// `DLManagedTensor`.
#[repr(C)]
struct Plain {
    tensor: Tensor,
    context: *mut c_void,
    deleter: Deleter<Self>,
}

/// `DLManagedTensorVersioned`.
#[repr(C)]
struct Versioned {
    version: Version,
    context: *mut c_void,
    deleter: Deleter<Self>,
    flags: u64,
    tensor: Tensor,
}

/// How an array is to be exported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Export {
    pub(crate) dtype: DataType,
    /// Does the consumer know structures that say more than the first ones did?
    pub(crate) versioned: bool,
    pub(crate) readonly: bool,
    pub(crate) copied: bool,
}

trait Managed: Sized {
    const CAPSULE: &'static CStr;
    /// The name of a capsule whose structure was taken out.
    const USED: &'static CStr;
    fn new(tensor: Tensor, export: Export, deleter: Deleter<Self>) -> Self;
    fn tensor(&mut self) -> &mut Tensor;
    fn deleter(&self) -> Deleter<Self>;
}

impl Managed for Plain {
    const CAPSULE: &'static CStr = PLAIN;
    const USED: &'static CStr = c"used_dltensor";

    fn new(tensor: Tensor, _: Export, deleter: Deleter<Self>) -> Self {
        Self {
            tensor,
            context: core::ptr::null_mut(),
            deleter,
        }
    }

    fn tensor(&mut self) -> &mut Tensor {
        &mut self.tensor
    }

    fn deleter(&self) -> Deleter<Self> {
        self.deleter
    }
}

impl Managed for Versioned {
    const CAPSULE: &'static CStr = VERSIONED;
    const USED: &'static CStr = c"used_dltensor_versioned";

    fn new(tensor: Tensor, export: Export, deleter: Deleter<Self>) -> Self {
        let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
        Self {
            version: VERSION,
            context: core::ptr::null_mut(),
            deleter,
            flags: flag(export.readonly, READ_ONLY) | flag(export.copied, IS_COPIED),
            tensor,
        }
    }

    fn tensor(&mut self) -> &mut Tensor {
        &mut self.tensor
    }

    fn deleter(&self) -> Deleter<Self> {
        self.deleter
    }
}

impl DataType {
    /// What the buffer protocol calls items of this type.
    fn format(self) -> Option<&'static CStr> {
        Some(match (self.code, self.bits, self.lanes) {
            (code::INT, 8, 1) => c"b",
            (code::INT, 16, 1) => c"h",
            (code::INT, 32, 1) => c"i",
            (code::INT, 64, 1) => c"q",
            (code::UINT, 8, 1) => c"B",
            (code::UINT, 16, 1) => c"H",
            (code::UINT, 32, 1) => c"I",
            (code::UINT, 64, 1) => c"Q",
            (code::FLOAT, 16, 1) => c"e",
            (code::FLOAT, 32, 1) => c"f",
            (code::FLOAT, 64, 1) => c"d",
            (code::COMPLEX, 64, 1) => c"Zf",
            (code::COMPLEX, 128, 1) => c"Zd",
            (code::BOOL, 8, 1) => c"?",
            _ => return None,
        })
    }
}

impl core::fmt::Display for DataType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { code, bits, lanes } = self;
        let name = match *code {
            code::INT => "int",
            code::UINT => "uint",
            code::FLOAT => "float",
            4 => "bfloat",
            code::COMPLEX => "complex",
            code::BOOL => "bool",
            _ => return write!(f, "type {code} of {bits} bits, {lanes} lanes"),
        };
        write!(f, "{name}{bits}")?;
        if *lanes == 1 {
            Ok(())
        } else {
            write!(f, " times {lanes}")
        }
    }
}
