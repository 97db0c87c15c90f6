//! Bots, scenarios and versions.

use super::turns::first_turn;
use super::world::{World, at};
use crate::StorageError;
use crate::conversations::{ConversationRecord, Timer, Turn};
use crate::scenarios::{BotRecord, PublishedVersion, ScenarioRecord, VersionRecord};
use kanca_domain::ids::{BotId, ScenarioId};

pub(super) fn new_bot(world: &World) -> BotRecord {
    BotRecord {
        id: world.id(),
        project_id: world.project,
        name: "Yardımcı".into(),
        language: "tr".into(),
        allowed_origins: vec!["https://example.com".into()],
        active_scenario_id: None,
        sealed_identity_secret: vec![0, 200],
        created_at: at(0),
        updated_at: at(0),
    }
}

fn new_scenario(world: &World, bot: BotId) -> ScenarioRecord {
    ScenarioRecord {
        id: world.id(),
        project_id: world.project,
        bot_id: bot,
        name: "Karşılama".into(),
        draft: r#"{"blocks":[{"say":"merhaba \u0000"}]}"#.into(),
        draft_revision: 1,
        published: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn new_version(world: &World, scenario: &ScenarioRecord) -> VersionRecord {
    VersionRecord {
        id: world.id(),
        project_id: scenario.project_id,
        bot_id: scenario.bot_id,
        scenario_id: scenario.id,
        number: None,
        document: r#"{"blocks":[]}"#.into(),
        created_at: at(7),
    }
}

async fn bot(world: &World) -> BotRecord {
    let bot = new_bot(world);
    world.storage.create_bot(bot.clone()).await.unwrap();
    bot
}

async fn scenario(world: &World, bot: BotId) -> ScenarioRecord {
    let scenario = new_scenario(world, bot);
    world.storage.create_scenario(scenario.clone()).await.unwrap();
    scenario
}

async fn active(world: &World, bot: BotId) -> Option<ScenarioId> {
    let bots = world.storage.all_bots().await.unwrap();
    bots.into_iter().find(|stored| stored.id == bot).unwrap().active_scenario_id
}

pub async fn a_bot_is_kept_as_it_is(world: &World) {
    let bot = bot(world).await;
    let bare = BotRecord { allowed_origins: Vec::new(), sealed_identity_secret: Vec::new(), ..new_bot(world) };
    world.storage.create_bot(bare.clone()).await.unwrap();
    assert_eq!(world.storage.all_bots().await.unwrap(), [bot, bare]);
}

pub async fn an_update_of_a_bot_keeps_its_secret(world: &World) {
    let before = bot(world).await;
    let now = BotRecord {
        name: "Helper".into(),
        language: "en".into(),
        allowed_origins: vec![],
        active_scenario_id: Some(world.id()),
        updated_at: at(5),
        ..before
    };
    let with_another_secret = BotRecord { sealed_identity_secret: vec![1], ..now.clone() };
    world.storage.update_bot(with_another_secret).await.unwrap();
    assert_eq!(world.storage.all_bots().await.unwrap(), [now]);
}

pub async fn a_scenario_is_kept_as_it_is(world: &World) {
    let bot = bot(world).await;
    let plain = scenario(world, bot.id).await;
    assert_eq!(world.storage.scenario(world.project, plain.id).await.unwrap(), Some(plain));
    let version_id = world.id();
    let published = Some(PublishedVersion { version_id, number: 4, published_at: at(3) });
    let copied = ScenarioRecord { published, draft_revision: 9, ..new_scenario(world, bot.id) };
    world.storage.create_scenario(copied.clone()).await.unwrap();
    assert_eq!(world.storage.scenario(world.project, copied.id).await.unwrap(), Some(copied));
}

pub async fn scenarios_are_listed_newest_first_without_drafts(world: &World) {
    let (first, second) = (bot(world).await, bot(world).await);
    let old = scenario(world, first.id).await;
    let other = scenario(world, second.id).await;
    let new = scenario(world, first.id).await;
    let listed = async |bot| {
        let listed = world.storage.scenarios(world.project, bot).await.unwrap();
        assert!(listed.iter().all(|scenario| scenario.draft.is_empty()));
        listed.iter().map(|scenario| scenario.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, [new.id, other.id, old.id]);
    assert_eq!(listed(Some(first.id)).await, [new.id, old.id]);
}

pub async fn a_draft_is_not_overwritten_by_whoever_is_behind(world: &World) {
    let scenario = scenario(world, bot(world).await.id).await;
    let save = async |draft: &str, expected| {
        world.storage.save_draft(world.project, scenario.id, draft.into(), expected, at(4)).await
    };
    assert_eq!(save("{\"n\":2}", Some(1)).await.unwrap(), 2);
    let refused = save("{\"n\":0}", Some(1)).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert_eq!(save("{\"n\":3}", None).await.unwrap(), 3);
    let now = world.storage.scenario(world.project, scenario.id).await.unwrap().unwrap();
    assert_eq!((now.draft.as_str(), now.draft_revision, now.updated_at), ("{\"n\":3}", 3, at(4)));
}

pub async fn a_scenario_is_renamed(world: &World) {
    let scenario = scenario(world, bot(world).await.id).await;
    world.storage.rename_scenario(world.project, scenario.id, "Yeni ad", at(4)).await.unwrap();
    let expected = ScenarioRecord { name: "Yeni ad".into(), updated_at: at(4), ..scenario };
    assert_eq!(world.storage.scenario(world.project, expected.id).await.unwrap(), Some(expected));
}

pub async fn publishing_freezes_a_numbered_version(world: &World) {
    let bot = bot(world).await;
    let scenario = scenario(world, bot.id).await;
    let versions: Vec<_> =
        (0..3).map(|n| VersionRecord { document: format!("{{\"n\":{n}}}"), ..new_version(world, &scenario) }).collect();
    for (n, version) in (1..).zip(&versions) {
        assert_eq!(world.storage.publish(version.clone()).await.unwrap(), n);
        let expected = PublishedVersion { version_id: version.id, number: n, published_at: version.created_at };
        let now = world.storage.scenario(world.project, scenario.id).await.unwrap().unwrap();
        assert_eq!(now.published, Some(expected));
        assert_eq!(now.draft, scenario.draft, "the draft is left alone");
        assert_eq!(active(world, bot.id).await, Some(scenario.id));
    }
    let kept = VersionRecord { number: Some(2), ..versions[1].clone() };
    assert_eq!(world.storage.version(world.project, kept.id).await.unwrap(), Some(kept));
    let listed = world.storage.versions(world.project, scenario.id).await.unwrap();
    assert_eq!(listed.iter().map(|version| version.number).collect::<Vec<_>>(), [Some(3), Some(2), Some(1)]);
    assert!(listed.iter().all(|version| version.document.is_empty()));
}

pub async fn publishing_an_unknown_scenario_is_not_found(world: &World) {
    let stored = scenario(world, bot(world).await.id).await;
    let other = world.other_project().await;
    for wrong in [
        VersionRecord { scenario_id: world.id(), ..new_version(world, &stored) },
        VersionRecord { project_id: other, ..new_version(world, &stored) },
        VersionRecord { bot_id: world.id(), ..new_version(world, &stored) },
    ] {
        let refused = world.storage.publish(wrong).await;
        assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    }
    assert!(world.storage.versions(world.project, stored.id).await.unwrap().is_empty());
}

pub async fn test_versions_have_no_number_and_are_not_listed(world: &World) {
    let bot = bot(world).await;
    let scenario = scenario(world, bot.id).await;
    let tests = [new_version(world, &scenario), new_version(world, &scenario)];
    for test in &tests {
        let numbered = VersionRecord { number: Some(9), ..test.clone() };
        world.storage.create_test_version(numbered).await.unwrap();
        assert_eq!(world.storage.version(world.project, test.id).await.unwrap().as_ref(), Some(test));
    }
    assert!(world.storage.versions(world.project, scenario.id).await.unwrap().is_empty());
    assert_eq!(active(world, bot.id).await, None);
    assert_eq!(world.storage.publish(new_version(world, &scenario)).await.unwrap(), 1);
}

pub async fn a_deleted_scenario_keeps_the_versions_that_conversations_run(world: &World) {
    let bot = bot(world).await;
    let scenario = scenario(world, bot.id).await;
    let (used, unused) = (new_version(world, &scenario), new_version(world, &scenario));
    for version in [&used, &unused] {
        world.storage.publish(version.clone()).await.unwrap();
    }
    let turn = first_turn(world);
    let conversation = ConversationRecord { bot_id: bot.id, version_id: used.id, ..turn.conversation.clone() };
    world.storage.commit_turn(Turn { conversation, ..turn }).await.unwrap();
    world.storage.delete_scenario(world.project, scenario.id).await.unwrap();
    assert_eq!(world.storage.scenario(world.project, scenario.id).await.unwrap(), None);
    assert!(world.storage.version(world.project, used.id).await.unwrap().is_some());
    assert!(world.storage.version(world.project, unused.id).await.unwrap().is_none());
    assert_eq!(active(world, bot.id).await, None);
    let again = world.storage.delete_scenario(world.project, scenario.id).await;
    assert!(matches!(again, Err(StorageError::NotFound(_))), "{again:?}");
}

pub async fn deleting_a_bot_ends_its_conversations(world: &World) {
    let bot = bot(world).await;
    let scenario = scenario(world, bot.id).await;
    let turn = first_turn(world);
    let conversation = ConversationRecord {
        bot_id: bot.id,
        timer: Some(Timer { due: at(50), token: 1 }),
        ..turn.conversation.clone()
    };
    world.storage.commit_turn(Turn { conversation: conversation.clone(), ..turn.clone() }).await.unwrap();
    let elsewhere = first_turn(world);
    world.storage.commit_turn(elsewhere.clone()).await.unwrap();
    world.storage.delete_bot(world.project, bot.id).await.unwrap();
    assert!(world.storage.all_bots().await.unwrap().is_empty());
    assert_eq!(world.storage.scenario(world.project, scenario.id).await.unwrap(), None);
    let now = world.storage.conversation(world.project, conversation.id).await.unwrap().unwrap().conversation;
    assert!(now.ended && now.timer.is_none());
    let still = world.storage.conversation(world.project, elsewhere.conversation.id).await.unwrap().unwrap();
    assert!(!still.conversation.ended);
    // Whoever was in the middle of a turn must not bring it back to life.
    let revision = conversation.revision + 1;
    let messages = Vec::new();
    let late = Turn { conversation: ConversationRecord { revision, ..conversation }, messages, ..turn };
    let refused = world.storage.commit_turn(late).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    let again = world.storage.delete_bot(world.project, bot.id).await;
    assert!(matches!(again, Err(StorageError::NotFound(_))), "{again:?}");
}

pub async fn bots_and_scenarios_belong_to_their_project(world: &World) {
    let other = world.other_project().await;
    let bot = bot(world).await;
    let scenario = scenario(world, bot.id).await;
    let version = new_version(world, &scenario);
    world.storage.publish(version.clone()).await.unwrap();
    assert_eq!(world.storage.scenario(other, scenario.id).await.unwrap(), None);
    assert!(world.storage.scenarios(other, None).await.unwrap().is_empty());
    assert!(world.storage.scenarios(other, Some(bot.id)).await.unwrap().is_empty());
    assert!(world.storage.versions(other, scenario.id).await.unwrap().is_empty());
    assert_eq!(world.storage.version(other, version.id).await.unwrap(), None);
    for refused in [
        world.storage.update_bot(BotRecord { project_id: other, ..bot.clone() }).await,
        world.storage.delete_bot(other, bot.id).await,
        world.storage.rename_scenario(other, scenario.id, "x", at(1)).await,
        world.storage.delete_scenario(other, scenario.id).await,
        world.storage.save_draft(other, scenario.id, "{}".into(), None, at(1)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    }
    let kept = world.storage.scenario(world.project, scenario.id).await.unwrap().unwrap();
    assert_eq!((kept.name, kept.draft), (scenario.name, scenario.draft));
}
