//! What an endpoint signs with: its secret and, after a rotation, those before it until their time is over.

use super::Faults;
use super::sealed::Secrets;
use crate::Engine;
use crate::errors::{EngineError, Result};
use jiff::{SignedDuration, Timestamp};
use kanca_domain::ids::{EndpointId, ProjectId};
use kanca_domain::signatures::{PublicKey, Secret, SigningKey, Verifier, Version, sign_with_each};
use serde::{Deserialize, Serialize};

/// How long the secret before stays valid unless said otherwise: a day.
pub const DEFAULT_OVERLAP_SECONDS: u64 = 24 * 60 * 60;
/// The longest that it can stay valid: a week.
pub const MAX_OVERLAP_SECONDS: u64 = 7 * 24 * 60 * 60;
/// The most earlier secrets that can be valid at a time.
const MOST_PREVIOUS: usize = 4;

/// An earlier secret as it is sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PreviousSecret {
    pub secret: String,
    pub valid_until: Timestamp,
}

/// Everything an endpoint signs with, ready for use.
pub(crate) struct Signing {
    secret: Secret,
    key: SigningKey,
    /// Newest first.
    previous: Vec<(Secret, SigningKey, Timestamp)>,
}

impl Signing {
    pub fn new(secrets: &Secrets) -> Self {
        let previous = secrets.options.previous_secrets.iter().filter_map(|previous| {
            let secret = Secret::parse(&previous.secret).ok()?;
            Some((secret.clone(), secret.signing_key(), previous.valid_until))
        });
        Self { secret: secrets.secret.clone(), key: secrets.secret.signing_key(), previous: previous.collect() }
    }

    fn valid(&self, now: Timestamp) -> impl Iterator<Item = &(Secret, SigningKey, Timestamp)> {
        self.previous.iter().filter(move |(_, _, valid_until)| *valid_until > now)
    }

    /// The value of `webhook-signature`: that of the present secret first, then of those that are still valid.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let previous = self.valid(at).map(|(_, key, _)| key);
        sign_with_each(std::iter::once(&self.key).chain(previous), id, at.as_second(), body)
    }

    /// What its signatures can be checked with now.
    pub fn verifiers(&self, now: Timestamp) -> impl Iterator<Item = Verifier> {
        std::iter::once(&self.secret).chain(self.valid(now).map(|(secret, ..)| secret)).map(Verifier::from)
    }
}

impl super::Endpoint {
    /// Which signatures it makes.
    pub fn signature(&self) -> Version {
        self.signing.secret.version()
    }

    /// The public half of its key, when it has a pair of keys.
    pub fn public_key(&self) -> Option<PublicKey> {
        self.signing.secret.public_key()
    }

    /// Until when a secret before the present one is valid, too.
    pub fn previous_valid_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.signing.valid(now).map(|(_, _, valid_until)| *valid_until).max()
    }
}

/// A change of secret that leaves the one before valid for a while.
#[derive(Debug, Clone, Default)]
pub struct Rotation {
    /// The new secret; made when it is not given.
    pub secret: Option<String>,
    /// How long the one before stays valid; [`DEFAULT_OVERLAP_SECONDS`] when not given, at most
    /// [`MAX_OVERLAP_SECONDS`].
    pub overlap_seconds: Option<u64>,
}

impl Engine {
    /// The secret that is given or, without one, a new one; a given one must make the signatures that are asked for.
    pub(super) fn choose_secret(
        &self,
        text: Option<&str>,
        version: Option<Version>,
        faults: &mut Faults,
    ) -> Option<Secret> {
        let Some(text) = text else { return Some(self.new_secret(version.unwrap_or_default())) };
        let secret = faults.check("secret", Secret::parse(text))?;
        let message = match (version, secret.version()) {
            (Some(Version::V1), Version::V1a) => {
                "“whsk_” is a private key for v1a; a secret for v1 begins with “whsec_”"
            }
            (Some(Version::V1a), Version::V1) => {
                "“whsec_” is a secret for v1; a private key for v1a begins with “whsk_”"
            }
            _ => return Some(secret),
        };
        faults.add("secret", &message);
        None
    }

    pub(super) fn new_secret(&self, version: Version) -> Secret {
        let mut bytes = [0u8; 32];
        self.random.fill(&mut bytes);
        Secret::generate(version, &bytes)
    }

    /// Gives an endpoint a new secret. For a while its requests are signed with the one before, too. Returns the new one,
    /// and until when the one before is valid.
    pub async fn rotate_secret(
        &self,
        project: ProjectId,
        id: EndpointId,
        rotation: Rotation,
    ) -> Result<(String, Option<Timestamp>)> {
        let _guard = self.config.lock().await;
        let old = self.endpoint(project, id)?;
        let mut faults = Faults::default();
        let version = rotation.secret.is_none().then(|| old.signature());
        let secret = self.choose_secret(rotation.secret.as_deref(), version, &mut faults);
        if secret.as_ref() == Some(&old.secrets.secret) {
            faults.add("secret", &"this is the webhook's present secret; give another, or none to have one made");
        }
        let overlap = rotation.overlap_seconds.unwrap_or(DEFAULT_OVERLAP_SECONDS);
        if overlap > MAX_OVERLAP_SECONDS {
            let message =
                format!("the secret before can stay valid for at most {MAX_OVERLAP_SECONDS} seconds (7 days)");
            faults.add("overlap_seconds", &message);
        }
        faults.result()?;
        let secret = secret.ok_or_else(|| EngineError::Internal("a secret was refused without a fault".into()))?;
        let now = self.clock.now();
        let mut secrets = old.secrets.clone();
        secrets.drop_expired(now);
        let mut valid_until = None;
        if overlap > 0 {
            if secrets.options.previous_secrets.len() >= MOST_PREVIOUS {
                return Err(EngineError::conflict(
                    "too-many-secrets",
                    format!(
                        "{MOST_PREVIOUS} earlier secrets of this webhook are still valid. Wait until one has expired, or \
                         rotate with `overlap_seconds` 0, which ends them all."
                    ),
                ));
            }
            let until = now + SignedDuration::from_secs(i64::try_from(overlap).unwrap_or(i64::MAX));
            let previous = PreviousSecret { secret: secrets.secret.reveal(), valid_until: until };
            secrets.options.previous_secrets.insert(0, previous);
            valid_until = Some(until);
        } else {
            secrets.options.previous_secrets.clear();
        }
        secrets.secret = secret;
        let text = secrets.secret.reveal();
        let mut record = old.record.clone();
        record.updated_at = now;
        self.seal(&mut record, &secrets)?;
        self.storage.update_endpoint(record.clone()).await?;
        let endpoint = super::Endpoint::new(self, record, old.subscription.clone(), secrets);
        self.update_snapshot(|s| s.put_endpoint(endpoint));
        self.forget_outage(id, false).await;
        self.look_for_due(id);
        Ok((text, valid_until))
    }

    /// The public keys that an endpoint's signatures can be checked with, the present one first, with the time until
    /// which those before are valid. For anybody who knows the endpoint's id; empty when there is nothing to tell.
    pub fn public_keys(&self, id: EndpointId) -> Vec<(PublicKey, Option<Timestamp>)> {
        let now = self.clock.now();
        let Some(endpoint) = self.snapshot.load().endpoints.get(&id).cloned() else { return Vec::new() };
        let present = endpoint.public_key().map(|key| (key, None));
        let valid = endpoint.signing.valid(now);
        let before = valid.filter_map(|(secret, _, until)| Some((secret.public_key()?, Some(*until))));
        present.into_iter().chain(before).collect()
    }
}
