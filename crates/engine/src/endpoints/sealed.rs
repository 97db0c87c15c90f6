//! What of an endpoint is sealed in the table: its signing secret, the values of its headers and the options that are
//! secrets. Each has a place of its own, so that one cannot be put in another's stead.

use super::signing::PreviousSecret;
use super::way::{CertificateFields, ProxyFields};
use crate::Engine;
use crate::errors::{EngineError, Result};
use jiff::Timestamp;
use kanca_domain::endpoints::Auth;
use kanca_domain::ids::EndpointId;
use kanca_domain::signatures::Secret;
use kanca_storage::endpoints::EndpointRecord;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The options of an endpoint that are secrets. Never shown, so it has no `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SealedOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<CertificateFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyFields>,
    /// Secrets that were rotated out and are still valid, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub previous_secrets: Vec<PreviousSecret>,
}

/// Everything secret of an endpoint, opened.
#[derive(Clone)]
pub(crate) struct Secrets {
    pub secret: Secret,
    /// Custom headers with their values.
    pub headers: Vec<(String, String)>,
    pub options: SealedOptions,
}

impl Secrets {
    /// Forgets secrets whose time is over.
    pub fn drop_expired(&mut self, now: Timestamp) {
        self.options.previous_secrets.retain(|previous| previous.valid_until > now);
    }
}

impl Engine {
    /// Puts the secrets into the record, sealed.
    pub(super) fn seal(&self, record: &mut EndpointRecord, secrets: &Secrets) -> Result<()> {
        let id = record.id;
        record.sealed_secret = self.sealer.seal(&place(id, "secret"), secrets.secret.reveal().as_bytes())?;
        record.sealed_headers = self.seal_json(id, "headers", &secrets.headers, secrets.headers.is_empty())?;
        let is_empty = secrets.options == SealedOptions::default();
        record.sealed_options = self.seal_json(id, "options", &secrets.options, is_empty)?;
        Ok(())
    }

    fn seal_json(&self, id: EndpointId, what: &str, value: &impl Serialize, is_empty: bool) -> Result<Vec<u8>> {
        if is_empty {
            return Ok(Vec::new());
        }
        let text = serde_json::to_vec(value).map_err(|e| EngineError::Internal(e.to_string()))?;
        self.sealer.seal(&place(id, what), &text)
    }

    /// Opens what the record has sealed.
    pub(super) fn unseal(&self, record: &EndpointRecord) -> Result<Secrets> {
        let text = String::from_utf8(self.sealer.open(&place(record.id, "secret"), &record.sealed_secret)?);
        let secret =
            text.ok().and_then(|text| Secret::parse(&text).ok()).ok_or_else(|| unreadable(record, "secret"))?;
        Ok(Secrets {
            secret,
            headers: self.open_json(record, "headers", &record.sealed_headers)?,
            options: self.open_json(record, "options", &record.sealed_options)?,
        })
    }

    fn open_json<T: DeserializeOwned + Default>(
        &self,
        record: &EndpointRecord,
        what: &str,
        sealed: &[u8],
    ) -> Result<T> {
        let text = self.sealer.open(&place(record.id, what), sealed)?;
        if text.is_empty() {
            return Ok(T::default());
        }
        serde_json::from_slice(&text).map_err(|_| unreadable(record, what))
    }
}

fn place(id: EndpointId, what: &str) -> String {
    format!("{id}/{what}")
}

pub(super) fn unreadable(record: &EndpointRecord, what: &str) -> EngineError {
    EngineError::Internal(format!("stored {what} of {} cannot be read", record.id))
}
