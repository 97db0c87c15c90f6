//! Client certificates: PEM from a user's form, checked while the user is still there to mend it.

use kanca_engine::ports::{ClientIdentity, InvalidIdentity};
use rustls::InconsistentKeys::KeyMismatch;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// Characters of either text.
const LONGEST: usize = 64 * 1024;
/// Certificates of a chain.
const MOST: usize = 10;

/// Reads a certificate with its intermediates, and its key, and sees whether they belong together.
pub fn read(certificate_pem: &str, private_key_pem: &str) -> Result<ClientIdentity, InvalidIdentity> {
    let key = certified_key(certificate_pem, private_key_pem)?;
    let leaf = key.cert.first().ok_or_else(|| bad_certificate("there is no certificate"))?;
    let (_, parsed) = X509Certificate::from_der(leaf)
        .map_err(|error| bad_certificate(format!("the certificate cannot be read: {error}")))?;
    let subject: String = parsed.subject().to_string().chars().filter(|c| !c.is_control()).take(200).collect();
    let not_after = jiff::Timestamp::from_second(parsed.validity().not_after.timestamp())
        .map_err(|_| bad_certificate("the certificate's last day cannot be read"))?;
    let mut id = Sha256::new();
    for text in [certificate_pem, private_key_pem] {
        id.update(text.len().to_be_bytes());
        id.update(text);
    }
    Ok(ClientIdentity {
        id: id.finalize().into(),
        certificate_pem: certificate_pem.to_owned(),
        private_key_pem: private_key_pem.to_owned(),
        subject,
        not_after,
    })
}

/// The same, ready for a handshake.
pub fn certified_key(certificate_pem: &str, private_key_pem: &str) -> Result<CertifiedKey, InvalidIdentity> {
    let chain = chain(certificate_pem)?;
    let key = signing_key(private_key_pem)?;
    let matches = |certificate: &CertificateDer<'static>| {
        let alone = CertifiedKey::new(vec![certificate.clone()], Arc::clone(&key));
        match alone.keys_match() {
            Ok(()) => Ok(true),
            Err(rustls::Error::InconsistentKeys(KeyMismatch)) => Ok(false),
            Err(error) => Err(bad_certificate(format!("the certificate cannot be read: {error}"))),
        }
    };
    if !matches(&chain[0])? {
        for (index, certificate) in chain.iter().enumerate().skip(1) {
            if matches(certificate).unwrap_or(false) {
                return Err(bad_certificate(format!(
                    "the key belongs to certificate {} of {}: write that one first and its intermediates after it",
                    index + 1,
                    chain.len()
                )));
            }
        }
        return Err(bad_key("the private key does not belong to the certificate"));
    }
    Ok(CertifiedKey::new(chain, key))
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, InvalidIdentity> {
    if pem.len() > LONGEST {
        return Err(bad_certificate("the text is longer than 64 KiB; give the certificate and its intermediates only"));
    }
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| bad_certificate(format!("this is not PEM: {error}")))?;
    match chain.len() {
        1..=MOST => Ok(chain),
        0 if pem.contains("PRIVATE KEY-----") => {
            Err(bad_certificate("this is a private key; here goes the certificate, “-----BEGIN CERTIFICATE-----…”"))
        }
        0 if pem.contains("CERTIFICATE REQUEST-----") => Err(bad_certificate(
            "this is a request for a certificate; give the certificate that the authority made of it",
        )),
        0 => Err(bad_certificate("there is no certificate in it; give PEM text, “-----BEGIN CERTIFICATE-----…”")),
        _ => {
            Err(bad_certificate("there are more than 10 certificates; give the certificate and its intermediates only"))
        }
    }
}

fn signing_key(pem: &str) -> Result<Arc<dyn SigningKey>, InvalidIdentity> {
    if pem.len() > LONGEST {
        return Err(bad_key("the text is longer than 64 KiB"));
    }
    if pem.contains("ENCRYPTED") {
        return Err(bad_key(
            "the key is encrypted with a passphrase; decrypt it first, such as by openssl pkey -in key.pem",
        ));
    }
    let mut keys = PrivateKeyDer::pem_slice_iter(pem.as_bytes());
    let key = match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) => key,
        (Some(Ok(_)), Some(_)) => {
            return Err(bad_key("there is more than one private key; give that of the certificate"));
        }
        (Some(Err(error)), _) => return Err(bad_key(format!("this is not PEM: {error}"))),
        (None, _) if pem.contains("BEGIN CERTIFICATE") => {
            return Err(bad_key("this is a certificate; here goes its private key, “-----BEGIN PRIVATE KEY-----…”"));
        }
        (None, _) => {
            return Err(bad_key("there is no private key in it; give PEM text, “-----BEGIN PRIVATE KEY-----…”"));
        }
    };
    default_provider().key_provider.load_private_key(key).map_err(|_| {
        bad_key("this kind of private key cannot be used, or it is damaged; use RSA (2,048 to 4,096 bits), ECDSA (P-256 or P-384) or Ed25519")
    })
}

fn bad_certificate(problem: impl Into<String>) -> InvalidIdentity {
    InvalidIdentity { field: "certificate_pem", problem: problem.into() }
}

fn bad_key(problem: impl Into<String>) -> InvalidIdentity {
    InvalidIdentity { field: "private_key_pem", problem: problem.into() }
}
