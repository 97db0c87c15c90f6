//! Inboxes, and the requests that they keep.

use super::world::{World, all, at, first};
use crate::StorageError;
use crate::inboxes::{ConfiguredResponse, InboxRecord, InboxUse, Keep, RequestRecord, RequestSummary, SignatureState};
use bytes::Bytes;
use futures_util::future::join_all;
use kanca_domain::ids::{Id, InboxId, RequestId};

const PLENTY: Keep = Keep { requests: 1000, bytes: 1 << 30 };

fn new_inbox(world: &World, slug: &str) -> InboxRecord {
    InboxRecord {
        id: world.id(),
        project_id: world.project,
        name: "demo".into(),
        slug: slug.into(),
        response: ConfiguredResponse { status: 200, headers: Vec::new(), body: String::new() },
        sealed_signing_secret: Vec::new(),
        created_at: at(0),
        updated_at: at(0),
    }
}

async fn inbox(world: &World) -> InboxId {
    let inbox = new_inbox(world, "demo");
    let id = inbox.id;
    world.storage.create_inbox(inbox).await.unwrap();
    id
}

fn request(world: &World, inbox: InboxId, body: &[u8]) -> RequestRecord {
    let summary = RequestSummary {
        id: world.id(),
        inbox_id: inbox,
        received_at: at(1),
        method: "POST".into(),
        target: b"/in/demo".to_vec(),
        content_type: None,
        size: body.len() as u64,
        remote_addr: "192.0.2.7".into(),
        oversize: false,
        response_status: 200,
        duration_us: 40,
        signature: SignatureState::Unchecked,
        signature_detail: None,
        event_type: None,
    };
    RequestRecord { summary, headers: Vec::new(), body: Bytes::copy_from_slice(body) }
}

async fn capture(world: &World, inbox: InboxId, body: &[u8], keep: Keep) -> RequestId {
    let request = request(world, inbox, body);
    let id = request.summary.id;
    world.storage.capture(world.project, request, keep).await.unwrap();
    id
}

async fn kept(world: &World, inbox: InboxId) -> Vec<RequestId> {
    let read = async |page| world.storage.requests(world.project, inbox, page).await.unwrap();
    all(50, read).await.iter().map(|request| request.id).collect()
}

async fn usage(world: &World, inbox: InboxId) -> InboxUse {
    world.storage.inbox_use(world.project, inbox).await.unwrap()
}

pub async fn an_inbox_is_kept_as_it_is(world: &World) {
    let full = InboxRecord {
        name: "Gelen \"kutusu\"".into(),
        response: ConfiguredResponse {
            status: 418,
            headers: vec![("x-a".into(), "1".into()), ("x-a".into(), "2".into())],
            body: "{\"çay\":\"\u{0}\"}".into(),
        },
        sealed_signing_secret: vec![0, 255],
        updated_at: at(4),
        ..new_inbox(world, "full")
    };
    world.storage.create_inbox(full.clone()).await.unwrap();
    assert_eq!(world.storage.all_inboxes().await.unwrap(), [full]);
}

pub async fn a_slug_is_taken_in_every_project(world: &World) {
    world.storage.create_inbox(new_inbox(world, "taken")).await.unwrap();
    let foreign = InboxRecord { project_id: world.other_project().await, ..new_inbox(world, "taken") };
    let refused = world.storage.create_inbox(foreign.clone()).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    let free = InboxRecord { slug: "free".into(), ..foreign };
    world.storage.create_inbox(free.clone()).await.unwrap();
    let refused = world.storage.update_inbox(InboxRecord { slug: "taken".into(), ..free.clone() }).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert!(world.storage.all_inboxes().await.unwrap().contains(&free));
}

pub async fn an_update_replaces_an_inbox(world: &World) {
    let before = new_inbox(world, "before");
    world.storage.create_inbox(before.clone()).await.unwrap();
    capture(world, before.id, b"kept", PLENTY).await;
    let now = InboxRecord {
        name: "after".into(),
        slug: "after".into(),
        response: ConfiguredResponse { status: 204, headers: Vec::new(), body: "x".into() },
        sealed_signing_secret: vec![7],
        updated_at: at(9),
        ..before
    };
    world.storage.update_inbox(now.clone()).await.unwrap();
    assert_eq!(usage(world, now.id).await.request_count, 1);
    assert_eq!(world.storage.all_inboxes().await.unwrap(), [now]);
}

