//! Who may do what: the owner's set-up link, log-in, panel sessions, API keys and projects.

use crate::Engine;
use crate::errors::{EngineError, FieldError, Result};
use crate::ports::Random;
use crate::secrets;
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use jiff::{SignedDuration, Timestamp};
use kanca_domain::endpoints::check_name;
use kanca_domain::ids::{ApiKeyId, ProjectId, UserId};
use kanca_domain::projects::ProjectOptions;
use kanca_storage::accounts::{ApiKeyRecord, ProjectRecord, SessionRecord, UserRecord};
use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// The setting that holds the hash of the unused set-up link.
const SETUP_SETTING: &str = "setup_token_hash";
/// How long a panel session lasts.
const SESSION: SignedDuration = SignedDuration::from_hours(24 * 14);
const MIN_PASSWORD: usize = 10;
const MAX_PASSWORD: usize = 1_024;

/// What a request is allowed to do.
#[derive(Debug, Clone)]
pub struct Access {
    pub project_id: ProjectId,
    /// May create projects and see all of them.
    pub owner: bool,
    /// Set for a person in the panel.
    pub user: Option<UserRecord>,
}

/// A panel session that has just begun; the token goes into the cookie.
pub struct NewSession {
    pub token: String,
    pub user: UserRecord,
    pub lifetime: Duration,
}

/// A token for a set-up link, and the hash that is stored of it.
pub fn setup_token(random: &dyn Random) -> (String, String) {
    let token = secrets::token("", random);
    let hash = secrets::hex(&secrets::hash(&token));
    (token, hash)
}

/// The link for a token.
pub fn setup_link(public_url: &str, token: &str) -> String {
    format!("{public_url}/#/setup?token={token}")
}

impl Engine {
    /// The access of an API key.
    pub fn access_of_key(&self, key: &str) -> Result<Access> {
        if let Some(fixed) = &self.automation_key
            && bool::from(fixed.as_bytes().ct_eq(key.as_bytes()))
        {
            return Ok(Access { project_id: self.default_project, owner: true, user: None });
        }
        let snapshot = self.snapshot.load();
        let record = snapshot.keys.get(&secrets::hash(key)).ok_or_else(|| {
            EngineError::Unauthorized("This API key is not valid. Create one in the panel under Settings.".into())
        })?;
        self.used_keys.lock().insert(record.id, self.clock.now());
        Ok(Access { project_id: record.project_id, owner: false, user: None })
    }

    /// The access of a panel session, in the default project or the one asked for.
    pub async fn access_of_session(&self, token: &str, project: Option<ProjectId>) -> Result<Access> {
        let denied = || EngineError::Unauthorized("You are not logged in, or your session has ended. Log in.".into());
        let found = self.storage.session(secrets::hash(token), self.clock.now()).await?;
        let (_, user) = found.ok_or_else(denied)?;
        let project_id = project.unwrap_or(self.default_project);
        if !self.snapshot.load().projects.contains_key(&project_id) {
            return Err(EngineError::NotFound("project"));
        }
        Ok(Access { project_id, owner: true, user: Some(user) })
    }

    /// Whether nobody has set a password yet.
    pub async fn setup_needed(&self) -> Result<bool> {
        Ok(self.storage.users().await?.is_empty())
    }

    /// Makes a new one-time link for the owner's e-mail and password; an older one stops working.
    pub async fn new_setup_link(&self) -> Result<String> {
        let (token, hash) = setup_token(&*self.random);
        self.accept_setup_hash(hash).await?;
        Ok(setup_link(&self.settings.public_url, &token))
    }

    /// Makes the link whose token has this hash the one that works, such as one made by another process that was asked
    /// for it on the server.
    pub async fn accept_setup_hash(&self, hash: String) -> Result<()> {
        Ok(self.storage.save_setting(SETUP_SETTING, Some(hash)).await?)
    }

    /// Sets the owner's e-mail and password through the link and logs in. Earlier sessions end.
    pub async fn set_up(&self, token: &str, email: &str, password: String, client: IpAddr) -> Result<NewSession> {
        self.limits.logins_per_client.check(&client)?;
        let stored = self.storage.setting(SETUP_SETTING).await?.unwrap_or_default();
        if !bool::from(stored.as_bytes().ct_eq(secrets::hex(&secrets::hash(token)).as_bytes())) {
            return Err(EngineError::Forbidden(
                "This link is not valid any more. Run `kanca setup-link` on the server for a new one.".into(),
            ));
        }
        let email = check_credentials(email, &password)?;
        let id: UserId = match self.storage.users().await?.first() {
            Some(owner) => owner.id,
            None => self.ids.next(),
        };
        let password_hash = self.hash_password(password).await?;
        let user = UserRecord { id, email, password_hash, created_at: self.clock.now() };
        self.storage.save_user(user.clone(), Some(SETUP_SETTING)).await?;
        self.begin_session(user).await
    }

    /// Logs in with e-mail and password. Takes equally long whether the e-mail exists or not.
    pub async fn log_in(&self, email: &str, password: String, client: IpAddr) -> Result<NewSession> {
        self.limits.logins_per_client.check(&client)?;
        let email = email.trim().to_lowercase();
        let user = self.storage.user_by_email(&email).await?;
        let hash = match &user {
            Some(user) => user.password_hash.clone(),
            None => self.nobodys_hash().await?,
        };
        let _place = self.passwords.acquire().await;
        let fits = tokio::task::spawn_blocking(move || verify(&hash, &password))
            .await
            .map_err(|e| EngineError::Internal(e.to_string()))?;
        match user.filter(|_| fits) {
            Some(user) => self.begin_session(user).await,
            None => Err(EngineError::Unauthorized(
                "E-mail or password is wrong. If you forgot the password, run `kanca setup-link` on the server.".into(),
            )),
        }
    }

