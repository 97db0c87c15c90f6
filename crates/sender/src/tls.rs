//! TLS towards receivers: rustls with ring, the system's roots, HTTP/1.1 by ALPN, and its errors in plain words.

use crate::failures::{from_io, reset};
use crate::identity;
use crate::settings::Roots;
use crate::target::Origin;
use kanca_engine::ports::{ClientIdentity, SendFailure, SendFailureKind};
use parking_lot::Mutex;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

/// Identities whose connectors are remembered; with more than that the memory starts afresh.
const MOST: usize = 1024;

/// Connectors, one for those without a client certificate and one for each certificate, so that a session is never
/// resumed under another one.
pub struct Connectors {
    roots: Arc<RootCertStore>,
    anonymous: TlsConnector,
    identified: Mutex<HashMap<[u8; 32], TlsConnector>>,
}

impl Connectors {
    /// Connectors that trust `roots`. Without any root they still work: then every https receiver fails with the reason.
    pub fn new(roots: Roots) -> Self {
        let roots = Arc::new(match roots {
            Roots::System => store(system_roots()),
            Roots::SystemAnd(more) => store(system_roots().into_iter().chain(more)),
            Roots::Only(only) => store(only),
        });
        let anonymous = connector(&roots, None);
        Self { roots, anonymous, identified: Mutex::default() }
    }

    /// The connector that shows this certificate to whom asks.
    pub fn of(&self, identity: Option<&ClientIdentity>) -> Result<TlsConnector, SendFailure> {
        let Some(identity) = identity else { return Ok(self.anonymous.clone()) };
        if let Some(known) = self.identified.lock().get(&identity.id) {
            return Ok(known.clone());
        }
        let key = identity::certified_key(&identity.certificate_pem, &identity.private_key_pem)
            .map_err(|invalid| tls(format!("the client certificate cannot be used: {invalid}")))?;
        let made = connector(&self.roots, Some(key));
        let mut identified = self.identified.lock();
        if identified.len() >= MOST {
            identified.clear();
        }
        identified.insert(identity.id, made.clone());
        Ok(made)
    }
}

fn connector(roots: &Arc<RootCertStore>, key: Option<CertifiedKey>) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("ring speaks TLS 1.2 and 1.3: {error}"))
        .with_root_certificates(Arc::clone(roots));
    let mut config = match key {
        None => builder.with_no_client_auth(),
        Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// Shakes hands as the origin's host. A trailing dot is no part of a certificate's name.
pub async fn handshake(
    connector: &TlsConnector,
    origin: &Origin,
    socket: TcpStream,
) -> Result<Box<TlsStream<TcpStream>>, SendFailure> {
    let name = match &origin.host {
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|_| tls(format!("{name} is no name that a certificate can carry")))?,
        Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::V4(*ip)),
        Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::V6(*ip)),
    };
    connector.connect(name, socket).await.map(Box::new).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
            reset("the server closed the connection during the TLS handshake")
        }
        _ => from_io(&error),
    })
}

/// A TLS error in the words of somebody who has to mend the server.
pub fn failure(error: &Error) -> SendFailure {
    tls(match error {
        Error::InvalidCertificate(certificate) => certificate_words(certificate),
        Error::InvalidMessage(_) => "the server does not speak TLS on this port; is it an http URL?".into(),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server asks for a client certificate; add one to the webhook".into()
        }
        Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied),
        ) => format!("the server does not accept the client certificate: {alert:?}"),
        Error::AlertReceived(alert) => format!("the server refused the TLS handshake: {alert:?}"),
        Error::NoApplicationProtocol => "the server does not offer HTTP/1.1 over TLS".into(),
        Error::PeerIncompatible(_) => format!("the server and Kanca share no TLS version or cipher: {error}"),
        other => other.to_string(),
    })
}

fn certificate_words(error: &CertificateError) -> String {
    use CertificateError as C;
    match error {
        C::Expired | C::ExpiredContext { .. } => "the certificate has expired".into(),
        C::NotValidYet | C::NotValidYetContext { .. } => "the certificate is not valid yet".into(),
        C::NotValidForName => "the certificate is for another name".into(),
        C::NotValidForNameContext { expected, presented } => {
            format!("the certificate is for another name than {}: {}", expected.to_str(), presented.join(", "))
        }
        C::UnknownIssuer => "the certificate is self-signed or its authority is not trusted by this machine \
                             (a server must send its intermediate certificates too)"
            .into(),
        C::Revoked => "the certificate was revoked".into(),
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "the certificate is self-signed (an authority's certificate used by the server itself)".into()
        }
        other => format!("the certificate is not valid: {other}"),
    }
}

fn tls(detail: String) -> SendFailure {
    SendFailure { kind: SendFailureKind::Tls, detail }
}

fn system_roots() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a root certificate of this machine cannot be read");
    }
    if found.certs.is_empty() {
        tracing::warn!("this machine has no root certificates: https webhooks will fail; install ca-certificates");
    }
    found.certs
}

fn store(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates);
    store
}
