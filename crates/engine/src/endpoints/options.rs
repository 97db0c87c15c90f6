//! The options of an endpoint as a user gives them, for a new one and for a change alike.

use super::auth::AuthFields;
use super::faults::Faults;
use super::sealed::Secrets;
use super::way::{CertificateFields, ProxyFields};
use crate::Engine;
use kanca_domain::endpoints::RateLimit;
use kanca_domain::endpoints::options::{self as rules, EndpointOptions};

/// Options that are given; `None` leaves as it is, `Some(None)` takes the default.
#[derive(Debug, Clone, Default)]
pub struct OptionsInput {
    pub retry_schedule: Option<Option<Vec<u64>>>,
    pub timeout_seconds: Option<Option<u64>>,
    pub rate_limit: Option<Option<RateLimitInput>>,
    pub max_concurrency: Option<Option<u64>>,
    pub disable_after_seconds: Option<Option<u64>>,
    pub auth: Option<Option<AuthFields>>,
    pub client_certificate: Option<Option<CertificateFields>>,
    pub proxy: Option<Option<ProxyFields>>,
    pub filter: Option<Option<String>>,
    pub transformation: Option<Option<String>>,
}

/// A rate limit as it is given.
#[derive(Debug, Clone, Copy)]
pub struct RateLimitInput {
    pub requests: u64,
    pub per_seconds: u64,
}

impl OptionsInput {
    /// Puts what is given and right into `options` and `secrets`; the rest goes to the faults.
    pub(super) fn apply(
        self,
        engine: &Engine,
        options: &mut EndpointOptions,
        secrets: &mut Secrets,
        faults: &mut Faults,
    ) {
        if let Some(seconds) = self.retry_schedule {
            options.retry_schedule = seconds.and_then(|seconds| faults.schedule("retry_schedule", &seconds));
        }
        if let Some(seconds) = self.timeout_seconds {
            options.timeout_seconds =
                seconds.and_then(|seconds| faults.check("timeout_seconds", rules::check_timeout(seconds)));
        }
        if let Some(limit) = self.rate_limit {
            options.rate_limit = limit.and_then(|limit| rate_limit(limit, faults));
        }
        if let Some(attempts) = self.max_concurrency {
            options.max_concurrency =
                attempts.and_then(|attempts| faults.check("max_concurrency", rules::check_concurrency(attempts)));
        }
        if let Some(seconds) = self.disable_after_seconds {
            options.disable_after_seconds =
                seconds.and_then(|seconds| faults.check("disable_after_seconds", rules::check_disable_after(seconds)));
        }
        if let Some(auth) = self.auth {
            let old = secrets.options.auth.take();
            secrets.options.auth = auth.and_then(|auth| auth.read(old.as_ref(), faults));
        }
        if let Some(certificate) = self.client_certificate {
            secrets.options.client_certificate =
                certificate.and_then(|certificate| engine.check_certificate(certificate, faults));
        }
        if let Some(proxy) = self.proxy {
            let old = secrets.options.proxy.take();
            secrets.options.proxy = proxy.and_then(|proxy| engine.check_proxy(proxy, old.as_ref(), faults));
        }
        if secrets.options.auth.is_some() && secrets.headers.iter().any(|(name, _)| is_authorization(name)) {
            faults.add("auth", &"the webhook also has a header “authorization”; keep one of the two");
        }
        if let Some(text) = self.filter {
            options.filter = text.and_then(|text| program("filter", &text, faults));
        }
        if let Some(text) = self.transformation {
            options.transformation = text.and_then(|text| program("transformation", &text, faults));
        }
    }
}

/// Whether a header is the one that credentials are sent in.
fn is_authorization(name: &str) -> bool {
    name.eq_ignore_ascii_case("authorization")
}

fn rate_limit(limit: RateLimitInput, faults: &mut Faults) -> Option<RateLimit> {
    let requests = faults.check("rate_limit.requests", rules::check_rate_requests(limit.requests));
    let per_seconds = faults.check("rate_limit.per_seconds", rules::check_rate_seconds(limit.per_seconds));
    Some(RateLimit { requests: requests?, per_seconds: per_seconds? })
}

/// The text of a program if it may be stored. Whether it can run is asked before, see `Engine::check_programs`.
fn program(field: &str, text: &str, faults: &mut Faults) -> Option<String> {
    faults.check(field, rules::check_program(text)).flatten().map(str::to_owned)
}
