//! What the gateway listens on, and whether it can, found out before anything is started.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

use hoop_runtime::Env;

use crate::{Error, options::Options};

/// One of the gateway's own ports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    what: &'static str,
    flag: &'static str,
    variable: &'static str,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) api: Endpoint,
    pub(crate) grpc: Endpoint,
    /// `None` for `PG_LISTEN=off`.
    pub(crate) pg: Option<Endpoint>,
    pub(crate) metrics: Metrics,
}

/// Where the processes show their metrics, all of which read the same variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metrics {
    /// Each where it does by itself.
    Usual,
    /// Nowhere.
    Off,
    /// On this port and those that follow; for port 0, each on one that is free.
    From(SocketAddr),
}

impl Metrics {
    fn read(env: &Env) -> Result<Self, Error> {
        match env.text("METRICS_LISTEN").as_deref() {
            None => Ok(Self::Usual),
            Some("off") => Ok(Self::Off),
            Some(_) => Ok(Self::From(env.address("METRICS_LISTEN", "")?)),
        }
    }

    /// What the process at this `place` among them is told.
    pub(crate) fn told(self, place: u16) -> Option<String> {
        match self {
            Self::Usual => None,
            Self::Off => Some("off".into()),
            Self::From(mut address) => {
                if address.port() != 0 {
                    address.set_port(address.port().saturating_add(place));
                }
                Some(address.to_string())
            }
        }
    }
}

impl Endpoints {
    /// What was asked for: flags go before variables, and those before what is usual.
    pub(crate) fn read(options: &Options, env: &Env) -> Result<Self, Error> {
        let ports = options.ports;
        let read = |endpoint: Endpoint, port: Option<u16>| -> Result<Endpoint, Error> {
            let usual = endpoint.address.to_string();
            let mut address = env.address(endpoint.variable, &usual)?;
            if let Some(host) = options.host {
                address.set_ip(host);
            }
            if let Some(port) = port {
                address.set_port(port);
            }
            Ok(Endpoint { address, ..endpoint })
        };
        let dev = env.dev_profile()?;
        let off = env.text("PG_LISTEN").as_deref() == Some("off") && ports.pg.is_none();
        Ok(Self {
            api: read(api(dev), ports.api)?,
            grpc: read(grpc(dev), ports.grpc)?,
            pg: if off { None } else { Some(read(PG, ports.pg)?) },
            metrics: Metrics::read(env)?,
        })
    }

    /// The same with a real port for each 0, when all of them can be listened on.
    pub(crate) fn check(self) -> Result<Self, Error> {
        // All at once, so that two of ours that are the same are found, too.
        let (api, _api) = self.api.bind()?;
        let (grpc, _grpc) = self.grpc.bind()?;
        let pg = self.pg.map(Endpoint::bind).transpose()?;
        Ok(Self { api, grpc, pg: pg.map(|(pg, _)| pg), metrics: self.metrics })
    }
}

const fn on_all(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

/// Without authentication, what takes people's word listens on loopback only.
const fn guarded(dev: bool, port: u16) -> SocketAddr {
    if dev { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port) } else { on_all(port) }
}

const fn api(dev: bool) -> Endpoint {
    Endpoint {
        address: guarded(dev, 8009),
        what: "the REST API",
        flag: "--api-port",
        variable: "API_LISTEN",
    }
}

const fn grpc(dev: bool) -> Endpoint {
    Endpoint {
        address: guarded(dev, 8010),
        what: "agents",
        flag: "--grpc-port",
        variable: "GRPC_LISTEN",
    }
}

const PG: Endpoint =
    Endpoint { address: on_all(15432), what: "psql", flag: "--pg-port", variable: "PG_LISTEN" };

impl Endpoint {
    fn bind(self) -> Result<(Self, TcpListener), Error> {
        let Self { address, what, flag, variable } = self;
        let bound = TcpListener::bind(address).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((Self { address, ..self }, listener))
        });
        bound.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => {
                Error::PortTaken { port: address.port(), what, flag, variable }
            }
            _ => Error::Unlistenable { address, what, flag, variable, source },
        })
    }

    /// How it is reached from this machine: an address that stands for all is loopback.
    pub(crate) fn local(&self) -> SocketAddr {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let v6 = address.is_ipv6();
            address.set_ip(if v6 {
                IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
            } else {
                Ipv4Addr::LOCALHOST.into()
            });
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ports;

    fn options(api: Option<u16>, grpc: Option<u16>) -> Options {
        let host = Some(Ipv4Addr::LOCALHOST.into());
        Options { host, ports: Ports { api, grpc, pg: None }, ..Options::default() }
    }

    #[test]
    fn flags_go_before_variables_and_those_before_the_usual() {
        let env = Env::from_pairs([("API_LISTEN", "10.0.0.1:1"), ("PG_LISTEN", "off")]).unwrap();
        let none = Endpoints::read(&Options::default(), &env).unwrap();
        assert_eq!(none.api.address.to_string(), "10.0.0.1:1");
        assert_eq!(none.grpc.address.to_string(), "0.0.0.0:8010");
        assert_eq!(none.grpc.local().to_string(), "127.0.0.1:8010");
        assert!(none.pg.is_none());
        let some = Endpoints::read(&options(Some(2), None), &env).unwrap();
        assert_eq!(some.api.address.to_string(), "127.0.0.1:2");
    }

    #[test]
    fn each_process_shows_its_metrics_on_a_port_of_its_own() {
        let read = |listen| Metrics::read(&Env::from_pairs([("METRICS_LISTEN", listen)]).unwrap());
        let some = read("10.0.0.1:9464").unwrap();
        assert_eq!(some.told(0).as_deref(), Some("10.0.0.1:9464"));
        assert_eq!(some.told(3).as_deref(), Some("10.0.0.1:9467"));
        assert_eq!(read("127.0.0.1:0").unwrap().told(3).as_deref(), Some("127.0.0.1:0"));
        assert_eq!(read("off").unwrap().told(1).as_deref(), Some("off"));
        assert_eq!(read("").unwrap().told(1), None);
        assert!(read("9464").is_err());
    }

    #[test]
    fn a_port_that_is_taken_is_named_with_how_to_change_it() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = other.local_addr().unwrap().port();
        let env = Env::from_pairs([("PG_LISTEN", "off")]).unwrap();
        let check = |api, grpc| Endpoints::read(&options(api, grpc), &env).unwrap().check();
        let message = check(Some(taken), Some(0)).unwrap_err().to_string();
        assert!(message.contains(&format!("port {taken} (the REST API) is taken")), "{message}");
        assert!(message.contains("--api-port or API_LISTEN"), "{message}");
        let free = check(Some(0), Some(0)).unwrap();
        assert_ne!(free.api.address.port(), 0);
        let same = free.api.address.port();
        assert!(check(Some(same), Some(same)).is_err());
    }
}
