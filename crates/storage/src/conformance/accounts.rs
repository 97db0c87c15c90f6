//! Projects, users, sessions, keys and settings.

use super::world::{World, after, at};
use crate::StorageError;
use crate::accounts::{ApiKeyRecord, ProjectRecord, SessionRecord, UserRecord};
use kanca_domain::ids::{ProjectId, UserId};
use kanca_domain::projects::{ProjectOptions, Retention, Validation};
use kanca_domain::retries::Schedule;

fn key(world: &World, project: ProjectId, hash: u8) -> ApiKeyRecord {
    ApiKeyRecord {
        id: world.id(),
        project_id: project,
        name: "ci".into(),
        hint: "kanca_ab".into(),
        key_hash: [hash; 32],
        created_at: at(0),
        last_used_at: None,
    }
}

fn user(world: &World, email: &str) -> UserRecord {
    UserRecord { id: world.id(), email: email.into(), password_hash: "$argon2id$1".into(), created_at: at(0) }
}

fn session(world: &World, user: UserId, hash: u8) -> SessionRecord {
    SessionRecord { id: world.id(), user_id: user, token_hash: [hash; 32], created_at: at(0), expires_at: at(100) }
}

pub async fn a_project_is_stored_with_its_first_key(world: &World) {
    let options = ProjectOptions { validation: Validation::Warn, ..ProjectOptions::default() };
    let project = ProjectRecord { id: world.id(), name: "Çiçekçi".into(), options, created_at: at(5) };
    let first = key(world, project.id, 1);
    world.storage.create_project(project.clone(), Some(first.clone())).await.unwrap();
    assert!(world.storage.projects().await.unwrap().contains(&project));
    assert_eq!(world.storage.api_keys(project.id).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(world.storage.all_api_keys().await.unwrap(), [first]);
}

pub async fn a_project_whose_key_cannot_be_stored_is_not_stored(world: &World) {
    let taken = key(world, world.project, 1);
    world.storage.create_api_key(taken.clone()).await.unwrap();
    let project = world.project_named(world.id(), "late");
    let refused = world.storage.create_project(project.clone(), Some(key(world, project.id, 1))).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert!(!world.storage.projects().await.unwrap().contains(&project));
}

pub async fn an_update_replaces_a_projects_name_and_options(world: &World) {
    let other = world.other_project().await;
    let options = ProjectOptions {
        retry_schedule: Some(Schedule::from_seconds(&[0, 60]).unwrap()),
        disable_after_seconds: Some(0),
        validation: Validation::Reject,
        retention: Retention { days: Some(7) },
    };
    let changed = ProjectRecord { options, ..world.project_named(world.project, "Çiçekçi") };
    world.storage.update_project(changed.clone()).await.unwrap();
    let stored = world.storage.projects().await.unwrap();
    assert!(stored.contains(&changed), "{stored:?}");
    assert!(stored.contains(&world.project_named(other, "another shop")), "others stay as they are");
    let unknown = world.storage.update_project(world.project_named(world.id(), "nobody")).await;
    assert!(matches!(unknown, Err(StorageError::NotFound(_))), "{unknown:?}");
}

pub async fn projects_are_listed_oldest_first(world: &World) {
    let (second, third) = (world.other_project().await, world.other_project().await);
    let listed: Vec<_> = world.storage.projects().await.unwrap().into_iter().map(|p| p.id).collect();
    assert_eq!(listed, [world.project, second, third]);
}

pub async fn a_user_is_found_by_email(world: &World) {
    let (ada, eve) = (user(world, "ada@example.com"), user(world, "eve@example.com"));
    world.storage.save_user(ada.clone(), None).await.unwrap();
    world.storage.save_user(eve.clone(), None).await.unwrap();
    assert_eq!(world.storage.user_by_email("eve@example.com").await.unwrap(), Some(eve.clone()));
    assert_eq!(world.storage.user_by_email("nobody@example.com").await.unwrap(), None);
    assert_eq!(world.storage.users().await.unwrap(), [ada, eve]);
}

pub async fn a_user_is_replaced_by_id(world: &World) {
    let ada = user(world, "ada@example.com");
    world.storage.save_user(ada.clone(), None).await.unwrap();
    let changed = UserRecord { email: "ada@example.org".into(), password_hash: "$argon2id$2".into(), ..ada };
    world.storage.save_user(changed.clone(), None).await.unwrap();
    assert_eq!(world.storage.users().await.unwrap(), [changed]);
}

pub async fn an_email_belongs_to_one_user(world: &World) {
    world.storage.save_user(user(world, "ada@example.com"), None).await.unwrap();
    let refused = world.storage.save_user(user(world, "ada@example.com"), None).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert_eq!(world.storage.users().await.unwrap().len(), 1);
}

pub async fn saving_a_user_ends_the_sessions_and_uses_up_the_link(world: &World) {
    let (ada, eve) = (user(world, "ada@example.com"), user(world, "eve@example.com"));
    for someone in [&ada, &eve] {
        world.storage.save_user(someone.clone(), None).await.unwrap();
    }
    world.storage.create_session(session(world, ada.id, 1)).await.unwrap();
    world.storage.create_session(session(world, eve.id, 2)).await.unwrap();
    world.storage.save_setting("setup_link", Some("hash".into())).await.unwrap();
    world.storage.save_user(ada, Some("setup_link")).await.unwrap();
    assert_eq!(world.storage.session([1; 32], at(1)).await.unwrap(), None);
    assert!(world.storage.session([2; 32], at(1)).await.unwrap().is_some(), "other users stay logged in");
    assert_eq!(world.storage.setting("setup_link").await.unwrap(), None);
}

pub async fn a_link_that_was_used_up_changes_nothing(world: &World) {
    let refused = world.storage.save_user(user(world, "ada@example.com"), Some("setup_link")).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert_eq!(world.storage.users().await.unwrap(), []);
}

pub async fn a_session_lives_until_it_expires(world: &World) {
    let ada = user(world, "ada@example.com");
    world.storage.save_user(ada.clone(), None).await.unwrap();
    let stored = session(world, ada.id, 7);
    world.storage.create_session(stored.clone()).await.unwrap();
    assert_eq!(world.storage.session([7; 32], at(99)).await.unwrap(), Some((stored, ada)));
    assert_eq!(world.storage.session([7; 32], at(101)).await.unwrap(), None);
    assert_eq!(world.storage.session([8; 32], at(1)).await.unwrap(), None);
}

pub async fn a_deleted_session_is_gone(world: &World) {
    let ada = user(world, "ada@example.com");
    world.storage.save_user(ada.clone(), None).await.unwrap();
    world.storage.create_session(session(world, ada.id, 7)).await.unwrap();
    world.storage.delete_session([7; 32]).await.unwrap();
    assert_eq!(world.storage.session([7; 32], at(1)).await.unwrap(), None);
    world.storage.delete_session([9; 32]).await.unwrap();
}

pub async fn keys_belong_to_their_project(world: &World) {
    let other = world.other_project().await;
    let (old, new) = (key(world, world.project, 1), key(world, world.project, 2));
    for key in [&old, &new] {
        world.storage.create_api_key(key.clone()).await.unwrap();
    }
    assert_eq!(world.storage.api_keys(other).await.unwrap(), []);
    let refused = world.storage.delete_api_key(other, old.id).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    assert_eq!(world.storage.api_keys(world.project).await.unwrap(), [new.clone(), old.clone()]);
    world.storage.delete_api_key(world.project, old.id).await.unwrap();
    assert_eq!(world.storage.api_keys(world.project).await.unwrap(), [new]);
}

pub async fn the_use_of_keys_is_noted(world: &World) {
    let key = key(world, world.project, 1);
    world.storage.create_api_key(key.clone()).await.unwrap();
    let used = vec![(key.id, after(at(0), 3)), (world.id(), at(4))];
    world.storage.touch_api_keys(used).await.unwrap();
    assert_eq!(world.storage.api_keys(world.project).await.unwrap()[0].last_used_at, Some(at(3)));
}

pub async fn settings_are_kept_replaced_and_removed(world: &World) {
    assert_eq!(world.storage.setting("theme").await.unwrap(), None);
    for value in ["dark", "light\0ish"] {
        world.storage.save_setting("theme", Some(value.into())).await.unwrap();
        assert_eq!(world.storage.setting("theme").await.unwrap().as_deref(), Some(value));
    }
    world.storage.save_setting("theme", None).await.unwrap();
    assert_eq!(world.storage.setting("theme").await.unwrap(), None);
}
