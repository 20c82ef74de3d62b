//! Processes: listeners, HTTP, TLS, and the gateway in front of services elsewhere.

use std::time::Duration;

// --- listeners and requests ---

/// `Retry-After` of a 503, in seconds.
pub const RETRY_AFTER_S: u32 = 1;
/// HTTP connections of a listener that are no sockets (yet); more are closed unserved.
pub const HTTP_CONNECTIONS: usize = 32_768;
/// Sockets and SockJS sessions of a process; more are refused with 429.
pub const SOCKETS: usize = 262_144;
/// Open files that no connection may take: they are for the log, the views and the accounts.
pub const FILES_KEPT: u64 = 512;
/// Headers of an HTTP/1 request.
pub const HTTP_HEADERS: usize = 100;
/// Time for the TLS handshake of a connection.
pub const TLS_HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How often the certificate's and the key's file are looked at for a change.
pub const TLS_RELOAD_INTERVAL: Duration = Duration::from_secs(3);
/// How long a browser remembers that this host is reached over TLS only.
pub const HSTS_S: u64 = 365 * 24 * 3600;
/// How long a browser may remember what a preflight said.
pub const CORS_MAX_AGE: Duration = Duration::from_secs(600);
/// Trusted proxies that a request is followed through, from the nearest on.
pub const PROXY_HOPS: usize = 16;
/// Time for which an HTTP answer may make no progress because its reader does not read.
pub const HTTP_STALL_TIME: Duration = Duration::from_secs(30);
/// Connections waiting to be accepted, a listener.
pub const BACKLOG: i32 = 4096;
/// Bytes of an HTTP/1 request's head.
pub const HTTP_HEAD_BYTES: usize = 32_768;
/// Time for an HTTP/1 request's head, and for an idle connection to begin the next one.
pub const HTTP_HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for an HTTP request, its body included.
pub const HTTP_TIME: Duration = Duration::from_secs(30);
/// How long sync may wait for something new, in seconds.
pub const SYNC_WAIT_S_MAX: u64 = 30;
/// Time for in-flight work to end after SIGTERM.
pub const DRAIN: Duration = Duration::from_secs(10);

// --- the gateway, in front of services in other processes ---

/// Addresses that a service may have.
pub const UPSTREAMS: usize = 256;
/// Time for a connection to a service in another process, its TLS handshake included.
pub const UPSTREAM_CONNECT_TIME: Duration = Duration::from_secs(1);
/// Time for the head of a service's answer; longer than a service takes to give up itself.
pub const UPSTREAM_ANSWER_TIME: Duration = Duration::from_secs(40);
/// Time for which the body of a service's answer may make no progress; longer than SockJS is silent.
pub const UPSTREAM_STALL_TIME: Duration = Duration::from_secs(60);
/// Addresses that a request is tried on when connections are refused.
pub const UPSTREAM_TRIES: usize = 3;
/// Between two looks at whether a service's process is well.
pub const UPSTREAM_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Time for it to say so.
pub const UPSTREAM_CHECK_TIME: Duration = Duration::from_secs(1);
/// Idle connections that are kept to a service's process.
pub const UPSTREAM_IDLE_CONNECTIONS: usize = 256;
/// For how long they are kept: less than `HTTP_HEAD_TIME`, so that no request meets the service's own end.
pub const UPSTREAM_IDLE_TIME: Duration = Duration::from_secs(5);
/// SockJS sessions over HTTP whose process is remembered: about 30 MB.
pub const SOCKJS_ROUTES: usize = 262_144;
/// How long it is remembered after the session's last request.
pub const SOCKJS_ROUTE_TIME: Duration = Duration::from_secs(60);
/// Bytes that are taken from one end of a tunnel at a time; what the other end does not take at once waits.
pub const TUNNEL_BYTES: usize = 16_384;
