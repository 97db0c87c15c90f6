//! Names to addresses.
//!
//! hickory, and not the system's `getaddrinfo`, for one reason: a look-up must end when its request ends. The system's
//! blocks a thread that nobody can stop, and a few hundred webhooks on a name whose servers are silent would use up the
//! runtime's blocking threads. Price: of the system's sources only the hosts file and `resolv.conf` count, no other NSS
//! module. Both files are read again when they change, since a laptop changes networks and a process may run for months.

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

/// Looks names up. The addresses are not trusted: each one meets the guard afterwards.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of `name`, best first; the error is a sentence.
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String>;
}

/// The hosts file and the name servers of this machine.
#[derive(Default)]
pub struct SystemResolver {
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    resolver: TokioResolver,
    files: Files,
    looked: Instant,
}

/// When the files were changed last; `None` for a file that is not there.
type Files = [Option<SystemTime>; 2];

/// So often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A name that does not exist now may soon: whoever has just made it should not wait for hours.
const NEGATIVE_MAX: Duration = Duration::from_secs(30);

impl SystemResolver {
    fn current(&self) -> Result<TokioResolver, String> {
        let mut loaded = self.loaded.lock();
        if let Some(current) = &mut *loaded {
            if current.looked.elapsed() < LOOK_EVERY {
                return Ok(current.resolver.clone());
            }
            current.looked = Instant::now();
            if current.files == files() {
                return Ok(current.resolver.clone());
            }
        }
        let files = files();
        let resolver = load().map_err(|error| format!("this machine's name look-up is not set up: {error}"))?;
        *loaded = Some(Loaded { resolver: resolver.clone(), files, looked: Instant::now() });
        Ok(resolver)
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let found = self.current()?.lookup_ip(name).await.map_err(|error| match error {
            error if error.is_nx_domain() => format!("{name} does not exist"),
            error if error.is_no_records_found() => format!("{name} has no address"),
            error => format!("{name} cannot be looked up: {error}"),
        })?;
        Ok(found.iter().collect())
    }
}

fn load() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.negative_max_ttl = Some(NEGATIVE_MAX);
    builder.build()
}

fn files() -> Files {
    ["/etc/resolv.conf", "/etc/hosts"].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_hosts_file_counts() {
        let found = SystemResolver::default().resolve("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
