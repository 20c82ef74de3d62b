//! As much of an MQTT 3.1.1 broker as a run asks of one: no memory, no wildcards, no wills. That a real one passes is shown
//! elsewhere, where there is one.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Who hears a topic.
type Topics = Arc<Mutex<HashMap<Vec<u8>, TcpStream>>>;

/// Starts one, until the test ends.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let topics = Topics::default();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let topics = topics.clone();
            std::thread::spawn(move || serve(client, &topics));
        }
    });
    address
}

/// Until the client is gone.
fn serve(mut client: TcpStream, topics: &Topics) -> io::Result<()> {
    client.set_nodelay(true)?;
    loop {
        let (kind, body) = packet(&mut client)?;
        match kind & 0xf0 {
            0x10 => client.write_all(&[0x20, 2, 0, 0])?,
            0x80 => {
                let (id, topic) = (&body[..2], string(&body[2..]));
                topics.lock().unwrap().insert(topic.to_vec(), client.try_clone()?);
                client.write_all(&[0x90, 3, id[0], id[1], 1])?;
            }
            0x30 => {
                let topic = string(&body);
                let id = &body[2 + topic.len()..][..2];
                client.write_all(&[0x40, 2, id[0], id[1]])?;
                // Under a lock, so that nothing comes in between.
                let mut topics = topics.lock().unwrap();
                if let Some(hearer) = topics.get_mut(topic) {
                    let mut packet = vec![kind];
                    length(body.len(), &mut packet);
                    packet.extend_from_slice(&body);
                    hearer.write_all(&packet)?;
                }
            }
            0xc0 => client.write_all(&[0xd0, 0])?,
            _ => {}
        }
    }
}

/// The first byte of the next packet, and what lies behind its length.
fn packet(client: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    client.read_exact(&mut byte)?;
    let (kind, mut length, mut shift) = (byte[0], 0, 0);
    loop {
        client.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    Ok((kind, body))
}

fn string(bytes: &[u8]) -> &[u8] {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    &bytes[2..2 + length]
}

fn length(mut number: usize, into: &mut Vec<u8>) {
    while number > 0x7f {
        into.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}
