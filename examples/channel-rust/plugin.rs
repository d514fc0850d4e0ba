//! A channel in Rust: every message becomes a datagram to a syslog server. The host calls the `extern "C"` functions at the
//! end, one after the other for an instance; each of them stops panics, because none may cross into the host.
mod abi;
mod json;

use abi::*;
use std::ffi::c_void;
use std::io::ErrorKind;
use std::mem::size_of;
use std::net::{SocketAddr, UdpSocket};
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};

const SCHEMA: &[u8] = br#"{
  "title": "Syslog server",
  "description": "Each message is a line of RFC 5424 in a datagram.",
  "type": "object", "additionalProperties": false, "required": ["server"],
  "properties": {
    "server": {"title": "Server", "description": "Address and port: 192.0.2.7:514, [2001:db8::7]:514", "type": "string",
               "pattern": "^[0-9A-Fa-f.:\\[\\]]+$", "maxLength": 64}}
}"#;
const SCHEMA_JSON: [u8; SCHEMA.len() + 1] = terminated(SCHEMA);

const fn terminated<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let mut i = 0;
    while i < text.len() {
        out[i] = text[i];
        i += 1;
    }
    out
}

/// Facility local0, severity informational; no time, host, application, process or message id: the server fills those in.
const HEADER: &[u8] = b"<134>1 - - dtukit - - - ";
const LONGEST_DATAGRAM: usize = 65_507;

/// A failure as the host wants it.
struct Failure {
    status: Status,
    flags: u32,
    text: String,
}

type Outcome = Result<(), Failure>;

fn failure(status: Status, text: String) -> Failure {
    Failure { status, flags: 0, text }
}

struct Syslog {
    host: &'static Host,
    instance: Instance,
    server: SocketAddr,
    socket: UdpSocket,
    degraded: bool,
    sent: u64,
    failed: u64,
}

impl Syslog {
    fn new(host: &'static Host, instance: Instance, config: &[u8]) -> Result<Syslog, Failure> {
        let server = server_of(config)?;
        let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any)
            .and_then(|socket| {
                socket.set_nonblocking(true)?;
                socket.connect(server)?;
                Ok(socket)
            })
            .map_err(|e| Failure { status: E_IO, flags: ERR_RETRYABLE, text: format!("no way to {}: {}", server, e) })?;
        Ok(Syslog { host, instance, server, socket, degraded: false, sent: 0, failed: 0 })
    }

    /// How many were taken, and whether that was all there is room for. What cannot be sent now stays with the host.
    fn send(&mut self, msgs: &[Msg]) -> (u32, Status) {
        for (i, msg) in msgs.iter().enumerate() {
            // Valid within this call, like all of the message.
            let payload = unsafe { msg.payload.bytes() };
            let status = self.send_one(payload);
            if status == AGAIN {
                return (i as u32, AGAIN);
            }
            if msg.token != 0 {
                let done = Completion {
                    struct_size: size_of::<Completion>() as u32,
                    status,
                    token: msg.token,
                    error: std::ptr::null(),
                };
                (self.host.complete)(self.instance, &done);
            }
        }
        (msgs.len() as u32, OK)
    }

    fn send_one(&mut self, payload: &[u8]) -> Status {
        if HEADER.len() + payload.len() > LONGEST_DATAGRAM {
            self.failed += 1;
            return E_INVALID; // will never fit: the host counts it as rejected
        }
        let datagram = [HEADER, payload].concat();
        // A server that refused the datagram before is told of by this call; that one is gone, this one gets its chance.
        let outcome = match self.socket.send(&datagram) {
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => self.socket.send(&datagram).and(Err(e)),
            other => other.map(|_| ()),
        };
        match outcome {
            Ok(()) => {
                self.state(None);
                self.sent += 1;
                OK
            }
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => {
                self.state(Some(format!("nobody listens at {}: what was sent there is lost", self.server)));
                self.sent += 1;
                OK
            }
            Err(e) => {
                self.state(Some(format!("cannot send to {}: {}", self.server, e)));
                self.failed += 1;
                E_IO // the host keeps the message and sends it again
            }
        }
    }

    /// Reports a change of state, and only a change.
    fn state(&mut self, trouble: Option<String>) {
        if trouble.is_some() == self.degraded {
            return;
        }
        self.degraded = trouble.is_some();
        match trouble {
            None => report(self.host, self.instance, STATE_UP, std::ptr::null()),
            Some(text) => {
                let error = error_of(&failure(E_IO, text));
                report(self.host, self.instance, STATE_DEGRADED, &error);
            }
        }
    }

    fn health(&self) -> String {
        format!(r#"{{"server": "{}", "sent": {}, "failed": {}}}"#, self.server, self.sent, self.failed)
    }
}

fn server_of(config: &[u8]) -> Result<SocketAddr, Failure> {
    let server = json::text_member(&String::from_utf8_lossy(config), "server").unwrap_or_default();
    server.parse().map_err(|_| {
        failure(E_INVALID, format!("/server: \"{}\" is no address with a port, such as 192.0.2.7:514", server))
    })
}

