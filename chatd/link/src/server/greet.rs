//! Who connects: the first frame, and the answer to it.

use super::hub::Hub;
use crate::frame::{Pipe, encode, read};
use crate::wire::{Greeting, Hello, VERSION};
use schema::limits::{LINK_HELLO_BYTES, LINK_HELLO_TIME};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::{self, ErrorKind};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// As much of the first frame as every version has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The hello of the other side, if it may come in; else it was told why not.
///
/// # Errors
/// Why the link is not made.
pub(super) async fn hello(hub: &Hub, mut pipe: &mut dyn Pipe) -> io::Result<Hello> {
    let mut buffer = Vec::new();
    let first: Box<RawValue> =
        timeout(LINK_HELLO_TIME, read(&mut pipe, &mut buffer, LINK_HELLO_BYTES)).await??;
    let refusal = match serde_json::from_str::<Version>(first.get()) {
        Err(_) => "the first frame must be a hello".to_owned(),
        Ok(Version { version }) if version != VERSION => {
            format!(
                "this process speaks version {VERSION} of the link, not {version}; run the same chatd on both sides"
            )
        }
        Ok(_) => match serde_json::from_str::<Hello>(first.get()) {
            Err(_) => "the hello is not whole".to_owned(),
            Ok(hello) if hub.token.is(&hello.token) => return Ok(hello),
            Ok(_) => "the token is wrong; both sides need the same keys folder".to_owned(),
        },
    };
    refuse(pipe, &refusal).await?;
    Err(io::Error::new(ErrorKind::PermissionDenied, refusal))
}

/// Tells the other side why it may not come in, and closes.
pub(super) async fn refuse(pipe: &mut dyn Pipe, refusal: &str) -> io::Result<()> {
    let frame = encode(&Greeting::Refused(refusal.to_owned()))?;
    timeout(LINK_HELLO_TIME, pipe.write_all(&frame)).await??;
    timeout(LINK_HELLO_TIME, pipe.shutdown()).await??;
    Ok(())
}

/// Lets the other side in.
pub(super) async fn welcome(hub: &Hub, pipe: &mut dyn Pipe) -> io::Result<()> {
    let frame = encode(&Greeting::Welcome { node: hub.node, position: hub.talk.position() })?;
    timeout(LINK_HELLO_TIME, pipe.write_all(&frame)).await??;
    timeout(LINK_HELLO_TIME, pipe.flush()).await??;
    Ok(())
}
