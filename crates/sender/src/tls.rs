//! TLS towards receivers: rustls with ring, the system's roots, HTTP/1.1 by ALPN, and its errors in plain words.

use crate::failures::{from_io, reset};
use crate::settings::Roots;
use crate::target::Origin;
use kanca_engine::ports::{SendFailure, SendFailureKind};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

/// A connector that trusts `roots`. Without any root it still starts: then every https receiver fails with the reason.
pub fn connector(roots: Roots) -> TlsConnector {
    let store = match roots {
        Roots::System => store(system_roots()),
        Roots::SystemAnd(more) => store(system_roots().into_iter().chain(more)),
        Roots::Only(only) => store(only),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("ring speaks TLS 1.2 and 1.3: {error}"));
    let mut config = builder.with_root_certificates(store).with_no_client_auth();
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
