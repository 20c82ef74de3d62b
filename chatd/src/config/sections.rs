//! Every key: its default, meaning, unit and bound.

use super::key::{Bound, section};
use schema::limits;

section! {
    /// The process itself.
    Server = "server" {
        /// Where everything is kept; empty means ~/.local/share/chatd.
        data: String = String::new(), "folder", Bound::Chars(4096);
        /// The address that the eight services listen on; the admin API stays on loopback.
        bind: String = "127.0.0.1".to_owned(), "IP address", Bound::Chars(64);
        /// The gateway's port; the other services count on from it, the admin API is 10 above.
        port: u16 = 8080, "port", Bound::Range(1, 65508);
        /// Proxies in front of this server, as addresses or networks such as 10.0.0.0/8. Only they are believed when they say whose call they pass on.
        trusted_proxies: Vec<String> = Vec::new(), "IP address or network", Bound::Chars(64);
        /// The header in which they say it; the other one is never read, because a client can write it itself.
        forwarded_header: String = "x-forwarded-for".to_owned(), "word", Bound::OneOf(&["x-forwarded-for", "forwarded"]);
        /// Threads that serve requests and sockets; 0 means one a core.
        worker_threads: usize = 0, "threads", Bound::Range(0, 1024);
    }
}

section! {
    /// The engines that several processes share. All four are set, or none: then everything is kept in the data folder of one process. A text that begins with @ names a file that holds the URL; passwords stand in such files or in the environment, never in flags.
    Stores = "stores" {
        /// Where the log is, such as kafka://host:9092,host2:9092; kafkas:// is TLS, and user:password@ before the host is SASL.
        kafka: String = String::new(), "URL", Bound::Chars(4096);
        /// Where the history view is, such as cassandra://host:9042/chatd?dc=dc1; cassandras:// is TLS.
        cassandra: String = String::new(), "URL", Bound::Chars(4096);
        /// Where people, credentials and sessions are, such as postgres://user@host:5432/chatd?sslmode=verify-full.
        postgres: String = String::new(), "URL", Bound::Chars(4096);
        /// Where presence, tickets and shared rate limits are, such as redis://host:6379; rediss:// is TLS.
        redis: String = String::new(), "URL", Bound::Chars(4096);
    }
}

section! {
    /// Where the gateway finds services that are not in its process. Several addresses are several processes of the service. Empty means this process, if it runs the service, else the loopback address on the service's port counted from server.port.
    Gateway = "gateway" {
        /// Processes of the auth service.
        auth: Vec<String> = Vec::new(), "URLs", Bound::Chars(1024);
        /// Processes of the user service.
        user: Vec<String> = Vec::new(), "URLs", Bound::Chars(1024);
        /// Processes of the presence service.
        presence: Vec<String> = Vec::new(), "URLs", Bound::Chars(1024);
        /// Processes of the chat service.
        chat: Vec<String> = Vec::new(), "URLs", Bound::Chars(1024);
        /// Processes of the websocket service.
        websocket: Vec<String> = Vec::new(), "URLs", Bound::Chars(1024);
        /// Processes of the media service.
        media: Vec<String> = Vec::new(), "URLs", Bound::Chars(1024);
        /// Processes of the notification service.
        notification: Vec<String> = Vec::new(), "URLs", Bound::Chars(1024);
    }
}

section! {
    /// The link between processes: what is delivered to sockets elsewhere, and what they ask. It is encrypted where tls.certificate is set; else it belongs on loopback or on a network of its own.
    Link = "link" {
        /// The address that a process with the chat service listens on for links; empty means server.bind, on the process's lowest service port + 20, or in one data folder any free port of loopback.
        listen: String = String::new(), "address:port", Bound::Chars(128);
        /// The same as other processes reach it; empty means as it listens.
        advertise: String = String::new(), "host:port", Bound::Chars(256);
    }
}

section! {
    /// Encryption of all eight services; the admin API stays plain, on loopback. Both files are looked at every few seconds and taken anew when they change.
    Tls = "tls" {
        /// The certificate and its chain in PEM; empty means no TLS.
        certificate: String = String::new(), "file", Bound::Chars(4096);
        /// The certificate's private key in PEM, readable by nobody else.
        key: String = String::new(), "file", Bound::Chars(4096);
        /// The authorities, in PEM, of the certificates that other processes of the installation show; empty means the system's.
        ca: String = String::new(), "file", Bound::Chars(4096);
        /// A plain port that answers 308 to https and nothing else. -1 means 80 when server.port is 443, else none; 0 means none.
        redirect_port: i64 = -1, "port", Bound::Range(-1, 65535);
    }
}

