//! Which services a process runs, and which of them may run apart.

use crate::exit::{Exit, Failure};
use crate::ports::Service;

/// The services of a process; one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roles([bool; Service::ALL.len()]);

impl Roles {
    pub(crate) fn all() -> Self {
        Self([true; Service::ALL.len()])
    }

    pub(crate) fn one(service: Service) -> Self {
        let mut roles = Self([false; Service::ALL.len()]);
        roles.0[service as usize] = true;
        roles
    }

    /// Reads a list such as `chat,websocket`.
    pub(crate) fn read(names: &str) -> Result<Self, Failure> {
        let mut roles = Self([false; Service::ALL.len()]);
        for name in names.split(',').map(str::trim) {
            let Some(service) = Service::ALL.into_iter().find(|service| service.name() == name) else {
                let known = Service::ALL.map(Service::name);
                let hint = match crate::config::nearest(name, known.into_iter()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("the services are {}", known.join(", ")),
                };
                return Err(Failure::new(
                    Exit::Usage,
                    format!("--roles: there is no service {name:?}"),
                    hint,
                ));
            };
            roles.0[service as usize] = true;
        }
        Ok(roles)
    }

    pub(crate) fn has(&self, service: Service) -> bool {
        self.0[service as usize]
    }

    /// In the order of their ports.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Service> {
        Service::ALL.into_iter().filter(|service| self.has(*service))
    }

    /// The names, as the directory of processes lists them.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.iter().map(Service::name).collect()
    }

    /// What the process needs to do its work.
    pub(crate) fn kind(&self) -> Kind {
        let stores = [Service::Auth, Service::User, Service::Presence, Service::Chat];
        if stores.into_iter().any(|service| self.has(service)) {
            Kind::Stores
        } else if self.has(Service::Websocket) {
            Kind::Sockets
        } else {
            Kind::Bare
        }
    }

    /// In one data folder one process keeps everything, and only sockets may be served beside it.
    pub(crate) fn check_embedded(&self) -> Result<(), Failure> {
        let core = Service::ALL.into_iter().filter(|service| *service != Service::Websocket);
        let whole = core.into_iter().all(|service| self.has(service));
        if whole || *self == Self::one(Service::Websocket) {
            return Ok(());
        }
        let hint = "run `chatd` (all services) and beside it any number of `chatd websocket`; to split further, set stores.kafka, \
                    stores.cassandra, stores.postgres and stores.redis";
        let message = format!("{} alone can't share a data folder", self.names().join(", "));
        Err(Failure::new(Exit::Usage, message, hint))
    }
}

/// What a process stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The stores themselves.
    Stores,
    /// The link to processes that have them.
    Sockets,
    /// Nothing: it passes on, or answers health.
    Bare,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_has_one_core_and_any_number_of_sockets_beside_it() {
        let read = |names| Roles::read(names).unwrap();
        let core = read("gateway,auth,user,presence,chat,media,notification");
        for good in [Roles::all(), core, read("websocket")] {
            assert!(good.check_embedded().is_ok(), "{good:?}");
        }
        for bad in [read("gateway"), read("chat"), read("chat,websocket"), read("auth,user,presence,chat")] {
            let refused = bad.check_embedded().err().unwrap();
            assert_eq!(refused.exit, Exit::Usage);
            assert!(refused.hint.contains("stores.kafka"));
        }
    }

    #[test]
    fn a_process_opens_what_its_services_need() {
        let kind = |names| Roles::read(names).unwrap().kind();
        assert_eq!(kind("gateway,media"), Kind::Bare);
        assert_eq!(kind("gateway,websocket"), Kind::Sockets);
        assert_eq!(kind("websocket,user"), Kind::Stores);
    }
}
