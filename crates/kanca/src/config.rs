//! Configuration: flags over environment (`KANCA_…`) over a TOML file over defaults. Every value is checked here, with a
//! sentence that names the setting.

use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use kanca_domain::addresses::{AddressRules, Cidr};
use kanca_domain::projects::check_keep_days;
use serde::{Deserialize, Deserializer, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What can be set on the command line.
#[derive(Debug, Args, Serialize)]
pub struct Flags {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
    /// Where the data is kept [default: ./kanca-data]
    #[arg(long, global = true, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// A TOML file with settings
    #[arg(long, global = true, value_name = "FILE", env = "KANCA_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

/// The settings as they stand in the file and the environment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    listen: String,
    data_dir: PathBuf,
    public_url: Option<String>,
    inbox_url: Option<String>,
    api_key: Option<String>,
    #[serde(deserialize_with = "ranges")]
    allow_private_networks: String,
    #[serde(deserialize_with = "ranges")]
    trusted_proxies: String,
    max_event_bytes: usize,
    max_capture_bytes: usize,
    inbox_keep_requests: u64,
    inbox_keep_bytes: u64,
    keep_days: u64,
    keep_bytes: u64,
    log: String,
}

/// Ranges as one text with commas, or as a list.
fn ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ranges {
        Text(String),
        List(Vec<String>),
    }
    Ok(match Ranges::deserialize(deserializer)? {
        Ranges::Text(text) => text,
        Ranges::List(list) => list.join(","),
    })
}

/// The settings, checked.
pub struct Config {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// `None`: `http://` and the address that is listened on.
    pub public_url: Option<String>,
    pub inbox_url: Option<String>,
    pub api_key: Option<String>,
    pub address_rules: AddressRules,
    pub trusted_proxies: Vec<Cidr>,
    pub max_event_bytes: usize,
    pub max_capture_bytes: usize,
    pub inbox_keep_requests: u64,
    pub inbox_keep_bytes: u64,
    pub keep_days: u32,
    pub keep_bytes: u64,
    pub log: String,
}

/// The shortest automation key.
const MIN_API_KEY: usize = 32;

/// Reads and checks the settings.
///
/// # Errors
/// A sentence that names the setting and what would be right.
pub fn load(flags: &Flags) -> Result<Config, String> {
    let defaults = Raw {
        listen: "127.0.0.1:8080".into(),
        data_dir: "kanca-data".into(),
        public_url: None,
        inbox_url: None,
        api_key: None,
        allow_private_networks: String::new(),
        trusted_proxies: String::new(),
        max_event_bytes: 1 << 20,
        max_capture_bytes: 10 << 20,
        inbox_keep_requests: 1_000,
        inbox_keep_bytes: 256 << 20,
        keep_days: 30,
        keep_bytes: 0,
        log: "info".into(),
    };
    let mut figment = Figment::from(Serialized::defaults(defaults));
    if let Some(file) = &flags.config {
        if !file.is_file() {
            return Err(format!("the file {} given with --config does not exist", file.display()));
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    let raw: Raw = figment
        .merge(environment())
        .merge(Serialized::defaults(flags))
        .extract()
        .map_err(|e| format!("the settings cannot be read: {e}"))?;
    check(raw)
}

/// `KANCA_…` variables as plain texts, so that a key of digits stays a text; numbers are read where one is due.
fn environment() -> Figment {
    let numbers =
        ["max_event_bytes", "max_capture_bytes", "inbox_keep_requests", "inbox_keep_bytes", "keep_days", "keep_bytes"];
    let texts_known = [
        "listen",
        "data_dir",
        "public_url",
        "inbox_url",
        "api_key",
        "allow_private_networks",
        "trusted_proxies",
        "log",
    ];
    let mut texts = figment::value::Dict::new();
    for (name, value) in std::env::vars() {
        let Some(name) = name.strip_prefix("KANCA_").map(str::to_ascii_lowercase) else { continue };
        if texts_known.contains(&name.as_str()) {
            if !value.is_empty() {
                texts.insert(name, value.into());
            }
        } else if name != "config" && !numbers.contains(&name.as_str()) {
            // Other programs may use the same prefix; a typing error is seen here.
            eprintln!("kanca: the variable KANCA_{} is no setting and is ignored", name.to_ascii_uppercase());
        }
    }
    Figment::from(Serialized::defaults(texts)).merge(Env::prefixed("KANCA_").only(&numbers))
}

fn check(raw: Raw) -> Result<Config, String> {
    let listen = raw.listen.parse().map_err(|_| {
        format!("--listen (KANCA_LISTEN) must be an address and a port such as 127.0.0.1:8080, not “{}”", raw.listen)
    })?;
    if let Some(key) = &raw.api_key
        && (key.len() < MIN_API_KEY || !key.bytes().all(|b| b.is_ascii_graphic()))
    {
        return Err(format!("KANCA_API_KEY must have at least {MIN_API_KEY} visible ASCII characters"));
    }
    let address_rules = AddressRules::parse(&raw.allow_private_networks)
        .map_err(|e| format!("KANCA_ALLOW_PRIVATE_NETWORKS is not right: {e}"))?;
    let proxies = raw.trusted_proxies.split(',').map(str::trim).filter(|t| !t.is_empty());
    let trusted_proxies = proxies.map(Cidr::parse).collect::<Result<_, _>>();
    Ok(Config {
        listen,
        data_dir: raw.data_dir,
        public_url: raw.public_url.map(|u| origin("KANCA_PUBLIC_URL", &u)).transpose()?,
        inbox_url: raw.inbox_url.map(|u| origin("KANCA_INBOX_URL", &u)).transpose()?,
        api_key: raw.api_key,
        address_rules,
        trusted_proxies: trusted_proxies.map_err(|e| format!("KANCA_TRUSTED_PROXIES is not right: {e}"))?,
        max_event_bytes: raw.max_event_bytes,
        max_capture_bytes: raw.max_capture_bytes,
        inbox_keep_requests: raw.inbox_keep_requests.max(1),
        inbox_keep_bytes: raw.inbox_keep_bytes.max(1),
        keep_days: check_keep_days(raw.keep_days).map_err(|e| format!("KANCA_KEEP_DAYS is not right: {e}"))?,
        keep_bytes: raw.keep_bytes,
        log: raw.log,
    })
}

/// An origin without a trailing slash.
fn origin(setting: &str, text: &str) -> Result<String, String> {
    let wrong =
        || format!("{setting} must be an origin such as https://hooks.example.com, without a path, not “{text}”");
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if plain && matches!(url.scheme(), "http" | "https") {
        Ok(url.origin().ascii_serialization())
    } else {
        Err(wrong())
    }
}
