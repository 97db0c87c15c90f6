//! Closed lists of codes in the OpenAPI document, from the lists that the code itself goes by.

use kanca_domain::attempts::ReasonCode;
use kanca_domain::endpoints::DisabledCode;
use kanca_domain::events::Because;
use kanca_engine::traces::WaitReason;
use serde::Serialize;
use utoipa::openapi::Object;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

fn one_of(codes: &[impl Serialize], nullable: bool, description: &str) -> Object {
    let mut codes: Vec<_> = codes.iter().filter_map(|code| serde_json::to_value(code).ok()).collect();
    let mut kind = SchemaType::Type(Type::String);
    if nullable {
        codes.push(serde_json::Value::Null);
        kind = SchemaType::Array(vec![Type::String, Type::Null]);
    }
    ObjectBuilder::new().schema_type(kind).enum_values(Some(codes)).description(Some(description)).build()
}

/// Why an attempt ended.
pub fn attempts() -> Object {
    one_of(ReasonCode::ALL, false, "Why it ended as it did, such as `timeout`.")
}

/// Why an attempt ended, if there was one.
pub fn last_attempts() -> Object {
    one_of(ReasonCode::ALL, true, "Why the last attempt ended as it did.")
}

/// Why an endpoint is disabled, if it is.
pub fn disabled() -> Object {
    one_of(DisabledCode::ALL, true, "Why it is disabled; `null` too when an earlier version disabled it.")
}

/// What an explanation says.
pub fn explanations() -> Object {
    one_of(&Because::CODES, false, "Such as `filtered_out`.")
}

/// What a delivery waits for.
pub fn waits() -> Object {
    one_of(
        WaitReason::ALL,
        false,
        "`ordering`: an earlier delivery of its ordering key has to end first. `paused`, `disabled`, `deleted`: the webhook \
         is. `disk_full`: the server's disk is full or cannot be written, so no attempt starts. `breaker`: the webhook failed too often; a probe finds out whether it is there \
         again. `handshake`: the receiver has not agreed yet to get events. `retry_after`: the receiver asked to be left \
         alone. `rate_limit`: the webhook's rate is used up. `schedule`: its time has not come. `turn`: an attempt is under \
         way or about to start.",
    )
}
