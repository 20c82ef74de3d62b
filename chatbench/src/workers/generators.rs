//! Where generators are to be had, and whether they may be trusted.

use super::line::Address;
use super::secret;
use load::control::greeting::Secret;
use schema::exit::{Exit, Failure};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

/// Where the generators of a run are; known, and sound, before anything is started.
#[derive(Debug)]
pub(crate) enum Generators {
    /// So many processes of this machine.
    Here(u32),
    There {
        addresses: Vec<Address>,
        secret: Option<Secret>,
    },
}

impl Generators {
    /// Those that wait at `HOST:PORT`s.
    ///
    /// # Errors
    /// A name without an address, a secret that is none, and machines that would be trusted without one.
    pub(crate) fn there(hosts: &[String], secret: Option<&Path>) -> Result<Self, Failure> {
        let secret = secret.map(secret::read).transpose()?;
        let mut addresses = Vec::with_capacity(hosts.len());
        for name in hosts {
            let unknown = |error: std::io::Error| {
                Failure::new(Exit::Unreachable, format!("worker {name}: {error}"), "check the name")
            };
            let found: Vec<_> = name.to_socket_addrs().map_err(unknown)?.collect();
            if secret.is_none() && !found.iter().all(is_loopback) {
                let what = format!("worker {name} is not on loopback, and there is no --secret");
                return Err(Failure::usage(what, secret::MAKE));
            }
            addresses.push(Address { name: name.clone(), found });
        }
        Ok(Self::There { addresses, secret })
    }
}

/// Whether only this machine's processes can be there.
pub(crate) fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_on_other_machines_are_trusted_by_a_secret_only() {
        let there = |host: &str| Generators::there(&[host.to_owned()], None);
        for here in ["127.0.0.1:7000", "127.9.0.1:7000", "[::1]:7000", "[::ffff:127.0.0.1]:7000"] {
            assert!(there(here).is_ok(), "{here}");
        }
        for elsewhere in ["10.0.0.1:7000", "[::]:7000", "[::ffff:10.0.0.1]:7000"] {
            let failure = there(elsewhere).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{elsewhere}");
            assert!(failure.to_string().contains("--secret FILE"), "{failure}");
        }
    }
}
