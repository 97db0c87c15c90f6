//! What is known of visitors, and who may say it.

use crate::support::{Bot, Chat, Server, Socket, document, echo, says, start};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

fn hash(secret: &str, external_id: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(external_id.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Greets by name, and tells what it knows.
fn greeting() -> Value {
    let blocks = json!([says("hello", "Hello {{name|stranger}}!"), {"id": "else", "type": "default_otherwise"},
        says("know", "plan {{plan|none}}, city {{city|none}}")]);
    document(&blocks, &[("start", "next", "hello"), ("else", "next", "know")])
}

fn contact(server: &Server, chat: &Chat) -> Value {
    server.api().get(&format!("/conversations/{}", chat.id)).expect(200)["contact"].clone()
}

#[track_caller]
fn set(chat: &Chat, attributes: &Value) -> u16 {
    chat.http.put(&chat.path("contact"), &json!({"attributes": attributes})).status
}

#[test]
fn attributes_of_the_page_are_used_in_texts() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &greeting());
    let chat = Chat::start_with(&server, &bot, json!({"attributes": {"name": "Ada <b>"}}));
    assert_eq!(chat.lines(), ["bot: Hello Ada <b>!"]);
    assert_eq!(set(&chat, &json!({"plan": "gold", "visits": 3, "tags": ["a"], "x.y": true})), 204);
    chat.say("?");
    assert_eq!(chat.lines().last().unwrap(), "bot: plan gold, city none");
    let known = contact(&server, &chat);
    let expected = json!({"name": "Ada <b>", "plan": "gold", "visits": 3, "tags": ["a"], "x.y": true});
    assert_eq!((&known["name"], &known["attributes"]), (&json!("Ada <b>"), &expected));
    server.kill_9();
    server.restart();
    assert_eq!(contact(&server, &chat)["attributes"], expected);
    assert_eq!(Chat::start(&server, &bot).lines(), ["bot: Hello stranger!"]);
}

#[test]
fn names_that_kanca_keeps_for_itself_are_refused() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &greeting());
    let chat = Chat::start(&server, &bot);
    let long = "x".repeat(65);
    for name in ["message", "webhook", "webhook.status", "webhook.body", "", "1a", "a b", "adı", &long] {
        let attributes = json!({name: 1});
        let refused = chat.http.put(&chat.path("contact"), &json!({"attributes": attributes})).expect_problem(422);
        assert!(refused["errors"][0]["field"].as_str().unwrap().starts_with("attributes."), "{refused}");
        start(&server, &bot, json!({"attributes": attributes})).expect_problem(422);
    }
    assert_eq!(set(&chat, &json!({"big": "x".repeat(9_000)})), 422);
    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("a{n}"), json!(n))).collect();
    assert_eq!(set(&chat, &Value::Object(many)), 422);
    chat.http.put(&chat.path("contact"), &json!({"attributes": []})).expect_problem(422);
    chat.http.put(&chat.path("contact"), &json!({})).expect_problem(422);
    assert_eq!(contact(&server, &chat)["attributes"], json!({}));
}

#[test]
fn an_external_id_needs_the_sites_own_hash() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &greeting());
    let other = Bot::create(&server.api(), &greeting());
    let good = hash(&bot.identity_secret, "user-1");
    for identity in [
        json!({"external_id": "user-1"}),
        json!({"external_id": "user-1", "identity_hash": ""}),
        json!({"external_id": "user-1", "identity_hash": "0".repeat(64)}),
        json!({"external_id": "user-2", "identity_hash": good}),
        json!({"external_id": "user-1", "identity_hash": hash(&other.identity_secret, "user-1")}),
        json!({"external_id": "", "identity_hash": hash(&bot.identity_secret, "")}),
    ] {
        start(&server, &bot, identity).expect_problem(422);
    }
    start(&server, &other, json!({"external_id": "user-1", "identity_hash": good})).expect_problem(422);
    assert!(server.api().all("/conversations").is_empty());
    start(&server, &bot, json!({"external_id": "user-1", "identity_hash": good.to_uppercase()})).expect(201);
}