pub async fn an_inbox_is_changed_only_by_its_project(world: &World) {
    let other = world.other_project().await;
    let inbox = new_inbox(world, "mine");
    world.storage.create_inbox(inbox.clone()).await.unwrap();
    capture(world, inbox.id, b"kept", PLENTY).await;
    let foreign = InboxRecord { project_id: other, name: "theirs".into(), ..inbox.clone() };
    for refused in [
        world.storage.update_inbox(foreign).await,
        world.storage.delete_inbox(other, inbox.id).await,
        world.storage.clear_inbox(other, inbox.id).await,
        world.storage.capture(other, request(world, inbox.id, b""), PLENTY).await,
        world.storage.delete_inbox(world.project, world.id()).await,
    ] {
        assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    }
    assert_eq!(usage(world, inbox.id).await.request_count, 1);
    assert_eq!(world.storage.all_inboxes().await.unwrap(), [inbox]);
}

pub async fn a_request_is_kept_byte_for_byte(world: &World) {
    let inbox = inbox(world).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let mut full = request(world, inbox, &every_byte);
    full.summary = RequestSummary {
        method: "PROPFIND".into(),
        target: b"/in/demo/%zz/\xff?a=1&a=2#x".to_vec(),
        content_type: Some("application/octet-stream".into()),
        size: 123_456_789_012,
        oversize: true,
        response_status: 413,
        duration_us: 999,
        signature: SignatureState::Invalid,
        signature_detail: Some("eskimiş".into()),
        event_type: Some("sipariş.ödendi".into()),
        ..full.summary
    };
    full.headers = vec![
        (b"X-Repeated".to_vec(), b"one".to_vec()),
        (b"x-repeated".to_vec(), b"\xff\x00\t".to_vec()),
        (b"X-Repeated".to_vec(), Vec::new()),
    ];
    world.storage.capture(world.project, full.clone(), PLENTY).await.unwrap();
    let id = full.summary.id;
    assert_eq!(world.storage.request(world.project, inbox, id).await.unwrap(), Some(full.clone()));
    assert_eq!(world.storage.requests(world.project, inbox, first(10)).await.unwrap().items, [full.summary]);
    let empty = request(world, inbox, b"");
    world.storage.capture(world.project, empty.clone(), PLENTY).await.unwrap();
    assert_eq!(world.storage.request(world.project, inbox, empty.summary.id).await.unwrap(), Some(empty));
}

pub async fn an_inbox_keeps_its_newest_requests(world: &World) {
    let inbox = inbox(world).await;
    let keep = Keep { requests: 3, ..PLENTY };
    let mut expected = Vec::new();
    for n in 0..10_u8 {
        expected.insert(0, capture(world, inbox, &[n; 9], keep).await);
        expected.truncate(3);
        assert_eq!(kept(world, inbox).await, expected);
        assert_eq!(usage(world, inbox).await.request_count, expected.len() as u64);
    }
    let fewer = capture(world, inbox, b"", Keep { requests: 1, ..PLENTY }).await;
    assert_eq!(kept(world, inbox).await, [fewer], "a smaller limit prunes several");
}

pub async fn an_inbox_keeps_what_fits(world: &World) {
    let inbox = inbox(world).await;
    let keep = Keep { bytes: 25_000, ..PLENTY };
    let mut expected = Vec::new();
    for _ in 0..6 {
        expected.insert(0, capture(world, inbox, &[1; 10_000], keep).await);
        expected.truncate(2);
        assert_eq!(kept(world, inbox).await, expected);
        let used = usage(world, inbox).await;
        assert!(used.bytes >= 10_000 * expected.len() as u64 && used.bytes <= 25_000, "{used:?}");
    }
    for _ in 0..2 {
        expected.insert(0, capture(world, inbox, &[1; 20], keep).await);
    }
    assert_eq!(kept(world, inbox).await, expected, "small ones fit beside");
}

pub async fn the_newest_request_stays_whatever_its_size(world: &World) {
    let inbox = inbox(world).await;
    let keep = Keep { requests: 0, bytes: 10 };
    capture(world, inbox, b"small", keep).await;
    let large = capture(world, inbox, &[1; 1000], keep).await;
    assert_eq!(kept(world, inbox).await, [large]);
}

