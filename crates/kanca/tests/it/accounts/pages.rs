//! Pages that the server sends, and paths that are none.

use crate::support::{Bot, Server, echo};
use serde_json::json;

#[test]
fn the_panel_is_served_without_log_in_and_cannot_be_framed() {
    let server = Server::start();
    let page = server.api_as(None).send("GET", "/", &[], None);
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "script-src 'self';", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe-eval") && !policy.contains("script-src 'self' 'unsafe-inline'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.text().to_lowercase().contains("<html"));
}

#[test]
fn the_demo_page_shows_the_widget() {
    let server = Server::start();
    let page = server.api_as(None).send("GET", "/demo", &[], None);
    assert_eq!(page.status, 200);
    let demo = server.api().get("/overview").expect(200)["demo"].clone();
    let tag = format!("data-bot=\"{}\"", demo["bot_id"].as_str().unwrap());
    assert!(
        page.text().contains("<script src=\"/widget.js\"") || page.text().contains("/widget.js\""),
        "{}",
        page.text()
    );
    assert!(page.text().contains(&tag), "{}", page.text());
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors"));
    let script = server.api_as(None).send("GET", "/widget.js", &[], None);
    assert_eq!(script.status, 200);
    assert!(script.header("content-type").unwrap().contains("javascript"));
    assert_eq!(script.header("access-control-allow-origin"), Some("*"));

    // A bot's name is text there.
    let bot = Bot::create(&server.api(), &echo());
    let evil = json!({"name": "<img src=x onerror=alert(1)>{origin}\"'"});
    server.api().patch(&format!("/bots/{}", bot.id), &evil).expect(200);
    let page = server.api_as(None).send("GET", &format!("/demo/{}", bot.id), &[], None);
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("<img src=x") && page.text().contains("{origin}"), "{}", page.text());
    server.api().delete(&format!("/bots/{}", bot.id)).expect(204);
    assert_eq!(server.api_as(None).send("GET", &format!("/demo/{}", bot.id), &[], None).status, 404);
    assert_eq!(server.api_as(None).send("GET", "/demo/bot_x", &[], None).status, 404);
}

#[test]
fn paths_of_programs_never_give_the_panel() {
    let server = Server::start();
    let nobody = server.api_as(None);
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/bots",
        "/api/v1/bots/x/y/z",
        "/chat",
        "/chat/",
        "/chat/v1",
        "/chat/v1/",
        "/chat/v1/nothing",
        "/chat/v2/socket",
        "/in",
        "/in/",
        "/in/nothing",
        "/in/nothing/at/all",
        "/nothing",
        "/index.html",
        "/assets/../index.html",
        "/demo/a/b",
    ] {
        for method in ["GET", "POST"] {
            let answer = nobody.send(method, path, &[], (method == "POST").then_some(b"{}"));
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
            answer.expect_problem(404);
        }
    }
}

#[test]
fn a_wrong_method_is_a_problem_too() {
    let server = Server::start();
    for (method, path) in [
        ("PUT", "/api/v1/bots"),
        ("PATCH", "/api/v1/session"),
        ("DELETE", "/api/v1/openapi.json"),
        ("DELETE", "/chat/v1/conversations"),
        ("POST", "/chat/v1/socket"),
        ("POST", "/healthz"),
        ("POST", "/"),
        ("POST", "/demo"),
    ] {
        let answer = server.api().send(method, path, &[], Some(b""));
        answer.expect_problem(405);
        assert!(answer.header("allow").is_some_and(|a| !a.is_empty()), "{method} {path} says what is allowed");
    }
}

#[test]
fn the_server_says_whether_it_is_up_and_ready() {
    let server = Server::start();
    let nobody = server.api_as(None);
    for path in ["/healthz", "/readyz"] {
        let answer = nobody.send("GET", path, &[], None);
        assert_eq!(answer.status, 200);
        assert!(!answer.text().is_empty());
        assert_eq!(nobody.send("HEAD", path, &[], None).status, 200);
    }
}