#[test]
fn a_verified_visitor_is_known_again() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &greeting());
    let identity = |more: Value| {
        let mut fields = json!({"external_id": "user-1", "identity_hash": hash(&bot.identity_secret, "user-1")});
        fields.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        fields
    };
    let first = Chat::start_with(&server, &bot, identity(json!({"attributes": {"name": "Ada"}})));
    assert_eq!(set(&first, &json!({"plan": "gold"})), 204);
    let second = Chat::start_with(&server, &bot, identity(json!({})));
    assert_eq!(second.lines(), ["bot: Hello Ada!"]);
    assert_eq!(contact(&server, &second)["id"], contact(&server, &first)["id"]);

    // Two conversations of the same visitor do not undo each other's knowledge.
    assert_eq!(set(&second, &json!({"city": "İzmir"})), 204);
    assert_eq!(set(&first, &json!({"plan": "silver"})), 204);
    assert_eq!(set(&second, &json!({"phone": "+90"})), 204);
    let known = contact(&server, &first)["attributes"].clone();
    assert_eq!(known, json!({"name": "Ada", "plan": "silver", "city": "İzmir", "phone": "+90"}));
    let third = Chat::start_with(&server, &bot, identity(json!({})));
    third.say("?");
    assert_eq!(third.lines().last().unwrap(), "bot: plan silver, city İzmir");

    // Nobody else is that visitor.
    let stranger = Chat::start_with(&server, &bot, json!({"attributes": {"name": "Ada", "plan": "gold"}}));
    assert_ne!(contact(&server, &stranger)["id"], contact(&server, &first)["id"]);
    let created = server.api().get("/events?type=contact.created").expect(200);
    assert_eq!(created["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_new_visitor_with_many_tabs_is_one_contact() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &greeting());
    let identity = json!({"external_id": "user-9", "identity_hash": hash(&bot.identity_secret, "user-9")});
    let tabs: Vec<Chat> = std::thread::scope(|scope| {
        let opening: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Chat::start_with(&server, &bot, identity.clone()))).collect();
        opening.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let first = contact(&server, &tabs[0])["id"].clone();
    assert!(tabs.iter().all(|tab| contact(&server, tab)["id"] == first));
}

#[test]
fn a_bot_talks_only_on_the_sites_of_its_owner() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let path = format!("/bots/{}", bot.id);
    for wrong in ["shop.example", "https://shop.example/", "ftp://shop.example", "*", ""] {
        server.api().patch(&path, &json!({"allowed_origins": [wrong]})).expect_problem(422);
    }
    server.api().patch(&path, &json!({"allowed_origins": ["https://shop.example"]})).expect(200);

    let json = ("content-type", "application/json");
    let bearer = format!("Bearer {}", chat.token);
    let call = |method: &str, path: &str, body: Option<Value>, origin: &str| {
        let headers = [json, ("origin", origin), ("authorization", &bearer)];
        server.api_as(None).send(method, path, &headers, body.map(|b| b.to_string().into_bytes()).as_deref())
    };
    let calls = |origin: &str| -> Vec<u16> {
        let said = json!({"client_id": crate::support::new_client_id(), "text": "hi"});
        let answers = [
            call("GET", &format!("/chat/v1/bots/{}", bot.id), None, origin),
            call("POST", "/chat/v1/conversations", Some(json!({"bot": bot.id})), origin),
            call("POST", &chat.path("messages"), Some(said), origin),
            call("GET", &chat.path("messages"), None, origin),
            call("PUT", &chat.path("contact"), Some(json!({"attributes": {}})), origin),
        ];
        assert!(answers.iter().all(|a| a.header("access-control-allow-origin") == Some("*")));
        answers.iter().map(|a| a.status).collect()
    };
    assert_eq!(calls("https://shop.example"), [200, 201, 200, 200, 204]);
    assert_eq!(calls(&server.origin()), [200, 201, 200, 200, 204], "Kanca's own pages always may");
    for evil in ["https://evil.example", "http://shop.example", "https://shop.example:8443", "null"] {
        assert_eq!(calls(evil), [403; 5], "{evil}");
        let frame = Socket::open_from(&server, Some(evil)).hello(&chat, 0);
        assert_eq!((&frame["type"], &frame["status"]), (&json!("error"), &json!(403)), "{frame}");
    }
    assert_eq!(Socket::open_from(&server, Some("https://shop.example")).hello(&chat, 0)["type"], "ready");
    // A program sends no origin, and with a wrong token nobody learns about origins.
    chat.say("from a program");
    let headers = [("origin", "https://evil.example"), ("authorization", "Bearer wrong")];
    server.api_as(None).send("GET", &chat.path("messages"), &headers, None).expect_problem(401);
}

#[test]
fn any_page_may_ask_and_no_cookie_is_involved() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let asks = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    for path in ["/chat/v1/conversations", "/chat/v1/conversations/cnv_x/messages", "/chat/v1/bots/bot_x"] {
        let answer = server.api_as(None).send("OPTIONS", path, &asks, None);
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.header("access-control-allow-methods").unwrap().contains("PUT"));
        assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let started = start(&server, &bot, json!({}));
    assert_eq!((started.header("set-cookie"), started.header("cache-control")), (None, Some("no-store")));
    // The API is not for other sites' pages.
    let answer = server.api_as(None).send("OPTIONS", "/api/v1/bots", &asks, None);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
