//! Kanca's use cases: ingest, deliver, retry, chat, capture.
//!
//! [`Engine`] is one handle to all of them; modules add its methods by subject. It knows storage, the sender, the clock
//! and randomness only as ports, and no HTTP framework at all.

pub mod accounts;
mod begun;
pub mod conversations;
pub mod deliveries;
pub mod demo;
pub mod endpoints;
pub mod errors;
pub mod event_types;
pub mod events;
mod ids;
pub mod inboxes;
pub mod limits;
pub mod live;
mod plan;
pub mod ports;
pub mod programs;
pub mod projects;
pub mod replays;
pub mod retention;
pub mod room;
pub mod scenarios;
pub mod secrets;
pub mod settings;
mod snapshot;
pub mod stats;
pub mod test_events;
pub mod traces;
mod webhook_answers;

pub use errors::{EngineError, Result};
pub use kanca_storage as storage;

use arc_swap::ArcSwap;
use conversations::{ChatSignal, Conversations, PanelSignal};
use deliveries::Dispatcher;
use ids::IdSource;
use inboxes::InboxSignal;
use jiff::Timestamp;
use kanca_domain::events::{BuiltIn, EventData};
use kanca_domain::ids::{ApiKeyId, ConversationId, InboxId, ProjectId};
use kanca_domain::projects::ProjectOptions;
use kanca_programs::Runner;
use kanca_storage::SharedStorage;
use kanca_storage::accounts::ProjectRecord;
use limits::KeyedLimit;
use live::Hub;
use parking_lot::Mutex;
use plan::PlanClock;
use ports::{Clock, Random, Sender};
use secrets::Sealer;
use settings::Settings;
use snapshot::Snapshot;
use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// The header that carries how many of Kanca's own inboxes a request has passed.
pub use deliveries::HOPS_HEADER;

/// What the engine is built from.
pub struct Parts {
    pub storage: SharedStorage,
    pub sender: Arc<dyn Sender>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// 32 bytes from the key file.
    pub sealing_key: [u8; 32],
    /// A key with full rights in the default project, for automation.
    pub automation_key: Option<String>,
    pub look_at_space: room::LookAtSpace,
    pub settings: Settings,
}

/// A handle to all use cases; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What all handles share.
pub struct Inner {
    storage: SharedStorage,
    sender: Arc<dyn Sender>,
    clock: Arc<dyn Clock>,
    plan: PlanClock,
    random: Arc<dyn Random>,
    ids: IdSource,
    sealer: Sealer,
    settings: Settings,
    /// Origins under which inbox addresses are one's own.
    own_origins: Vec<url::Url>,
    automation_key: Option<String>,
    default_project: ProjectId,
    snapshot: ArcSwap<Snapshot>,
    /// Serialises changes of the configuration.
    config: tokio::sync::Mutex<()>,
    dispatcher: Dispatcher,
    conversations: Conversations,
    inbox_live: Hub<InboxId, InboxSignal>,
    chat_live: Hub<ConversationId, ChatSignal>,
    panel_live: Hub<ProjectId, PanelSignal>,
    /// Held while a captured request gets its id and its place in the commit order.
    capture_order: Mutex<()>,
    limits: Limits,
    /// Places for work on passwords, which takes much memory on purpose.
    passwords: tokio::sync::Semaphore,
    /// Places for people who try programs.
    trials: tokio::sync::Semaphore,
    /// Places for checks of published data that may take long.
    checks: tokio::sync::Semaphore,
    /// What the password of an unknown e-mail is checked against; made when first needed.
    nobodys_hash: tokio::sync::OnceCell<String>,
    used_keys: Mutex<HashMap<ApiKeyId, Timestamp>>,
    room: room::Room,
    /// Filters and transformations are run here.
    programs: Runner,
    stats: stats::Stats,
}

struct Limits {
    conversations_per_client: KeyedLimit<IpAddr>,
    messages_per_conversation: KeyedLimit<ConversationId>,
    chat_per_client: KeyedLimit<IpAddr>,
    captures_per_inbox: KeyedLimit<InboxId>,
    captures_per_client: KeyedLimit<IpAddr>,
    logins_per_client: KeyedLimit<IpAddr>,
}

