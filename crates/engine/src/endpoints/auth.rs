//! Credentials of an endpoint as a user gives them and sees them again: what is secret is shown as a mask, and a mask that
//! is sent back keeps what is stored.

use super::{Faults, MASK};
use kanca_domain::endpoints::Auth;
use kanca_domain::endpoints::auth::InvalidAuth;
use serde::{Deserialize, Serialize};

/// The kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthKind {
    Basic,
    Bearer,
}

/// Credentials as they are given or shown.
#[derive(Clone)]
pub struct AuthFields {
    pub kind: AuthKind,
    pub username: Option<String>,
    pub password: Option<String>,
    pub token: Option<String>,
}

/// Shows nothing of the credentials.
impl std::fmt::Debug for AuthFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}(…)", self.kind)
    }
}

impl AuthFields {
    /// Stored credentials, masked.
    pub(super) fn of(auth: &Auth) -> Self {
        let mask = || Some(MASK.to_owned());
        match auth {
            Auth::Basic { username, .. } => {
                Self { kind: AuthKind::Basic, username: Some(username.clone()), password: mask(), token: None }
            }
            Auth::Bearer { .. } => Self { kind: AuthKind::Bearer, username: None, password: None, token: mask() },
        }
    }

    /// Reads credentials, with what is masked from the stored ones.
    pub(super) fn read(self, old: Option<&Auth>, faults: &mut Faults) -> Option<Auth> {
        let (password, token) = match old {
            Some(Auth::Basic { password, .. }) => (Some(password), None),
            Some(Auth::Bearer { token }) => (None, Some(token)),
            None => (None, None),
        };
        let checked = match self.kind {
            AuthKind::Basic => {
                unwanted("auth.token", self.token.as_ref(), "basic", faults);
                let username = wanted("auth.username", self.username, None, faults);
                let password = wanted("auth.password", self.password, password, faults);
                Auth::basic(username?, password?)
            }
            AuthKind::Bearer => {
                unwanted("auth.username", self.username.as_ref(), "bearer", faults);
                unwanted("auth.password", self.password.as_ref(), "bearer", faults);
                Auth::bearer(wanted("auth.token", self.token, token, faults)?)
            }
        };
        let place = checked.as_ref().err().map_or("", |problem: &InvalidAuth| problem.field());
        faults.check(&format!("auth.{place}"), checked)
    }
}

/// A field that is needed; a mask stands for what is stored.
pub(super) fn wanted(field: &str, given: Option<String>, kept: Option<&String>, faults: &mut Faults) -> Option<String> {
    match given {
        Some(text) if text == MASK => {
            if kept.is_none() {
                faults.add(field, &"nothing is stored that the mask could stand for; write it out");
            }
            kept.cloned()
        }
        Some(text) => Some(text),
        None => {
            faults.add(field, &"is missing; credentials of this type need it");
            None
        }
    }
}

fn unwanted(field: &str, given: Option<&String>, kind: &str, faults: &mut Faults) {
    if given.is_some() {
        faults.add(field, &format!("does not belong to “{kind}”; leave it out"));
    }
}
