//! Projects, users, panel sessions, API keys and the installation's own settings.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::ids::{ApiKeyId, ProjectId, SessionId, UserId};
use kanca_domain::projects::ProjectOptions;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRecord {
    pub id: ProjectId,
    pub name: String,
    pub options: ProjectOptions,
    pub created_at: Timestamp,
}

/// A person who may log in to the panel. Passwords are stored as argon2id PHC strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    pub id: UserId,
    /// Lower-cased, unique.
    pub email: String,
    pub password_hash: String,
    pub created_at: Timestamp,
}

/// A panel session; the cookie's token is stored as its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    pub id: SessionId,
    pub user_id: UserId,
    pub token_hash: [u8; 32],
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// An API key; stored as its SHA-256 (the keys are random, so a slow hash would add nothing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    pub id: ApiKeyId,
    pub project_id: ProjectId,
    pub name: String,
    /// The first characters of the key, to tell keys apart in a list.
    pub hint: String,
    pub key_hash: [u8; 32],
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Storage of accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Stores a project together with its first key, in one commit.
    async fn create_project(&self, project: ProjectRecord, key: Option<ApiKeyRecord>) -> Result<()>;
    /// Replaces a project's name and options; `NotFound` when there is no such project.
    async fn update_project(&self, project: ProjectRecord) -> Result<()>;
    /// All projects, oldest first.
    async fn projects(&self) -> Result<Vec<ProjectRecord>>;
    /// Creates the user, or replaces e-mail and password of the user with this id; ends all sessions of that user and
    /// removes the setting `used_setting` in the same commit (the one-time link is used up by its use). `Conflict` when
    /// the e-mail belongs to another user, or when that setting is gone: the link was used by someone else meanwhile.
    async fn save_user(&self, user: UserRecord, used_setting: Option<&'static str>) -> Result<()>;
    /// The user with this (lower-cased) e-mail.
    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>>;
    /// All users, oldest first.
    async fn users(&self) -> Result<Vec<UserRecord>>;
    /// Stores a session.
    async fn create_session(&self, session: SessionRecord) -> Result<()>;
    /// The session with this token hash and its user, unless it expired before `now`.
    async fn session(&self, token_hash: [u8; 32], now: Timestamp) -> Result<Option<(SessionRecord, UserRecord)>>;
    /// Ends a session; unknown hashes are not an error.
    async fn delete_session(&self, token_hash: [u8; 32]) -> Result<()>;
    /// Stores a key.
    async fn create_api_key(&self, key: ApiKeyRecord) -> Result<()>;
    /// The keys of a project, newest first.
    async fn api_keys(&self, project: ProjectId) -> Result<Vec<ApiKeyRecord>>;
    /// The keys of all projects; the engine keeps them in its snapshot.
    async fn all_api_keys(&self) -> Result<Vec<ApiKeyRecord>>;
    /// Revokes a key; `NotFound` when the project has no such key.
    async fn delete_api_key(&self, project: ProjectId, key: ApiKeyId) -> Result<()>;
    /// Notes that keys were used; unknown ids are ignored.
    async fn touch_api_keys(&self, used: Vec<(ApiKeyId, Timestamp)>) -> Result<()>;
    /// A setting of the installation, such as the hash of the set-up link.
    async fn setting(&self, name: &str) -> Result<Option<String>>;
    /// Stores or (with `None`) removes a setting.
    async fn save_setting(&self, name: &str, value: Option<String>) -> Result<()>;
}