impl Deref for Engine {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// How often memory that nobody uses is given back and uses of keys are written down.
const SWEEP: Duration = Duration::from_secs(30);

/// Signals kept for listeners that lag, where there are few channels: one for an inbox or a project.
const FEW_CHANNELS: usize = 256;
/// The same where each visitor has a channel, whose memory must stay small; who lags reads the table.
const MANY_CHANNELS: usize = 32;
/// Passwords that are hashed or checked at a time.
const PASSWORDS_AT_A_TIME: usize = 4;

impl Engine {
    /// Loads the configuration, makes the default project and the demo if there are none, and starts delivering.
    ///
    /// # Errors
    /// When storage cannot be read or a sealed secret does not open with the key.
    pub async fn start(parts: Parts) -> Result<Self> {
        let engine = Self::load(parts).await?;
        engine.make_demo().await?;
        engine.resume_deliveries().await?;
        engine.resume_replays().await?;
        engine.resume_handshakes();
        engine.spawn(|e| async move { e.run_alarms().await });
        engine.spawn(|e| async move { e.run_timers().await });
        engine.spawn(|e| async move { e.watch_room().await });
        engine.spawn(|e| async move { e.sweep().await });
        engine.spawn(|e| async move { e.retain().await });
        Ok(engine)
    }

    /// Loads the configuration without starting anything, such as for a command that makes a set-up link.
    pub async fn load(parts: Parts) -> Result<Self> {
        let Parts { storage, sender, clock, random, sealing_key, automation_key, look_at_space, settings } = parts;
        let ids = IdSource::new(clock.clone(), random.clone(), storage.newest_id_millis().await?);
        let default_project = if let Some(project) = storage.projects().await?.first() {
            project.id
        } else {
            let project = ProjectRecord {
                id: ids.next(),
                name: "Default".into(),
                options: ProjectOptions::default(),
                created_at: clock.now(),
            };
            storage.create_project(project.clone(), None).await?;
            project.id
        };
        let plan = PlanClock::load(clock.clone(), &storage).await?;
        let rates = settings.rates;
        let engine = Self(Arc::new(Inner {
            sealer: Sealer::new(&sealing_key, random.clone()),
            ids,
            automation_key,
            default_project,
            snapshot: ArcSwap::default(),
            config: tokio::sync::Mutex::new(()),
            dispatcher: Dispatcher::default(),
            conversations: Conversations::default(),
            inbox_live: Hub::new(FEW_CHANNELS),
            chat_live: Hub::new(MANY_CHANNELS),
            panel_live: Hub::new(FEW_CHANNELS),
            limits: Limits {
                conversations_per_client: KeyedLimit::new(
                    "new conversations from this address",
                    rates.conversations_per_client,
                ),
                messages_per_conversation: KeyedLimit::new(
                    "messages in this conversation",
                    rates.messages_per_conversation,
                ),
                chat_per_client: KeyedLimit::new("chat requests from this address", rates.chat_per_client),
                captures_per_inbox: KeyedLimit::new("requests to this inbox", rates.captures_per_inbox),
                captures_per_client: KeyedLimit::new("requests from this address", rates.captures_per_client),
                logins_per_client: KeyedLimit::new("log-in attempts from this address", rates.logins_per_client),
            },
            own_origins: [&settings.public_url, &settings.inbox_url]
                .into_iter()
                .filter_map(|u| u.parse().ok())
                .collect(),
            capture_order: Mutex::default(),
            passwords: tokio::sync::Semaphore::new(PASSWORDS_AT_A_TIME),
            trials: tokio::sync::Semaphore::new(programs::TRIALS_AT_A_TIME),
            checks: tokio::sync::Semaphore::new(event_types::CHECKS_AT_A_TIME),
            nobodys_hash: tokio::sync::OnceCell::new(),
            used_keys: Mutex::default(),
            room: room::Room::new(look_at_space),
            programs: settings.programs.clone().map_or_else(Runner::in_process, Runner::with_children),
            stats: stats::Stats::new(clock.now()),
            storage,
            sender,
            clock,
            plan,
            random,
            settings,
        }));
        engine.load_snapshot().await?;
        Ok(engine)
    }

