//! Secrets lie sealed in the database, and answers do not repeat them.

use crate::support::{API_KEY, Bot, Server, echo, is_in_data, text};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn no_secret_lies_in_the_data_in_clear() {
    let mut server = Server::start();
    let api = server.api();
    let fields = json!({"headers": {"x-api-token": "s3cr3t-header-value"}});
    let endpoint = api.create_endpoint_with("https://example.com/hook", fields);
    let secret = text(&endpoint["secret"]);
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    api.create_inbox(&json!({"name": "Signed", "signing_secret": own}));
    let bot = Bot::create(&api, &echo());
    let project = api.post("/projects", &json!({"name": "Second"})).expect(201);
    let link = super::panel::link_in_log(&server);
    let token = link.rsplit_once('=').unwrap().1.to_owned();
    super::panel::Browser::set_up(&server);

    let key = text(&project["key"]);
    let raw = |whsec: &str| whsec.trim_start_matches("whsec_").to_owned();
    let secrets = [
        secret.clone(),
        raw(&secret),
        own.to_owned(),
        raw(own),
        "s3cr3t-header-value".into(),
        bot.identity_secret.clone(),
        key,
        token,
        super::panel::PASSWORD.into(),
        API_KEY.into(),
    ];
    for stopped in [false, true] {
        if stopped {
            server.terminate();
        }
        for secret in &secrets {
            assert!(!is_in_data(&server, secret), "{secret} lies in the data");
        }
    }
    assert!(is_in_data(&server, "https://example.com/hook"), "the look itself works");
    server.restart();
    let path = format!("/endpoints/{}", text(&endpoint["id"]));
    assert_eq!(server.api().get(&format!("{path}/secret")).expect(200)["secret"], secret);
    let log = server.log();
    assert!(secrets.iter().filter(|s| *s != &secrets[7]).all(|s| !log.contains(s.as_str())), "none is logged");
}

#[test]
fn answers_do_not_repeat_secrets() {
    let server = Server::start();
    let api = server.api();
    let fields = json!({"headers": {"x-api-token": "s3cr3t-header-value"}});
    let endpoint = api.create_endpoint_with("https://example.com/hook", fields);
    let bot = Bot::create(&api, &echo());
    let path = format!("/endpoints/{}", text(&endpoint["id"]));
    let bot_path = format!("/bots/{}", bot.id);
    let answers = [
        api.get(&path),
        api.get("/endpoints"),
        api.patch(&path, &json!({"name": "Renamed"})),
        api.get(&bot_path),
        api.get("/bots"),
        api.patch(&bot_path, &json!({"name": "Renamed"})),
        api.get("/api-keys"),
        api.get("/overview"),
    ];
    for answer in answers {
        let shown = answer.expect(200).to_string();
        assert!(
            !shown.contains("s3cr3t") && !shown.contains("whsec_") && !shown.contains(&bot.identity_secret),
            "{shown}"
        );
    }
    assert_eq!(api.get(&path).expect(200)["headers"]["x-api-token"], "••••");
}

#[test]
fn the_data_is_for_its_owner_only() {
    let server = Server::start();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(server.data_dir()), 0o700);
    assert_eq!(mode(&server.data_dir().join("secret.key")), 0o600);
}

#[test]
fn another_key_file_does_not_open_the_data() {
    let mut server = Server::start();
    server.api().create_endpoint("https://example.com/hook");
    server.terminate();
    let key = server.data_dir().join("secret.key");
    for broken in [Some(vec![7u8; 32]), Some(vec![7u8; 31]), None] {
        match broken {
            Some(bytes) => std::fs::write(&key, bytes).unwrap(),
            None => std::fs::remove_file(&key).unwrap(),
        }
        let done = server.command().output().unwrap();
        assert!(!done.status.success());
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(said.contains("key file"), "{said}");
    }
}
