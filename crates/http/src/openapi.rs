//! The OpenAPI document, made from the handlers. A snapshot lies in the repository; a test fails when it is stale.

mod statuses;

use crate::api::{
    DeliveryCounts, List, accounts, bots, conversations, deliveries, endpoint_trials, endpoints, event_batches,
    event_types, events, inboxes, overview, project, replays, scenarios, stats, traces,
};
use crate::{chat, problems, webhook_handshakes, webhook_keys};
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(title = "Kanca", description = "Self-hosted webhooks for conversations. Errors are RFC 9457 problems."),
    paths(
        accounts::session, accounts::set_up, accounts::log_in, accounts::log_out, accounts::projects,
        accounts::create_project, accounts::api_keys, accounts::create_api_key, accounts::delete_api_key,
        project::get, project::patch,
        overview::overview,
        endpoints::list, endpoints::create, endpoints::get, endpoints::patch, endpoints::delete, endpoints::secrets::secret,
        endpoints::handshake, endpoints::secrets::rotate, webhook_keys::keys,
        webhook_handshakes::grant, webhook_handshakes::grant_by_post,
        event_types::list, event_types::create, event_types::get, event_types::patch, event_types::delete,
        endpoint_trials::run,
        stats::stats,
        events::publish, event_batches::publish, events::list, events::get, traces::trace,
        deliveries::list, deliveries::get, deliveries::retry, replays::retry_many,
        replays::retry_failed, replays::recover, replays::test,
        inboxes::list, inboxes::create, inboxes::get, inboxes::patch, inboxes::delete, inboxes::requests,
        inboxes::get_request, inboxes::request_body, inboxes::delete_request, inboxes::clear, inboxes::live,
        bots::list, bots::create, bots::get, bots::identity_secret, bots::patch, bots::delete,
        scenarios::list, scenarios::list_of_bot, scenarios::create, scenarios::get, scenarios::patch, scenarios::delete,
        scenarios::put_draft, scenarios::publish, scenarios::versions, scenarios::export, scenarios::schema,
        scenarios::test,
        conversations::list, conversations::get, conversations::messages, conversations::live,
        chat::bot, chat::start, chat::say, chat::messages, chat::contact, chat::socket::socket,
    ),
    components(schemas(
        problems::Problem, problems::FieldProblem, DeliveryCounts, List<String>,
        endpoints::FormatName, endpoints::OrderingName, endpoints::EndpointStatusName, endpoints::options::SignatureName, endpoints::options::AuthName, endpoints::options::HandshakeName, project::ValidationName,
        deliveries::DeliveryStatusName, bots::LanguageName, conversations::WaitingKind, conversations::ChoiceStyleName, deliveries::AttemptOutcome, conversations::OfferedChoice,
    )),
    modifiers(&BearerKey),
    security(("key" = [])),
)]
pub struct Document;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key of the project; for the chat, the conversation's own token."))
            .build();
        if let Some(components) = document.components.as_mut() {
            components.add_security_scheme("key", SecurityScheme::Http(scheme));
        }
    }
}

/// The document as JSON.
pub fn json() -> String {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (name, schema) in schemas.into_iter().flatten() {
        if !name.ends_with("Input") && !name.ends_with("Patch") {
            require_nullable(schema);
        }
    }
    statuses::complete(&mut document);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for operation in paths.into_iter().flatten().filter_map(|(_, item)| item.as_object_mut()).flatten() {
        name_operation(operation.1);
    }
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Operation ids have to be unique in the document; handlers' names are so only within their subject.
fn name_operation(operation: &mut Value) {
    if let (Some(tag), Some(id)) = (operation["tags"][0].as_str(), operation["operationId"].as_str()) {
        operation["operationId"] = json!(format!("{tag}_{id}"));
    }
}

/// In an answer a field that may be `null` is always there; the derive takes every `Option` for one that may be absent.
fn require_nullable(schema: &mut Value) {
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        require_nullable(part);
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let nullable: Vec<Value> =
        properties.iter().filter(|(_, property)| is_nullable(property)).map(|(name, _)| json!(name)).collect();
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.extend(nullable);
    } else if !nullable.is_empty() {
        schema["required"] = Value::Array(nullable);
    }
}

fn is_nullable(property: &Value) -> bool {
    let null = json!("null");
    let types = property.get("type").and_then(Value::as_array).is_some_and(|types| types.contains(&null));
    let variants = property.get("oneOf").and_then(Value::as_array);
    types || variants.is_some_and(|all| all.iter().any(|v| v.get("type") == Some(&null)))
}
