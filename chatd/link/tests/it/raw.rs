//! The wire by hand: a process that does only what the test says.

use crate::world::PATIENCE;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) struct Raw(pub(crate) TcpStream);

/// The hello of a process that may come in.
pub(crate) fn hello(deliveries: &str) -> Value {
    let token: String = [3; 32].iter().map(|byte: &u8| format!("{byte:02x}")).collect();
    let wants = json!({"deliveries": deliveries, "news": true});
    json!({"version": 1, "node": uuid::Uuid::new_v4(), "token": token, "wants": wants})
}

impl Raw {
    /// A process that was let in.
    pub(crate) async fn link(address: SocketAddr, deliveries: &str) -> Self {
        let mut raw = Self(TcpStream::connect(address).await.unwrap());
        raw.say(&hello(deliveries)).await;
        assert!(raw.hear().await["Welcome"].is_object());
        raw
    }

    pub(crate) async fn say(&mut self, value: &Value) {
        let text = value.to_string();
        self.0.write_u32(u32::try_from(text.len()).unwrap()).await.unwrap();
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) async fn hear(&mut self) -> Value {
        let read = async {
            let mut bytes = vec![0; usize::try_from(self.0.read_u32().await.unwrap()).unwrap()];
            self.0.read_exact(&mut bytes).await.unwrap();
            bytes
        };
        serde_json::from_slice(&timeout(PATIENCE, read).await.unwrap()).unwrap()
    }

    /// Everything until the other side closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end too.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.unwrap();
        bytes
    }
}
