//! The registry of event types, and the check of what is published against it.

use crate::support::{Api, Receiver, Server, text};
use serde_json::{Value, json};

fn order_paid() -> Value {
    json!({
        "name": "order.paid",
        "description": "An order was paid.",
        "schema": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "integer"}, "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}},
            "$defs": {"line": {"type": "object", "properties": {"price": {"type": "number", "minimum": 0}}}}
        },
        "example": {"id": 7, "lines": [{"price": 19.90}]}
    })
}

fn validate(api: &Api, mode: &str) {
    assert_eq!(api.patch("/project", &json!({"validation": mode})).expect(200)["validation"], mode);
}

fn fields(problem: &Value) -> Vec<String> {
    problem["errors"].as_array().unwrap().iter().map(|e| text(&e["field"])).collect()
}

#[test]
fn types_are_registered_changed_listed_and_deleted() {
    let mut server = Server::start();
    let api = server.api();
    let created =
        api.send_text("POST", "/event-types", &order_paid().to_string().replace("19.9}", "19.90}")).expect(201);
    assert_eq!((&created["name"], &created["built_in"]), (&json!("order.paid"), &json!(false)));
    let shown = api.get("/event-types/order.paid");
    assert!(shown.text().contains("19.90"), "as it was written: {}", shown.text());
    assert_eq!(shown.expect(200)["schema"], order_paid()["schema"]);
    api.post("/event-types", &order_paid()).expect_problem(409);

    let names: Vec<_> = api.all("/event-types").iter().map(|t| text(&t["name"])).collect();
    assert_eq!(names[0], "order.paid");
    assert!(names.contains(&"message.received".to_owned()) && !names.contains(&"conversation.webhook".to_owned()));
    let own = api.get("/event-types/message.received").expect(200);
    assert_eq!((&own["built_in"], &own["description"]), (&json!(true), &json!("The contact said something.")));
    api.get("/event-types/conversation.webhook").expect_problem(404);

    api.patch("/event-types/order.paid", &json!({"description": "Paid.", "schema": null})).expect(200);
    server.terminate();
    server.restart();
    let api = server.api();
    let kept = api.get("/event-types/order.paid").expect(200);
    assert_eq!((&kept["description"], &kept["schema"]), (&json!("Paid."), &Value::Null));
    assert_eq!(kept["example"]["id"], 7, "what was not named stays");
    api.patch("/event-types/message.received", &json!({"description": "x"})).expect_problem(404);
    api.delete("/event-types/order.paid").expect(204);
    api.get("/event-types/order.paid").expect_problem(404);
    api.delete("/event-types/order.paid").expect_problem(404);
    api.get("/event-types/no%20type").expect_problem(404);
}

#[test]
fn what_is_wrong_with_a_type_is_named_by_its_place() {
    let server = Server::start();
    let api = server.api();
    let with = |change: Value| {
        let mut input = order_paid();
        input.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        input
    };
    let cases = [
        (with(json!({"name": "no type"})), "name"),
        (with(json!({"name": "message.received"})), "name"),
        (with(json!({"description": "x".repeat(2_001)})), "description"),
        (with(json!({"schema": 5})), "schema"),
        (with(json!({"schema": {"type": "thing"}, "example": null})), "schema/type"),
        (with(json!({"schema": {"properties": {"a": {"pattern": "("}}}})), "schema/properties/a/pattern"),
        (with(json!({"schema": {"items": {"$ref": "http://127.0.0.1:1/a"}}})), "schema/items/$ref"),
        (with(json!({"schema": {"$ref": "#"}})), "schema/$ref"),
        (with(json!({"schema": {"$schema": "https://example.com/my-own-draft"}, "example": null})), "schema/$schema"),
        (with(json!({"schema": {"description": "x".repeat(70_000)}})), "65536"),
        (with(json!({"schema": {"pattern": "((((a{1,100}){1,100}){1,100}){1,100}){1,100}"}})), "schema/pattern"),
        (with(json!({"example": {"id": "7"}})), "example/id"),
        (with(json!({"example": {"id": 7, "lines": [{"price": 1}, {"price": -1}]}})), "example/lines/1/price"),
        (with(json!({"colour": "red"})), "colour"),
        (json!({"description": "x"}), "name"),
    ];
    for (input, field) in cases {
        let problem = api.post("/event-types", &input).expect_problem(422);
        assert!(problem.to_string().contains(field), "{field}: {problem}");
    }
    assert!(api.all("/event-types").iter().all(|t| t["built_in"] == true), "nothing was registered");
    api.post("/event-types", &order_paid()).expect(201);
    let problem = api.patch("/event-types/order.paid", &json!({"example": {"id": null}})).expect_problem(422);
    assert_eq!(fields(&problem), ["example/id"]);
    let narrower = json!({"schema": {"required": ["total"]}});
    let problem = api.patch("/event-types/order.paid", &narrower).expect_problem(422);
    assert_eq!(fields(&problem), ["example"], "the example that is there has to go along");
    api.patch("/event-types/order.paid", &json!({"example": null, "schema": {"required": ["total"]}})).expect(200);
}