    async fn load_snapshot(&self) -> Result<()> {
        let mut snapshot = Snapshot::default();
        for project in self.storage.projects().await? {
            snapshot.projects.insert(project.id, Arc::new(project));
        }
        for key in self.storage.all_api_keys().await? {
            snapshot.keys.insert(key.key_hash, Arc::new(key));
        }
        for inbox in self.storage.all_inboxes().await? {
            snapshot.put_inbox(self.load_inbox(inbox)?);
        }
        for endpoint in self.storage.all_endpoints().await? {
            snapshot.put_endpoint(self.load_endpoint(endpoint)?);
        }
        for bot in self.storage.all_bots().await? {
            snapshot.bots.insert(bot.id, Arc::new(bot));
        }
        let mut types: HashMap<ProjectId, event_types::Registry> = HashMap::new();
        for record in self.storage.all_event_types().await? {
            let of_project = types.entry(record.project_id).or_default();
            of_project.insert(record.name.clone(), Arc::new(event_types::load(record)));
        }
        snapshot.event_types = types.into_iter().map(|(project, types)| (project, Arc::new(types))).collect();
        self.snapshot.store(Arc::new(snapshot));
        Ok(())
    }

    /// The settings it was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The project of the owner's automation key and of a fresh panel session.
    pub fn default_project(&self) -> ProjectId {
        self.default_project
    }

    /// The default project.
    pub fn default_project_record(&self) -> Option<Arc<ProjectRecord>> {
        self.snapshot.load().projects.get(&self.default_project).cloned()
    }

    /// The present instant, as the engine sees it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Listens to an inbox.
    pub fn watch_inbox(&self, inbox: InboxId) -> tokio::sync::broadcast::Receiver<InboxSignal> {
        self.inbox_live.subscribe(inbox)
    }

    /// Ends all live streams, so that their listeners can go.
    pub fn end_streams(&self) {
        self.inbox_live.close();
        self.chat_live.close();
        self.panel_live.close();
    }

    /// Starts no further attempt and waits at most `most` for those under way. Attempts cut off after that use up no step
    /// of their schedule.
    pub async fn drain(&self, most: Duration) {
        self.dispatcher.drain(most).await;
    }

    /// Writes down what is left and closes storage; nothing else works after it.
    pub async fn close(&self) {
        if let Err(error) = self.store_key_uses().await {
            tracing::warn!(%error, "the last uses of API keys were not written down");
        }
        self.look_at_clock(true).await;
        if let Err(error) = self.storage.close().await {
            tracing::warn!(%error, "storage did not close cleanly; nothing acknowledged is lost");
        }
    }

    /// Publishes one of Kanca's own events.
    pub(crate) async fn publish_built_in(
        &self,
        project: ProjectId,
        event: BuiltIn,
        data: &serde_json::Value,
        hops: u8,
    ) -> Result<()> {
        let data = EventData::parse(data.to_string().as_bytes()).map_err(|e| EngineError::Internal(e.to_string()))?;
        let event_type = event.event_type();
        let publication =
            events::Publication { event_type, data, timestamp: None, ordering_key: None, idempotency_key: None, hops };
        self.publish(project, publication).await.map(|_| ())
    }

    fn update_snapshot(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.snapshot.load());
        change(&mut next);
        self.snapshot.store(Arc::new(next));
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(Self) -> F) {
        tokio::spawn(task(self.clone()));
    }

    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            self.conversations.forget_idle();
            self.inbox_live.forget_idle();
            self.chat_live.forget_idle();
            self.panel_live.forget_idle();
            let limits = &self.limits;
            for limit in [&limits.conversations_per_client, &limits.chat_per_client, &limits.captures_per_client] {
                limit.forget_idle();
            }
            limits.logins_per_client.forget_idle();
            limits.messages_per_conversation.forget_idle();
            limits.captures_per_inbox.forget_idle();
            self.stats.forget_idle(self.clock.now());
            let pruned = self.storage.prune_idempotency(self.clock.now(), 10_000).await;
            if let Err(error) = pruned.map_err(EngineError::from).and(self.store_key_uses().await) {
                tracing::warn!(%error, "housekeeping failed; it is tried again");
            }
        }
    }
}
