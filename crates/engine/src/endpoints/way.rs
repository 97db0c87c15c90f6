//! The way that an endpoint's requests take: through a forward proxy, with a client certificate. Both hold secrets, so both
//! are sealed as they were entered, and read again when the endpoint is made ready.

use super::auth::wanted;
use super::{Faults, MASK};
use crate::Engine;
use crate::ports::{ClientIdentity, Proxy};
use jiff::Timestamp;
use kanca_domain::ids::EndpointId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A client certificate as it is given and sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFields {
    /// The certificate and then its intermediates.
    pub certificate_pem: String,
    pub private_key_pem: String,
}

/// A proxy as it is given, shown and sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyFields {
    /// `http://host:port` or `socks5://host:port`.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Shows nothing of the key.
impl fmt::Debug for CertificateFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateFields(…)")
    }
}

/// Shows nothing of the password.
impl fmt::Debug for ProxyFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyFields(…)")
    }
}

impl ProxyFields {
    fn parsed(&self) -> Result<Proxy, kanca_domain::proxies::InvalidProxy> {
        Proxy::parse(&self.url, self.username.as_deref(), self.password.as_deref())
    }

    /// The stored proxy with its password masked.
    pub(super) fn masked(&self) -> Self {
        Self { password: self.password.as_ref().map(|_| MASK.to_owned()), ..self.clone() }
    }
}

impl Engine {
    /// A certificate and key that belong together and can be used today.
    pub(super) fn check_certificate(&self, given: CertificateFields, faults: &mut Faults) -> Option<CertificateFields> {
        match self.sender.read_identity(&given.certificate_pem, &given.private_key_pem) {
            Ok(identity) if identity.not_after < self.clock.now() => {
                let message = format!("the certificate has expired ({}); get a new one", identity.not_after);
                faults.add("client_certificate.certificate_pem", &message);
                None
            }
            Ok(_) => Some(given),
            Err(invalid) => {
                faults.add(format!("client_certificate.{}", invalid.field), &invalid.problem);
                None
            }
        }
    }

    /// A proxy that may be dialled; a masked password is the stored one.
    pub(super) fn check_proxy(
        &self,
        mut given: ProxyFields,
        old: Option<&ProxyFields>,
        faults: &mut Faults,
    ) -> Option<ProxyFields> {
        if given.password.is_some() {
            let kept = old.and_then(|old| old.password.as_ref());
            given.password = Some(wanted("proxy.password", given.password, kept, faults)?);
        }
        let parsed = given.parsed();
        let place = parsed.as_ref().err().map_or(String::new(), |invalid| format!("proxy.{}", invalid.field()));
        let proxy = faults.check(&place, parsed)?;
        faults.check("proxy.url", self.settings.address_rules.check_host(&proxy.host))?;
        Some(given)
    }

    /// What is sealed, ready for use. It was checked when it was entered, so what cannot be read is a defect: it is logged,
    /// and the receiver will say what it misses.
    pub(super) fn read_way(
        &self,
        id: EndpointId,
        certificate: Option<&CertificateFields>,
        proxy: Option<&ProxyFields>,
    ) -> Way {
        let identity = certificate.and_then(|given| {
            let read = self.sender.read_identity(&given.certificate_pem, &given.private_key_pem);
            read.inspect_err(
                |error| tracing::error!(endpoint = %id, %error, "a stored client certificate cannot be read"),
            )
            .ok()
        });
        let proxy = proxy.and_then(|given| {
            let read = given.parsed();
            read.inspect_err(|error| tracing::error!(endpoint = %id, %error, "a stored proxy cannot be read")).ok()
        });
        Way { identity: identity.map(Arc::new), proxy: proxy.map(Arc::new) }
    }
}

/// A client certificate and a proxy, ready for use.
#[derive(Default)]
pub(crate) struct Way {
    pub identity: Option<Arc<ClientIdentity>>,
    pub proxy: Option<Arc<Proxy>>,
}

impl super::Endpoint {
    /// Whom its client certificate names, and the last instant at which it is valid.
    pub fn client_certificate(&self) -> Option<(&str, Timestamp)> {
        self.way.identity.as_ref().map(|identity| (identity.subject.as_str(), identity.not_after))
    }

    /// Its proxy, with the password masked.
    pub fn proxy(&self) -> Option<ProxyFields> {
        self.secrets.options.proxy.as_ref().map(ProxyFields::masked)
    }
}
