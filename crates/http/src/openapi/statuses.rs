//! Which errors a call answers, as far as that follows from what kind of call it is. What is a call's own, such as a
//! conflict, stands with its handler; here it gets the description that all of its status share.

use serde_json::{Map, Value, json};

/// Statuses of problems: the name of the response that calls share, and what it says.
const PROBLEMS: [(u16, &str, &str); 10] = [
    (400, "Malformed", "The request cannot be read: a query parameter is unknown or wrong, or the body is no JSON."),
    (401, "Unauthorized", "Nobody is named, or nobody who is known."),
    (
        403,
        "Forbidden",
        "Whoever asks may not do this: a page elsewhere, a site that the bot's owner did not list, no owner.",
    ),
    (404, "NotFound", "There is no such thing in this project, or no such project."),
    (409, "Conflict", "Things do not stand so that this could be done; `type` and `detail` say why."),
    (413, "TooLarge", "The body is larger than it may be."),
    (415, "WrongContentType", "The body is not sent as `application/json`."),
    (422, "Invalid", "The input is not valid; `errors` names each wrong field."),
    (429, "TooMany", "Too many requests; try again after `Retry-After` seconds."),
    (
        503,
        "Unavailable",
        "Nothing can be stored or read safely now, such as on a full disk; try again after `Retry-After` seconds.",
    ),
];

/// Calls that answer by themselves, without asking storage or who is there.
const BY_THEMSELVES: [&str; 2] = ["/api/v1/scenario.schema.json", "/chat/v1/socket"];

/// Adds to each call what it answers by its kind, and to the components what calls share.
pub fn complete(document: &mut Value) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let implied: Vec<u16> = implied(path, method, operation).collect();
            if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
                share(responses, &implied);
            }
        }
    }
    let shared = PROBLEMS.into_iter().map(|(status, name, description)| (name.into(), response(status, description)));
    document["components"]["responses"] = Value::Object(shared.collect());
}

/// The errors that follow from the kind of call.
fn implied(path: &str, method: &str, operation: &Value) -> impl Iterator<Item = u16> {
    let (is_api, is_chat) = (path.starts_with("/api/"), path.starts_with("/chat/"));
    let asks = !BY_THEMSELVES.contains(&path);
    let is_closed = asks && operation.get("security").is_none();
    let has_body = operation.get("requestBody").is_some();
    let changes = method != "get";
    let all = [
        (400, true),
        (401, is_closed),
        // The API refuses changes that come by the panel's cookie from elsewhere, the chat sites that are not listed.
        (403, asks && (is_chat || is_api && changes)),
        // The panel's header `kanca-project` may name a project that is not there.
        (404, path.contains('{') || is_closed && is_api),
        (413, has_body),
        (415, has_body),
        (422, has_body),
        (503, asks),
    ];
    all.into_iter().filter(|(_, is_so)| *is_so).map(|(status, _)| status)
}

/// Lets every problem among the responses, and these, be the one that calls share.
fn share(responses: &mut Map<String, Value>, implied: &[u16]) {
    for (status, name, _) in PROBLEMS {
        let key = status.to_string();
        if implied.contains(&status) || responses.contains_key(&key) {
            responses.insert(key, json!({"$ref": format!("#/components/responses/{name}")}));
        }
    }
}

fn response(status: u16, description: &str) -> Value {
    let mut response = json!({
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    if matches!(status, 429 | 503) {
        response["headers"] =
            json!({"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}});
    }
    response
}
