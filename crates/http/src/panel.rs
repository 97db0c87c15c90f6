//! The panel, the widget and the pages with a chat, all embedded in the binary.
//!
//! A build without the web side embeds one page that says how to build it. Assets with a hash in their name are
//! immutable; pages are never cached.

use crate::App;
use crate::extract::PathId;
use crate::problems::{Answer, Problem};
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use kanca_domain::ids::BotId;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../web/dist/panel"]
#[allow_missing = true]
struct Panel;

#[derive(RustEmbed)]
#[folder = "../../web/dist/widget"]
#[allow_missing = true]
struct Widget;

/// What the panel may load: its own files only.
const PANEL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// What a page with the chat may load.
const CHAT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const PLACEHOLDER: &str = include_str!("panel/placeholder.html");
const CHAT_PAGE: &str = include_str!("panel/chat.html");
const CHAT_STYLE: &str = include_str!("panel/chat.css");

/// The panel's page; it shows set-up or log-in by itself.
pub async fn index() -> Response {
    match Panel::get("index.html") {
        Some(file) => page(file.data.into_owned(), PANEL_POLICY),
        None => page(PLACEHOLDER.as_bytes().to_vec(), PANEL_POLICY),
    }
}

/// Files of the panel; anything else is a 404 page, never the panel.
pub async fn asset(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let file = Panel::get(path).filter(|_| path != "index.html" && matches!(method, Method::GET | Method::HEAD));
    let Some(file) = file else {
        return Problem::not_found("There is no page here. The panel is at /.").into_response();
    };
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::try_from(content_type(path)).unwrap_or(OCTETS)),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, file.data).into_response()
}

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}

/// The chat widget's script.
pub async fn widget() -> Response {
    let Some(file) = Widget::get("widget.js") else {
        let text = "console.warn('Kanca: the widget is not built; run `make web` and build again.');";
        return script(text.as_bytes().to_vec());
    };
    script(file.data.into_owned())
}

fn script(body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    (headers, body).into_response()
}

/// The demo bot's page.
pub async fn demo(State(app): State<App>) -> Answer<Response> {
    let demo = app.engine.demo().await?.ok_or_else(|| Problem::not_found("The demo bot was deleted."))?;
    chat_page(&app, demo.bot_id)
}

/// The page of one bot.
pub async fn bot_page(State(app): State<App>, PathId(id): PathId<BotId>) -> Answer<Response> {
    chat_page(&app, id)
}

/// The style of the pages with a chat.
pub async fn chat_style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, CHAT_STYLE).into_response()
}

fn chat_page(app: &App, id: BotId) -> Answer<Response> {
    let bot = app.engine.bot_for_chat(id, None)?;
    let text = if bot.language == "tr" { TURKISH } else { ENGLISH };
    let html = CHAT_PAGE
        .replace("{lang}", &bot.language)
        .replace("{bot}", &id.to_string())
        .replace("{lead}", text.0)
        .replace("{hint}", text.1)
        .replace("{tag_hint}", text.2)
        .replace("{origin}", &escape(&app.engine.settings().public_url))
        .replace("{name}", &escape(&bot.name));
    Ok(page(html.into_bytes(), CHAT_POLICY))
}

const ENGLISH: (&str, &str, &str) = (
    "Talk to the bot",
    "The chat is open in the corner. What you write goes through the bot's scenario and out to its webhook.",
    "Put this line on any page to have the same chat there:",
);
const TURKISH: (&str, &str, &str) = (
    "Botla konuşun",
    "Sohbet köşede açık. Yazdıklarınız botun senaryosundan geçer ve web kancasına gider.",
    "Aynı sohbeti herhangi bir sayfaya koymak için bu satırı ekleyin:",
);

fn page(body: Vec<u8>, policy: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    (StatusCode::OK, headers, body).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
