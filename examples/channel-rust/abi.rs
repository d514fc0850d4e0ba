//! What this plugin uses of the C headers of dtukit, ABI 0.2: abi.h, host.h, channel.h. Fields it never touches are there all
//! the same: the layout is the ABI. Functions it never calls are declared as plain pointers.
use std::ffi::c_void;
use std::mem::size_of;
use std::os::raw::c_char;

pub const MAGIC: u32 = 0x5055_5444;
pub const ABI_MAJOR: u16 = 0;
pub const ABI_MINOR: u16 = 2;

pub type Status = i32;
pub const OK: Status = 0;
pub const AGAIN: Status = -1;
pub const E_INVALID: Status = -2;
pub const E_IO: Status = -4;
pub const E_INTERNAL: Status = -8;

pub const ERR_RETRYABLE: u32 = 1;
pub const STATE_UP: i32 = 2;
pub const STATE_DEGRADED: i32 = 3;
pub const LOG_ERROR: i32 = 3;
pub const KIND_CHANNEL: u32 = 1;
pub const CAP_CONNECTIONLESS: u64 = 8;
pub const CHANNEL_IFACE: &[u8] = b"dtu.channel/1\0";

/// Text of the other side: UTF-8, not terminated, valid during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub ptr: *const u8,
    pub len: u64,
}

impl Str {
    pub fn of(text: &str) -> Str {
        Str { ptr: text.as_ptr(), len: text.len() as u64 }
    }
    /// # Safety
    /// The bytes must outlive what is made of them: use it within the call that brought them.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.len == 0 {
            return &[];
        }
        std::slice::from_raw_parts(self.ptr, self.len as usize)
    }
}

#[repr(C)]
pub struct Error {
    pub struct_size: u32,
    pub code: Status,
    pub flags: u32,
    pub protocol_code: u32,
    pub message: [u8; 240],
}

#[repr(C)]
pub struct Msg {
    pub token: u64,
    pub source: u64,
    pub time_ns: i64,
    pub route: Str,
    pub payload: Str,
    pub owner: *mut c_void,
    pub props: *const c_void,
    pub prop_count: u32,
    pub flags: u32,
    pub device: Str,
    pub latest_ns: i64,
    pub reserved: [u64; 2],
}

#[repr(C)]
pub struct Completion {
    pub struct_size: u32,
    pub status: Status,
    pub token: u64,
    pub error: *const Error,
}

#[repr(C)]
pub struct State {
    pub struct_size: u32,
    pub state: i32,
    pub source: u64,
    pub error: *const Error,
}

/// The host's name of an instance; opaque.
pub type Instance = *mut c_void;
type Unused = *const c_void;

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub log: extern "C" fn(Instance, i32, Str),
    pub buf_alloc: Unused,
    pub buf_ref: Unused,
    pub buf_unref: Unused,
    pub emit: Unused,
    pub complete: extern "C" fn(Instance, *const Completion),
    pub writable: extern "C" fn(Instance, u64),
    pub report: extern "C" fn(Instance, *const State),
    pub reply: Unused,
    pub service: Unused,
    pub monotonic_ns: Unused,
}

pub type Out = extern "C" fn(*mut c_void, Str);

#[repr(C)]
pub struct Ops {
    pub struct_size: u32,
    pub reserved: u32,
    pub start: extern "C" fn(*mut c_void, *mut Error) -> Status,
    pub stop: extern "C" fn(*mut c_void, u32, *mut Error) -> Status,
    pub destroy: extern "C" fn(*mut c_void),
    pub writable: Option<extern "C" fn(*mut c_void, u64)>,
    pub health: Option<extern "C" fn(*mut c_void, Out, *mut c_void) -> Status>,
}

#[repr(C)]
pub struct Channel {
    pub struct_size: u32,
    pub reserved: u32,
    pub send: extern "C" fn(*mut c_void, *const Msg, u32, *mut u32, *mut Error) -> Status,
    pub flush: Option<extern "C" fn(*mut c_void, u32, *mut Error) -> Status>,
}

#[repr(C)]
pub struct Iface {
    pub id: *const c_char,
    pub table: *const c_void,
}

#[repr(C)]
pub struct Component {
    pub struct_size: u32,
    pub kind: u32,
    pub type_name: *const c_char,
    pub title: *const c_char,
    pub config_schema: *const c_char,
    pub caps: u64,
    pub create: extern "C" fn(*const Host, Instance, Str, *mut *mut c_void, *mut Error) -> Status,
    pub ops: *const Ops,
    pub ifaces: *const Iface,
    pub iface_count: u64,
}

#[repr(C)]
pub struct Plugin {
    pub magic: u32,
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub min_host_minor: u16,
    pub reserved: u16,
    pub id: *const c_char,
    pub version: *const c_char,
    pub vendor: *const c_char,
    pub license: *const c_char,
    pub components: *const *const Component,
    pub component_count: u64,
}

// Constant data with pointers in it, which Rust does not take for shareable by itself.
unsafe impl Sync for Iface {}
unsafe impl Sync for Component {}
unsafe impl Sync for Plugin {}

macro_rules! layout {
    ($type:ty, $size:expr $(, $field:ident $offset:expr)*) => {
        const _: () = assert!(size_of::<$type>() == $size);
        $(
            #[cfg(offset_of)]
            const _: () = assert!(std::mem::offset_of!($type, $field) == $offset);
        )*
    };
}

layout!(Error, 256, code 4, flags 8, protocol_code 12, message 16);
#[cfg(target_pointer_width = "64")]
mod lp64 {
    use super::*;
    layout!(Str, 16, len 8);
    layout!(Msg, 120, source 8, time_ns 16, route 24, payload 40, owner 56, props 64, prop_count 72, flags 76, device 80,
            latest_ns 96, reserved 104);
    layout!(Completion, 24, status 4, token 8, error 16);
    layout!(State, 24, state 4, source 8, error 16);
    layout!(Host, 96, abi_major 4, abi_minor 6, log 8, emit 40, complete 48, writable 56, report 64, reply 72, service 80,
            monotonic_ns 88);
    layout!(Ops, 48, start 8, stop 16, destroy 24, writable 32, health 40);
    layout!(Channel, 24, send 8, flush 16);
    layout!(Iface, 16, table 8);
    layout!(Component, 72, type_name 8, title 16, config_schema 24, caps 32, create 40, ops 48, ifaces 56, iface_count 64);
    layout!(Plugin, 64, abi_major 8, min_host_minor 12, id 16, version 24, license 40, components 48, component_count 56);
}
