//! One connection's TLS, without a buffer of its own: bytes in, bytes out, no I/O.
//!
//! What is read lies in the thread's buffer and what is to be written goes to the socket at once, so that an idle user
//! keeps his keys, and the server's certificates, which the library does not let go.

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{ClientConfig, Error};
use std::sync::Arc;

/// Bytes that may wait for the rest of their record or handshake message: what the library itself takes of the latter,
/// and a record.
const PARTIAL_BYTES: usize = 80 << 10;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The handshake is under way.
    Shaking,
    /// What is written now is encrypted.
    Stands,
    /// The server has said good-bye.
    Over,
}

pub(crate) struct Session {
    inner: UnbufferedClientConnection,
    /// What has not arrived wholly.
    pub(super) partial: Box<[u8]>,
    /// What went wrong: the library must not be asked again.
    broken: Option<Error>,
}

impl Session {
    /// One that has said nothing yet: [`Session::take`] nothing for its first words.
    ///
    /// # Errors
    /// The configuration can't serve this name.
    pub(crate) fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, Error> {
        Ok(Self {
            inner: UnbufferedClientConnection::new(config, name)?,
            partial: Box::default(),
            broken: None,
        })
    }

    /// Takes what was read. What it says goes behind `opened`, what is to be answered behind `out`: also with an error,
    /// then an alert.
    ///
    /// # Errors
    /// What the server did against the protocol, or is wrong with its certificate.
    pub(crate) fn take(
        &mut self,
        got: &mut [u8],
        opened: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Stage, Error> {
        self.whole()?;
        let mut joined = Vec::new();
        let bytes = if self.partial.is_empty() {
            got
        } else {
            joined.extend_from_slice(&std::mem::take(&mut self.partial));
            joined.extend_from_slice(got);
            &mut joined
        };
        let turned = self.turn(bytes, opened, out).and_then(|(used, stage)| match &bytes[used..] {
            rest if rest.len() > PARTIAL_BYTES => Err(Error::General("a message that has no end".to_owned())),
            rest => Ok((rest.into(), stage)),
        });
        let (partial, stage) = turned.inspect_err(|error| self.broken = Some(error.clone()))?;
        self.partial = partial;
        Ok(stage)
    }

    fn whole(&self) -> Result<(), Error> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// Goes on until more has to be read. Answers how many bytes are done with.
    fn turn(
        &mut self,
        bytes: &mut [u8],
        opened: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(usize, Stage), Error> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state, .. } =
                self.inner.process_tls_records(&mut bytes[used..]);
            let stage = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        opened.extend_from_slice(record.payload);
                        discard += record.discard;
                    }
                    None
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, out);
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => Some(Stage::Shaking),
                Ok(ConnectionState::WriteTraffic(_)) => Some(Stage::Stands),
                Ok(_) => Some(Stage::Over),
                Err(error) => {
                    used += discard;
                    if let Ok(ConnectionState::EncodeTlsData(alert)) =
                        self.inner.process_tls_records(&mut bytes[used..]).state
                    {
                        encode(alert, out);
                    }
                    return Err(error);
                }
            };
            used += discard;
            if let Some(stage) = stage {
                return Ok((used, stage));
            }
        }
    }

    /// Encrypts.
    ///
    /// # Errors
    /// The session does not stand, or no longer.
    pub(crate) fn seal(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.put(|traffic, room| traffic.encrypt(bytes, room))
    }

    /// The last words, encrypted.
    ///
    /// # Errors
    /// The session does not stand, or no longer.
    pub(crate) fn close(&mut self) -> Result<Vec<u8>, Error> {
        self.put(|traffic, room| traffic.queue_close_notify(room))
    }

    fn put(
        &mut self,
        mut what: impl FnMut(
            &mut WriteTraffic<'_, ClientConnectionData>,
            &mut [u8],
        ) -> Result<usize, EncryptError>,
    ) -> Result<Vec<u8>, Error> {
        self.whole()?;
        let mut sealed = Vec::new();
        loop {
            // The library remembers how much of what waits it has seen, so it is shown that again.
            match self.inner.process_tls_records(&mut self.partial).state? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    let start = sealed.len();
                    behind(&mut sealed, |room| match what(&mut traffic, room) {
                        Err(EncryptError::InsufficientSize(short)) => Err(short.required_size),
                        done => Ok(done.unwrap_or_default()),
                    });
                    return if sealed.len() > start { Ok(sealed) } else { Err(Error::EncryptError) };
                }
                // New keys go first.
                ConnectionState::EncodeTlsData(data) => encode(data, &mut sealed),
                ConnectionState::TransmitTlsData(data) => data.done(),
                _ => return Err(Error::HandshakeNotComplete),
            }
        }
    }
}

fn encode<D>(mut data: EncodeTlsData<'_, D>, out: &mut Vec<u8>) {
    behind(out, |room| match data.encode(room) {
        Err(EncodeError::InsufficientSize(short)) => Err(short.required_size),
        done => Ok(done.unwrap_or_default()),
    });
}

/// Puts something behind what is there. `write` answers how much it has written, or how much room it needs.
fn behind(into: &mut Vec<u8>, mut write: impl FnMut(&mut [u8]) -> Result<usize, usize>) {
    let start = into.len();
    loop {
        match write(&mut into[start..]) {
            Ok(written) => return into.truncate(start + written),
            Err(needed) => into.resize(start + needed, 0),
        }
    }
}