/// Tells the host how the instance is. The host reads both structs within the call.
fn report(host: &Host, instance: Instance, state: i32, error: *const Error) {
    let told = State { struct_size: size_of::<State>() as u32, state, source: 0, error };
    (host.report)(instance, &told);
}

fn error_of(failure: &Failure) -> Error {
    let mut message = [0; 240];
    let mut end = failure.text.len().min(message.len() - 1);
    while !failure.text.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].copy_from_slice(&failure.text.as_bytes()[..end]);
    Error { struct_size: size_of::<Error>() as u32, code: failure.status, flags: failure.flags, protocol_code: 0, message }
}

/// Runs `body`, stops a panic, and fills in `error` (which may be null) when it failed.
fn guarded(error: *mut Error, body: impl FnOnce() -> Outcome) -> Status {
    let outcome = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(failure(E_INTERNAL, "the plugin panicked; standard error says where".into())));
    match outcome {
        Ok(()) => OK,
        Err(failure) => {
            if !error.is_null() {
                unsafe { error.write(error_of(&failure)) };
            }
            failure.status
        }
    }
}

fn at<'a>(instance: *mut c_void) -> &'a mut Syslog {
    unsafe { &mut *(instance as *mut Syslog) } // what create() made, and only one call at a time
}

extern "C" fn create(host: *const Host, instance: Instance, config: Str, out: *mut *mut c_void, error: *mut Error) -> Status {
    guarded(error, || {
        // The host's table lives longer than the instance.
        let made = Syslog::new(unsafe { &*host }, instance, unsafe { config.bytes() })?;
        unsafe { *out = Box::into_raw(Box::new(made)) as *mut c_void };
        Ok(())
    })
}

extern "C" fn start(me: *mut c_void, error: *mut Error) -> Status {
    guarded(error, || {
        report(at(me).host, at(me).instance, STATE_UP, std::ptr::null());
        Ok(())
    })
}

extern "C" fn stop(_me: *mut c_void, _deadline_ms: u32, _error: *mut Error) -> Status {
    OK // nothing is under way: send() completes what it takes
}

extern "C" fn destroy(me: *mut c_void) {
    guarded(std::ptr::null_mut(), || {
        drop(unsafe { Box::from_raw(me as *mut Syslog) });
        Ok(())
    });
}

extern "C" fn send(me: *mut c_void, msgs: *const Msg, n: u32, taken: *mut u32, error: *mut Error) -> Status {
    let mut status = OK;
    let outcome = guarded(error, || {
        let (count, full) = at(me).send(unsafe { std::slice::from_raw_parts(msgs, n as usize) });
        unsafe { *taken = count };
        status = full;
        Ok(())
    });
    if outcome != OK {
        (at(me).host.log)(at(me).instance, LOG_ERROR, Str::of("send failed"));
        return outcome;
    }
    status
}

extern "C" fn health(me: *mut c_void, out: Out, ctx: *mut c_void) -> Status {
    guarded(std::ptr::null_mut(), || {
        out(ctx, Str::of(&at(me).health()));
        Ok(())
    })
}

static OPS: Ops = Ops {
    struct_size: size_of::<Ops>() as u32,
    reserved: 0,
    start,
    stop,
    destroy,
    writable: None,
    health: Some(health),
};
static CHANNEL: Channel = Channel { struct_size: size_of::<Channel>() as u32, reserved: 0, send, flush: None };
static IFACES: [Iface; 1] =
    [Iface { id: CHANNEL_IFACE.as_ptr() as *const c_char, table: &CHANNEL as *const Channel as *const c_void }];
static COMPONENT: Component = Component {
    struct_size: size_of::<Component>() as u32,
    kind: KIND_CHANNEL,
    type_name: b"syslog\0".as_ptr() as *const c_char,
    title: b"Syslog server\0".as_ptr() as *const c_char,
    config_schema: SCHEMA_JSON.as_ptr() as *const c_char,
    caps: CAP_CONNECTIONLESS,
    create,
    ops: &OPS,
    ifaces: IFACES.as_ptr(),
    iface_count: IFACES.len() as u64,
};
struct Components([*const Component; 1]);
unsafe impl Sync for Components {}
static COMPONENTS: Components = Components([&COMPONENT]);

/// The types in this file, for a host that does not want to open it to know.
#[used]
#[link_section = "dtu_types"]
static TYPES: [u8; 15] = *b"channel:syslog\0";

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static dtu_plugin_v0: Plugin = Plugin {
    magic: MAGIC,
    struct_size: size_of::<Plugin>() as u32,
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    min_host_minor: 0,
    reserved: 0,
    id: b"org.example.channel-syslog\0".as_ptr() as *const c_char,
    version: b"1.0.0\0".as_ptr() as *const c_char,
    vendor: b"Example Ltd\0".as_ptr() as *const c_char,
    license: b"Apache-2.0\0".as_ptr() as *const c_char,
    components: COMPONENTS.0.as_ptr(),
    component_count: 1,
};
