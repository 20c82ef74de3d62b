//! One frame: four bytes of length, big-endian, then JSON.

use bytes::Bytes;
use schema::limits::LINK_FRAME_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Bytes of the length.
pub(crate) const HEAD: usize = 4;
/// What a read buffer may keep between two frames.
const KEPT_BYTES: usize = 1 << 20;

/// A stream that a link runs over, plain or encrypted.
pub(crate) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// A frame as it is written.
///
/// # Errors
/// When it would be larger than a frame may be.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> io::Result<Bytes> {
    let mut bytes = vec![0; HEAD];
    serde_json::to_writer(&mut bytes, value)?;
    close(bytes)
}

/// A frame of bytes that begin with room for the length.
///
/// # Errors
/// When it would be larger than a frame may be.
pub(crate) fn close(mut bytes: Vec<u8>) -> io::Result<Bytes> {
    let length = bytes.len() - HEAD;
    if length > LINK_FRAME_BYTES {
        return Err(too_large(length, LINK_FRAME_BYTES));
    }
    let length = u32::try_from(length).map_err(|_| too_large(length, LINK_FRAME_BYTES))?;
    bytes[..HEAD].copy_from_slice(&length.to_be_bytes());
    Ok(bytes.into())
}

/// The next frame, of at most `bound` bytes; its bytes are left in `buffer`.
///
/// # Errors
/// When the stream ends or fails, or the frame is larger, or is none of ours.
pub(crate) async fn read<T: DeserializeOwned>(
    io: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    bound: usize,
) -> io::Result<T> {
    let length = usize::try_from(io.read_u32().await?).unwrap_or(usize::MAX);
    if length > bound {
        return Err(too_large(length, bound));
    }
    if buffer.capacity() > KEPT_BYTES {
        *buffer = Vec::new();
    }
    buffer.resize(length, 0);
    io.read_exact(buffer).await?;
    serde_json::from_slice(buffer).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

fn too_large(length: usize, bound: usize) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("a frame has {length} bytes, it may have {bound}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_comes_out_as_it_went_in_and_a_large_one_is_refused_before_it_is_read() {
        let bytes = encode(&("one", 2)).unwrap();
        let mut buffer = Vec::new();
        let back: (String, u32) = read(&mut &bytes[..], &mut buffer, 100).await.unwrap();
        assert_eq!(back, ("one".to_owned(), 2));
        let error = read::<(String, u32)>(&mut &bytes[..], &mut buffer, 5).await.unwrap_err();
        assert!(error.to_string().contains("it may have 5"), "{error}");
        let cut = read::<(String, u32)>(&mut &bytes[..7], &mut buffer, 100).await.unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::UnexpectedEof);
    }
}
