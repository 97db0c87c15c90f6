//! An event as CEL values: JSON's whole numbers are `int` where they fit, `uint` above, all others `double`.

use crate::event::Event;
use crate::fault::Fault;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp, CelUInt,
};
use cel::common::value::Val;
use serde_json::Value;
use std::collections::HashMap;

type Boxed = Box<dyn Val + 'static>;

/// `event`: `id`, `type`, `timestamp`, `ordering_key` and `data`.
pub(super) fn of_event(event: &Event) -> Result<Boxed, Fault> {
    let data: Value = serde_json::from_str(event.data.get())
        .map_err(|error| Fault::failed(format!("the event's data cannot be read for filters: {error}")))?;
    let timestamp: Boxed = match chrono::DateTime::parse_from_rfc3339(&event.timestamp) {
        Ok(at) => Box::new(CelTimestamp::from(at)),
        Err(_) => text(event.timestamp.clone()),
    };
    let fields: [(&'static str, Boxed); 5] = [
        ("id", text(event.id.clone())),
        ("type", text(event.event_type.clone())),
        ("timestamp", timestamp),
        ("ordering_key", event.ordering_key.clone().map_or_else(|| Box::new(CelNull) as Boxed, text)),
        ("data", of_json(data)),
    ];
    let fields: HashMap<CelMapKey<'static>, Boxed> =
        fields.into_iter().map(|(name, value)| (CelMapKey::from(name), value)).collect();
    Ok(Box::new(CelMap::from(fields)))
}

fn of_json(value: Value) -> Boxed {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(b) => Box::new(CelBool::from(b)),
        Value::String(s) => text(s),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Box::new(CelInt::from(n)),
            (_, Some(n)) => Box::new(CelUInt::from(n)),
            _ => Box::new(CelDouble::from(n.as_f64().unwrap_or(f64::NAN))),
        },
        Value::Array(items) => Box::new(CelList::from(items.into_iter().map(of_json).collect::<Vec<_>>())),
        Value::Object(fields) => {
            let fields: HashMap<CelMapKey<'static>, Boxed> =
                fields.into_iter().map(|(name, value)| (CelMapKey::from(name), of_json(value))).collect();
            Box::new(CelMap::from(fields))
        }
    }
}

pub(super) fn text(text: String) -> Boxed {
    Box::new(CelString::from(text))
}