section! {
    /// What is logged, to stderr.
    Log = "log" {
        /// How a line looks; auto means human on a terminal, else json.
        format: String = "auto".to_owned(), "word", Bound::OneOf(&["auto", "human", "json"]);
        /// Which lines are written, in the syntax of tracing's EnvFilter, such as info,chat=debug.
        filter: String = "info,fjall=warn,lsm_tree=warn".to_owned(), "filter", Bound::Chars(1024);
    }
}

section! {
    /// Credentials.
    Auth = "auth" {
        /// Cost of a stored password's BCrypt hash; each step doubles the work of a guess and of a login.
        bcrypt_cost: u32 = limits::BCRYPT_COST, "log2 of rounds", Bound::Range(10, 15);
    }
}

section! {
    /// What people may send, and how much of it. `GET /api/limits` lists these.
    Limits = "limits" {
        /// Calls a caller may make: by user when authenticated, else by address. 0 means no bound.
        requests_per_minute: u32 = limits::REQUESTS_PER_MINUTE, "calls a minute", Bound::Range(0, 10_000_000);
        /// Accounts an address may register. 0 means no bound.
        registrations_per_minute: u32 = limits::REGISTRATIONS_PER_MINUTE, "accounts a minute", Bound::Range(0, 10_000_000);
        /// People a caller may look up by phone number or username. 0 means no bound.
        lookups_per_minute: u32 = limits::LOOKUPS_PER_MINUTE, "look-ups a minute", Bound::Range(0, 10_000_000);
        /// Wrong passwords for one account. 0 means no bound.
        login_failures_per_account: u32 = limits::LOGIN_FAILURES_PER_ACCOUNT, "failures in 15 minutes", Bound::Range(0, 1_000_000);
        /// Wrong passwords from one address. 0 means no bound.
        login_failures_per_address: u32 = limits::LOGIN_FAILURES_PER_ADDRESS, "failures in 15 minutes", Bound::Range(0, 1_000_000);
        /// STOMP sends that a session may make, sustained. 0 means no bound.
        messages_per_second: u32 = limits::MESSAGES_PER_SECOND, "messages a second", Bound::Range(0, 1_000_000);
        /// STOMP sends that a session may make at once.
        messages_burst: u32 = limits::MESSAGES_BURST, "messages", Bound::Range(1, 1_000_000);
        /// Sockets of one user at once. 0 means no bound.
        sockets_per_user: usize = limits::SOCKETS_PER_USER, "sockets", Bound::Range(0, 1_000_000);
        /// Sockets and SockJS sessions of one address at once. 0 means no bound.
        sockets_per_address: usize = limits::SOCKETS_PER_ADDRESS, "sockets", Bound::Range(0, 1_000_000);
        /// Length of a message's content.
        content_chars: usize = limits::CONTENT_CHARS, "characters", Bound::Range(1, limits::CONTENT_CHARS_MAX as i64);
        /// Size of a STOMP frame, and of a WebSocket message.
        frame_bytes: usize = limits::FRAME_BYTES, "bytes", Bound::Range(4096, 1 << 20);
        /// Size of a JSON body.
        json_bytes: usize = limits::JSON_BYTES, "bytes", Bound::Range(4096, 16 << 20);
        /// Size of a message's metadata, as JSON.
        metadata_bytes: usize = limits::METADATA_BYTES, "bytes", Bound::Range(2, 65_536);
        /// Rows of a page that a caller may ask for.
        page_max: usize = limits::PAGE_MAX, "rows", Bound::Range(1, 1000);
        /// Size of an uploaded file. This build takes no uploads yet.
        upload_bytes: usize = limits::UPLOAD_BYTES, "bytes", Bound::Range(1, 1 << 30);
        /// Bytes waiting for a session that does not read; beyond, its socket is closed and may come back.
        outbox_bytes: usize = limits::OUTBOX_BYTES, "bytes", Bound::Range(65_536, 1 << 30);
        /// Time from the upgrade of a socket to its CONNECT frame.
        connect_deadline_s: u64 = limits::CONNECT_DEADLINE_S, "seconds", Bound::Range(1, 600);
    }
}

section! {
    /// Pages of other sites.
    Cors = "cors" {
        /// Origins whose pages may call the API and open sockets, such as https://chat.example.org, besides the server's own; * is all, without credentials.
        allowed_origins: Vec<String> = Vec::new(), "origins", Bound::Chars(256);
    }
}