pub async fn the_limit_holds_when_requests_come_at_once(world: &World) {
    let inbox = inbox(world).await;
    let requests: Vec<_> = (0..100).map(|_| request(world, inbox, &[1; 50])).collect();
    let mut newest: Vec<_> = requests.iter().map(|request| request.summary.id).collect();
    let keep = Keep { requests: 10, ..PLENTY };
    let captured = join_all(requests.into_iter().map(|r| world.storage.capture(world.project, r, keep))).await;
    assert!(captured.iter().all(Result::is_ok));
    newest.reverse();
    newest.truncate(10);
    let kept = kept(world, inbox).await;
    assert_eq!(kept.len(), 10);
    assert_eq!(kept[0], newest[0]);
    let used = usage(world, inbox).await;
    assert_eq!((used.request_count, used.last_request_at), (10, Some(at(1))));
}

pub async fn requests_are_listed_newest_first_in_pages(world: &World) {
    let inbox = inbox(world).await;
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.insert(0, capture(world, inbox, b"x", PLENTY).await);
    }
    for limit in [1, 3, 7, 8] {
        let read = all(limit, async |page| {
            let page = world.storage.requests(world.project, inbox, page).await.unwrap();
            capture(world, inbox, b"new", PLENTY).await;
            page
        })
        .await;
        let old: Vec<_> = read.iter().map(|request| request.id).filter(|id| expected.contains(id)).collect();
        assert_eq!(old, expected, "pages of {limit}");
    }
}

pub async fn a_stream_resumes_after_the_last_request(world: &World) {
    let inbox = inbox(world).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(capture(world, inbox, b"x", PLENTY).await);
    }
    let read = async |after, limit| {
        let read = world.storage.requests_after(world.project, inbox, after, limit).await.unwrap();
        read.iter().map(|request| request.id).collect::<Vec<_>>()
    };
    assert_eq!(read(ids[1], 2).await, ids[2..4]);
    assert_eq!(read(ids[1], 99).await, ids[2..]);
    assert_eq!(read(ids[4], 99).await, []);
}

pub async fn a_request_is_deleted_alone(world: &World) {
    let inbox = inbox(world).await;
    assert_eq!(usage(world, inbox).await, InboxUse::default());
    let (gone, stays) = (capture(world, inbox, b"gone", PLENTY).await, capture(world, inbox, b"stays", PLENTY).await);
    let both = usage(world, inbox).await.bytes;
    let other = world.other_project().await;
    let refused = world.storage.delete_request(other, inbox, gone).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    world.storage.delete_request(world.project, inbox, gone).await.unwrap();
    assert_eq!(kept(world, inbox).await, [stays]);
    let used = usage(world, inbox).await;
    assert_eq!(used.request_count, 1);
    assert!(used.bytes > 0 && used.bytes < both, "{used:?}");
    let refused = world.storage.delete_request(world.project, inbox, gone).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
}

pub async fn an_inbox_is_cleared(world: &World) {
    let inbox = inbox(world).await;
    for _ in 0..3 {
        capture(world, inbox, b"x", PLENTY).await;
    }
    world.storage.clear_inbox(world.project, inbox).await.unwrap();
    assert_eq!(kept(world, inbox).await, []);
    assert_eq!(usage(world, inbox).await, InboxUse::default());
    let new = capture(world, inbox, b"x", PLENTY).await;
    assert_eq!(kept(world, inbox).await, [new]);
}

pub async fn a_deleted_inbox_takes_its_requests_along_and_frees_its_slug(world: &World) {
    let inbox = inbox(world).await;
    let old = capture(world, inbox, b"x", PLENTY).await;
    world.storage.delete_inbox(world.project, inbox).await.unwrap();
    assert!(world.storage.all_inboxes().await.unwrap().is_empty());
    assert_eq!(world.storage.request(world.project, inbox, old).await.unwrap(), None);
    let late = world.storage.capture(world.project, request(world, inbox, b"late"), PLENTY).await;
    assert!(matches!(late, Err(StorageError::NotFound(_))), "{late:?}");
    world.storage.create_inbox(new_inbox(world, "demo")).await.unwrap();
}

pub async fn requests_belong_to_their_project(world: &World) {
    let other = world.other_project().await;
    let inbox = inbox(world).await;
    let id = capture(world, inbox, b"secret", PLENTY).await;
    assert_eq!(world.storage.request(other, inbox, id).await.unwrap(), None);
    assert!(world.storage.requests(other, inbox, first(10)).await.unwrap().items.is_empty());
    assert!(
        world
            .storage
            .requests_after(other, inbox, RequestId::from_uuid(uuid::Uuid::nil()), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(world.storage.inbox_use(other, inbox).await.unwrap(), InboxUse::default());
    let second = new_inbox(world, "second");
    let second_id = second.id;
    world.storage.create_inbox(second).await.unwrap();
    assert_eq!(world.storage.request(world.project, second_id, id).await.unwrap(), None);
}