#[test]
fn a_project_chooses_what_becomes_of_data_that_its_schema_does_not_allow() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    api.create_endpoint(&receiver.url());
    api.post("/event-types", &order_paid()).expect(201);
    let wrong = json!({"id": 1, "lines": [{"price": 5}, {"price": -5}]});

    let event = api.event(&api.publish("order.paid", wrong.clone()));
    assert_eq!(event["explanation"], json!([]), "nothing is checked unless one wants it");

    validate(&api, "warn");
    let event = api.event(&api.publish("order.paid", wrong.clone()));
    let told = text(&event["explanation"][0]["reason"]);
    assert!(told.contains("/lines/1/price") && told.contains("Warning"), "{told}");
    let event = api.event(&api.publish("order.paid", json!({"id": 2})));
    assert_eq!(event["explanation"], json!([]));

    validate(&api, "reject");
    let problem = api.post("/events", &json!({"type": "order.paid", "data": wrong})).expect_problem(422);
    assert_eq!(fields(&problem), ["data/lines/1/price"], "{problem}");
    let says = text(&problem["errors"][0]["message"]);
    assert!(says.starts_with("must be ") && says.contains("the schema of the event type order.paid"), "{says}");
    assert!(says.ends_with("send other data, or change the schema"), "{says}");
    let batch = json!({"events": [
        {"type": "order.paid", "data": {"id": 3}},
        {"type": "order.paid", "data": {"id": "4"}},
        {"type": "order.paid", "data": 5}
    ]});
    let problem = api.post("/events/batch", &batch).expect_problem(422);
    assert_eq!(fields(&problem), ["events[1].data/id", "events[2].data"], "{problem}");
    let other = api.publish("order.shipped", json!("whatever"));
    let trace = api.get(&format!("/events/{other}/trace")).expect(200);
    assert!(text(&trace["notes"][0]["reason"]).contains("not a registered"), "{trace}");
    assert_eq!(receiver.wait_for(4).len(), 4, "and it is delivered");
    assert_eq!(api.all("/events").len(), 4, "what was refused is not there");

    api.delete("/event-types/order.paid").expect(204);
    api.publish("order.paid", json!("anything"));
}

#[test]
fn types_belong_to_their_project() {
    let server = Server::start();
    let api = server.api();
    api.post("/event-types", &order_paid()).expect(201);
    let other = api.create_project("Other");
    validate(&other, "reject");
    other.publish("order.paid", json!("another project's type does not matter"));
    other.get("/event-types/order.paid").expect_problem(404);
    other.patch("/event-types/order.paid", &json!({"description": "x"})).expect_problem(404);
    other.delete("/event-types/order.paid").expect_problem(404);
    other.post("/event-types", &json!({"name": "order.paid"})).expect(201);
    assert_eq!(api.get("/event-types/order.paid").expect(200)["description"], "An order was paid.");
}

#[test]
fn a_test_takes_the_example_of_its_type() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = api.create_endpoint(&receiver.url());
    api.post("/event-types", &order_paid()).expect(201);
    let path = format!("/endpoints/{}/test", text(&endpoint["id"]));
    api.post(&path, &json!({"type": "order.paid"})).expect(202);
    assert_eq!(receiver.wait_for(1)[0].json()["data"], order_paid()["example"]);
}
