//! The OpenAPI document, made from the handlers. A snapshot lies in the repository; a test fails when it is stale.

use crate::api::{
    DeliveryCounts, List, accounts, bots, conversations, deliveries, endpoints, events, inboxes, overview, scenarios,
};
use crate::{chat, problems};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(title = "Kanca", description = "Self-hosted webhooks for conversations. Errors are RFC 9457 problems."),
    paths(
        accounts::session, accounts::set_up, accounts::log_in, accounts::log_out, accounts::projects,
        accounts::create_project, accounts::api_keys, accounts::create_api_key, accounts::delete_api_key,
        overview::overview,
        endpoints::list, endpoints::create, endpoints::get, endpoints::patch, endpoints::delete, endpoints::secret,
        endpoints::event_types,
        events::publish, events::list, events::get,
        deliveries::list, deliveries::get, deliveries::retry,
        inboxes::list, inboxes::create, inboxes::get, inboxes::patch, inboxes::delete, inboxes::requests,
        inboxes::get_request, inboxes::request_body, inboxes::delete_request, inboxes::clear, inboxes::live,
        bots::list, bots::create, bots::get, bots::patch, bots::delete,
        scenarios::list, scenarios::list_of_bot, scenarios::create, scenarios::get, scenarios::patch, scenarios::delete,
        scenarios::put_draft, scenarios::publish, scenarios::versions, scenarios::export, scenarios::schema,
        scenarios::test,
        conversations::list, conversations::get, conversations::messages, conversations::live,
        chat::bot, chat::start, chat::say, chat::messages, chat::contact,
    ),
    components(schemas(
        problems::Problem, problems::FieldProblem, DeliveryCounts, List<String>,
        endpoints::FormatName, endpoints::OrderingName, endpoints::EndpointStatusName,
        deliveries::DeliveryStatusName, deliveries::AttemptOutcome, conversations::OfferedChoice,
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
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
