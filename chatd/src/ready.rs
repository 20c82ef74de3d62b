//! What goes to stdout: the ready line, the addresses, and a first message to paste.

use crate::exit::{Exit, Failure};
use crate::ports::{Addresses, Service};
use crate::roles::Roles;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

/// The text of a process that is ready.
pub(crate) fn text(addresses: Addresses, roles: &Roles, data: &Path, took: Duration) -> String {
    let mut text = format!("chatd ready in {} ms\n\n", took.as_millis());
    for service in roles.iter() {
        let _ = writeln!(text, "  {:<13} {}", service.name(), addresses.url(service));
    }
    if let Some(port) = addresses.redirect {
        let _ = writeln!(text, "  {:<13} port {port} sends everybody to https", "redirect");
    }
    let _ = writeln!(text, "  {:<13} http://{}", "admin", addresses.admin());
    let _ = writeln!(text, "  {:<13} {}", "data", data.display());
    if !roles.has(Service::Gateway) || !roles.has(Service::Auth) {
        return text; // people and their messages come by other processes
    }
    let chatctl = chatctl(addresses, data);
    let gateway = addresses.url(Service::Gateway);
    // A certificate is made for a name; this address is none.
    let curl = if addresses.encrypted { "curl -k" } else { "curl" };
    let _ = write!(
        text,
        r#"
A first message, to paste into another shell:

  {chatctl} user create --username user1 --if-not-exists && {chatctl} user create --username user2 --if-not-exists
  TOKEN=$({chatctl} token mint user1)
  {curl} -X POST {gateway}/api/chat/messages -H "Content-Type: application/json" -H "Authorization: Bearer $TOKEN" -d '{{"senderId":"user1","recipientId":"user2","content":"Hello!","messageType":"TEXT"}}'
"#
    );
    text
}

/// How chatctl is called here, with what it cannot know by itself.
fn chatctl(addresses: Addresses, data: &Path) -> String {
    // Cargo tells what it runs; then chatctl is a package beside us and may not be built yet.
    let mut call = match (std::env::var_os("CARGO").is_some(), cfg!(debug_assertions)) {
        (true, true) => "cargo run -q -p chatctl --".to_owned(),
        (true, false) => "cargo run --release -q -p chatctl --".to_owned(),
        (false, _) => "chatctl".to_owned(),
    };
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share/chatd"));
    if home.as_deref() != Some(data) {
        let data = std::path::absolute(data).unwrap_or_else(|_| data.to_path_buf());
        let _ = write!(call, " --data {}", quoted(&data.display().to_string()));
    }
    if addresses.admin().port() != 8090 {
        let _ = write!(call, " --server http://{}", addresses.admin());
    }
    call
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Prints to stdout. A reader that went away is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Io, format!("cannot write to stdout: {error}"), "check where stdout goes"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_folder_with_a_space_is_quoted() {
        assert_eq!(quoted("/tmp/a-b_c"), "/tmp/a-b_c");
        assert_eq!(quoted("/tmp/a b'c"), r"'/tmp/a b'\''c'");
    }
}
