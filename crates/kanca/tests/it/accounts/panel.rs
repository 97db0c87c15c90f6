//! A person in the panel: what a browser sends with its cookie.

use crate::support::{Answer, Api, Server, eventually};
use serde_json::{Value, json};
use std::time::Duration;

pub const EMAIL: &str = "owner@example.com";
pub const PASSWORD: &str = "correct horse";

/// A browser; it keeps one cookie.
pub struct Browser {
    api: Api,
    cookie: Option<String>,
}

impl Browser {
    pub fn new(server: &Server) -> Self {
        Self { api: server.api_as(None), cookie: None }
    }

    /// One that has set the owner's password through the link of the first start.
    #[track_caller]
    pub fn set_up(server: &Server) -> Self {
        let mut browser = Self::new(server);
        browser.use_link(&link_in_log(server), EMAIL, PASSWORD).expect(201);
        browser
    }

    /// Sends what the panel's pages send.
    #[track_caller]
    pub fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, body, &[("kanca-panel", "1")])
    }

    /// Sends with these headers and the cookie.
    #[track_caller]
    pub fn send_with(&mut self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let cookie = self.cookie.clone();
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        all.extend(cookie.iter().map(|c| ("cookie", c.as_str())));
        let body = (method != "GET").then(|| body.to_string().into_bytes());
        let answer = self.api.send(method, &format!("/api/v1{path}"), &all, body.as_deref());
        if let Some(set) = answer.header("set-cookie") {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        answer
    }

    #[track_caller]
    pub fn use_link(&mut self, link: &str, email: &str, password: &str) -> Answer {
        let token = link.rsplit_once("#/setup?token=").expect("a set-up link").1;
        self.send("POST", "/setup", &json!({"token": token, "email": email, "password": password}))
    }

    #[track_caller]
    pub fn log_in(&mut self, email: &str, password: &str) -> Answer {
        self.send("POST", "/session", &json!({"email": email, "password": password}))
    }

    /// `setup`, `login` or `ready`.
    #[track_caller]
    pub fn state(&mut self) -> String {
        crate::support::text(&self.send("GET", "/session", &Value::Null).expect(200)["state"])
    }
}

/// The newest set-up link that the server printed.
#[track_caller]
pub fn link_in_log(server: &Server) -> String {
    eventually("the link is printed", Duration::from_secs(10), || {
        let log = server.log();
        let line = log.lines().rev().find(|l| l.contains("#/setup?token="))?;
        line.split_whitespace().last().map(str::to_owned)
    })
}
