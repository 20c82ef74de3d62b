//! The proof of a secret, in a role, over the nonces of both.

use crate::control::VERSION;
use aws_lc_rs::{hmac, rand};
use std::io;

/// Bytes of a nonce, and of a proof.
const NONCE: usize = 32;

/// What a worker and its coordinators share. It is never sent.
#[derive(Clone, Debug)]
pub struct Secret(Box<hmac::Key>);

impl Secret {
    /// A secret of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Box::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    pub(super) fn prove(&self, role: Role, nonces: &Nonces) -> Proof {
        let mut proof = Proof::default();
        proof.copy_from_slice(hmac::sign(&self.0, &nonces.said_by(role)).as_ref());
        proof
    }

    pub(super) fn holds(&self, role: Role, nonces: &Nonces, proof: &Proof) -> bool {
        hmac::verify(&self.0, &nonces.said_by(role), proof).is_ok()
    }
}

pub(super) type Nonce = [u8; NONCE];
pub(super) type Proof = [u8; NONCE];

#[derive(Clone, Copy)]
pub(super) enum Role {
    Coordinator,
    Worker,
}

/// A nonce that nobody has seen before.
pub(super) fn draw() -> io::Result<Nonce> {
    let mut nonce = Nonce::default();
    rand::fill(&mut nonce).map_err(|_| io::Error::other("no randomness"))?;
    Ok(nonce)
}

/// The worker's and the coordinator's.
pub(super) struct Nonces(pub(super) Nonce, pub(super) Nonce);

impl Nonces {
    /// What is proven: these nonces, in this role, of this protocol.
    fn said_by(&self, role: Role) -> Vec<u8> {
        let role = match role {
            Role::Coordinator => "coordinator",
            Role::Worker => "worker",
        };
        // The nonces' length is fixed, so nothing can run into anything else.
        let mut text = format!("chatbench control {VERSION} {role} ").into_bytes();
        text.extend_from_slice(&self.0);
        text.extend_from_slice(&self.1);
        text
    }
}