    async fn begin_session(&self, user: UserRecord) -> Result<NewSession> {
        let token = secrets::token("", &*self.random);
        let now = self.clock.now();
        let session = SessionRecord {
            id: self.ids.next(),
            user_id: user.id,
            token_hash: secrets::hash(&token),
            created_at: now,
            expires_at: now + SESSION,
        };
        self.storage.create_session(session).await?;
        Ok(NewSession { token, user, lifetime: SESSION.unsigned_abs() })
    }

    /// Ends a session.
    pub async fn log_out(&self, token: &str) -> Result<()> {
        Ok(self.storage.delete_session(secrets::hash(token)).await?)
    }

    /// Creates a project with a key of its own; the key's text can be shown to the caller this once.
    pub async fn create_project(&self, access: &Access, name: &str) -> Result<(Arc<ProjectRecord>, String)> {
        owner_only(access)?;
        check_name(name).map_err(|e| EngineError::invalid("name", e.to_string()))?;
        let _guard = self.config.lock().await;
        let options = ProjectOptions::default();
        let project = ProjectRecord { id: self.ids.next(), name: name.into(), options, created_at: self.clock.now() };
        let (record, text) = self.new_key(project.id, "First key");
        self.storage.create_project(project.clone(), Some(record.clone())).await?;
        let project = Arc::new(project);
        self.update_snapshot(|s| {
            s.projects.insert(project.id, project.clone());
            s.keys.insert(record.key_hash, Arc::new(record));
        });
        Ok((project, text))
    }

    /// All projects, newest first; a key sees its own only.
    pub fn projects(&self, access: &Access) -> Vec<Arc<ProjectRecord>> {
        let snapshot = self.snapshot.load();
        let visible = |p: &&Arc<ProjectRecord>| access.owner || p.id == access.project_id;
        let mut found: Vec<_> = snapshot.projects.values().filter(visible).cloned().collect();
        found.sort_by_key(|p| Reverse(p.id));
        found
    }

    /// Creates a key; its text can be shown to the caller this once.
    pub async fn create_api_key(&self, project: ProjectId, name: &str) -> Result<(Arc<ApiKeyRecord>, String)> {
        check_name(name).map_err(|e| EngineError::invalid("name", e.to_string()))?;
        let _guard = self.config.lock().await;
        let (record, text) = self.new_key(project, name);
        self.storage.create_api_key(record.clone()).await?;
        let record = Arc::new(record);
        self.update_snapshot(|s| {
            s.keys.insert(record.key_hash, record.clone());
        });
        Ok((record, text))
    }

    fn new_key(&self, project_id: ProjectId, name: &str) -> (ApiKeyRecord, String) {
        let text = secrets::token("kanca_", &*self.random);
        let record = ApiKeyRecord {
            id: self.ids.next(),
            project_id,
            name: name.into(),
            hint: format!("{}…", text.chars().take(10).collect::<String>()),
            key_hash: secrets::hash(&text),
            created_at: self.clock.now(),
            last_used_at: None,
        };
        (record, text)
    }

    /// The keys of a project, newest first.
    pub async fn api_keys(&self, project: ProjectId) -> Result<Vec<ApiKeyRecord>> {
        self.store_key_uses().await?;
        Ok(self.storage.api_keys(project).await?)
    }

    /// Revokes a key; it is refused when the call returns.
    pub async fn delete_api_key(&self, project: ProjectId, id: ApiKeyId) -> Result<()> {
        let _guard = self.config.lock().await;
        self.storage.delete_api_key(project, id).await?;
        self.update_snapshot(|s| s.keys.retain(|_, key| key.id != id));
        Ok(())
    }

    /// Writes down when keys were used, at most one write for each look.
    pub(crate) async fn store_key_uses(&self) -> Result<()> {
        let used: Vec<(ApiKeyId, Timestamp)> = self.used_keys.lock().drain().collect();
        if !used.is_empty() {
            self.storage.touch_api_keys(used).await?;
        }
        Ok(())
    }

    /// A hash that no password fits, so that an unknown e-mail costs one check, too.
    async fn nobodys_hash(&self) -> Result<String> {
        let made = self.nobodys_hash.get_or_try_init(|| self.hash_password("nobody's password".into()));
        made.await.cloned()
    }

    async fn hash_password(&self, password: String) -> Result<String> {
        let _place = self.passwords.acquire().await;
        let mut salt = [0u8; 16];
        self.random.fill(&mut salt);
        let hashed = tokio::task::spawn_blocking(move || {
            Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|h| h.to_string())
        });
        hashed
            .await
            .map_err(|e| EngineError::Internal(e.to_string()))?
            .map_err(|e| EngineError::Internal(e.to_string()))
    }
}

/// Refuses whoever is not the owner.
fn owner_only(access: &Access) -> Result<()> {
    if access.owner {
        return Ok(());
    }
    Err(EngineError::Forbidden("Only the owner may do this. A project's own key works in its project only.".into()))
}

fn verify(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok())
}

fn check_credentials(email: &str, password: &str) -> Result<String> {
    let mut wrong = Vec::new();
    let email = email.trim().to_lowercase();
    let plausible = email.len() <= 254
        && email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if !plausible {
        wrong.push(FieldError { field: "email".into(), message: "is not an e-mail address".into() });
    }
    if password.chars().count() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        let message = format!("must have at least {MIN_PASSWORD} characters and at most {MAX_PASSWORD} bytes");
        wrong.push(FieldError { field: "password".into(), message });
    }
    if wrong.is_empty() { Ok(email) } else { Err(EngineError::Invalid(wrong)) }
}
