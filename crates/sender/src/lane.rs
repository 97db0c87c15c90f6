//! What a connection may be shared by: requests to an equal origin, through an equal proxy, with the same client
//! certificate. The pool keeps idle connections by lane.

use crate::target::{Origin, Target};
use kanca_engine::ports::{ClientIdentity, Proxy};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Whom a connection leads to, and how.
#[derive(Clone)]
pub struct Lane {
    target: Arc<Target>,
    pub proxy: Option<Arc<Proxy>>,
    pub identity: Option<Arc<ClientIdentity>>,
}

impl Lane {
    /// What does not apply is dropped: to Kanca itself no proxy leads, and without TLS nobody asks for a certificate.
    pub fn new(target: Arc<Target>, proxy: Option<Arc<Proxy>>, identity: Option<Arc<ClientIdentity>>) -> Self {
        let proxy = proxy.filter(|_| !target.origin.own_inbox);
        let identity = identity.filter(|_| target.origin.tls);
        Self { target, proxy, identity }
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    pub fn origin(&self) -> &Origin {
        &self.target.origin
    }

    fn parts(&self) -> (&Origin, Option<&Arc<Proxy>>, Option<&[u8; 32]>) {
        (self.origin(), self.proxy.as_ref(), self.identity.as_ref().map(|identity| &identity.id))
    }
}

impl PartialEq for Lane {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Lane {}

impl Hash for Lane {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}
