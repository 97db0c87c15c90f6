//! How fast one endpoint is sent to: how many attempts at a time, how many in a period, and when none at all.
//!
//! Three rules work together, each about this endpoint only. *Concurrency* grows while attempts succeed and is halved
//! when the receiver shows that it cannot keep up. The *breaker* opens when nothing but failures come back; then one
//! probe at a time finds out whether the receiver is there again, instead of every waiting delivery. The *rate* is what
//! the user set. After a breaker closes, concurrency starts at the bottom, so that a backlog is a ramp and not a flood.
//!
//! A state machine without a clock: instants are parameters, and one that lies before what was seen already (a clock
//! that was set back) neither stalls anything nor gives anything for free.

mod window;

use self::window::Window;
use crate::attempts::{AttemptEnd, ReasonCode};
use crate::endpoints::options::RateLimit;
use jiff::Timestamp;
use std::time::Duration;

/// Attempts at a time before anything is known of the receiver.
pub const FIRST_LIMIT: u32 = 16;
/// Attempts at a time after an outage.
pub const RAMP_LIMIT: u32 = 2;
/// So many failures one after another, without a success in between, open the breaker.
pub const BREAKER_FAILURES: u32 = 10;
/// How long the breaker stays open at first; each failed probe doubles it.
pub const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// How long it stays open at most.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long a receiver's own wish (`Retry-After` with 429 or 503) holds the whole endpoint at most.
pub const LONGEST_HOLD: Duration = Duration::from_mins(10);
/// Concurrency is halved at most once in this time: what was under way when it was halved says nothing new.
const CUT_PAUSE: Duration = Duration::from_secs(1);

/// What an attempt's end says about the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signal {
    /// 2xx.
    Success,
    /// It cannot keep up: a timeout, 429, 502 or 504.
    Overloaded,
    /// It is not there or not in order: no answer, another 5xx, or an answer that every delivery would get, because it has
    /// moved or wants credentials (3xx, 401, 403, 404, 405, 407).
    Broken,
    /// It answered, and refused this one delivery; that says nothing about the next.
    Refused,
    /// Nothing was asked of it.
    #[default]
    None,
}

impl Signal {
    /// What an end means.
    pub const fn of(end: AttemptEnd) -> Self {
        match end {
            AttemptEnd::Status(200..=299) => Self::Success,
            AttemptEnd::Status(429 | 502 | 504) | AttemptEnd::NoAnswer(ReasonCode::Timeout) => Self::Overloaded,
            AttemptEnd::Status(300..=399 | 401 | 403..=405 | 407 | 500..) => Self::Broken,
            AttemptEnd::Status(_) => Self::Refused,
            AttemptEnd::NoAnswer(reason) => match reason {
                ReasonCode::Dns
                | ReasonCode::Refused
                | ReasonCode::Unreachable
                | ReasonCode::Tls
                | ReasonCode::Reset
                | ReasonCode::Protocol
                | ReasonCode::BlockedAddress
                | ReasonCode::ProxyUnreachable
                | ReasonCode::ProxyAuth
                | ReasonCode::ProxyRefused
                | ReasonCode::ProxyAnswer => Self::Broken,
                _ => Self::None,
            },
        }
    }
}

/// Whether an attempt may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Now.
    Go,
    /// Not before this instant.
    At(Timestamp),
    /// When an attempt that is under way has ended.
    AfterOthers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaker {
    Closed,
    /// Nothing until then; the next pause follows if the probe fails.
    Open {
        until: Timestamp,
        pause: Duration,
    },
    /// One attempt is under way to find out.
    Probing {
        pause: Duration,
    },
}

/// Why an endpoint gets nothing now, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Too many failures one after another; a probe goes out then (`None`: it is under way).
    Breaker(Option<Timestamp>),
    /// The receiver asked to be left alone until then.
    Held(Timestamp),
    /// The rate that the user set is used up until then.
    Rate(Timestamp),
    /// The receiver has not agreed yet to get events.
    Handshake,
}

/// The pace of one endpoint.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Attempts at a time, with the fraction that success has earned.
    limit: f64,
    /// Grows by one for each success until the first cut, then by one for each round of successes.
    steady: bool,
    last_cut: Option<Timestamp>,
    failures: u32,
    failing_since: Option<Timestamp>,
    breaker: Breaker,
    held_until: Option<Timestamp>,
    /// What counts for the rate.
    window: Window,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            limit: f64::from(FIRST_LIMIT),
            steady: false,
            last_cut: None,
            failures: 0,
            failing_since: None,
            breaker: Breaker::Closed,
            held_until: None,
            window: Window::default(),
        }
    }
}

impl Pace {
    /// A pace that goes on with an outage known from before, such as one from before a restart.
    pub fn failing_since(since: Timestamp) -> Self {
        Self { failing_since: Some(since), ..Self::default() }
    }

    /// Forgets what is known of the receiver, because it is asked in another way from now on. What was sent to it lately
    /// still counts for the rate; the pause that it asked for holds unless it `is_another`.
    pub fn start_afresh(&mut self, is_another: bool) {
        let before = std::mem::take(self);
        self.window = before.window;
        self.held_until = before.held_until.filter(|_| !is_another);
    }

    /// How many attempts may be under way, of at most `most`.
    pub fn limit(&self, most: u32) -> u32 {
        if self.breaker != Breaker::Closed {
            return 1;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 1 and `most`")]
        let limit = self.limit as u32;
        limit.clamp(1, most.max(1))
    }

    /// Whether an attempt may begin while `under_way` others are, of at most `most`. [`Admission::Go`] counts it.
    pub fn admit(&mut self, now: Timestamp, under_way: u32, most: u32, rate: Option<RateLimit>) -> Admission {
        self.forget_the_future(now);
        if let Some(until) = self.held_until {
            if now < until {
                return Admission::At(until);
            }
            self.held_until = None;
        }
        let probe = match self.breaker {
            Breaker::Closed => None,
            Breaker::Open { until, .. } if now < until => return Admission::At(until),
            Breaker::Open { .. } | Breaker::Probing { .. } if under_way > 0 => return Admission::AfterOthers,
            Breaker::Open { pause, .. } | Breaker::Probing { pause } => Some(pause),
        };
        if under_way >= self.limit(most) {
            return Admission::AfterOthers;
        }
        if let Some(at) = self.rate_allows(now, rate) {
            return Admission::At(at);
        }
        if let Some(pause) = probe {
            self.breaker = Breaker::Probing { pause };
        }
        self.count(now, rate);
        Admission::Go
    }

    /// Counts an attempt that did not ask: one that a conversation waits for.
    pub fn count(&mut self, now: Timestamp, rate: Option<RateLimit>) {
        if let Some(rate) = rate {
            self.window.count(now, rate);
        }
    }

    /// When the rate allows the next attempt, if that is not now.
    fn rate_allows(&self, now: Timestamp, rate: Option<RateLimit>) -> Option<Timestamp> {
        self.window.next(now, rate?)
    }

    /// How many attempts may begin within about a second, where that is not for the receiver to show.
    pub fn soon(&self, now: Timestamp, rate: Option<RateLimit>) -> Option<u32> {
        if self.breaker != Breaker::Closed || self.held_until.is_some_and(|until| now < until) {
            return Some(1);
        }
        rate.map(|rate| rate.requests.div_ceil(rate.per_seconds.max(1)).max(1))
    }

    /// A clock that was set back must not leave the endpoint waiting for an instant that was near once.
    fn forget_the_future(&mut self, now: Timestamp) {
        if let Breaker::Open { until, pause } = self.breaker
            && until > now + pause
        {
            self.breaker = Breaker::Open { until: now + pause, pause };
        }
        if self.held_until.is_some_and(|until| until > now + LONGEST_HOLD) {
            self.held_until = Some(now + LONGEST_HOLD);
        }
        self.window.forget_the_future(now);
        if self.last_cut.is_some_and(|at| at > now) {
            self.last_cut = None;
        }
    }

    /// An attempt has ended.
    pub fn ended(&mut self, now: Timestamp, signal: Signal, most: u32) {
        match signal {
            Signal::None => {
                if let Breaker::Probing { pause } = self.breaker {
                    self.breaker = Breaker::Open { until: now, pause };
                }
            }
            Signal::Success | Signal::Refused => self.is_there(now, signal == Signal::Success, most),
            Signal::Overloaded | Signal::Broken => self.failed(now, signal),
        }
    }

    fn is_there(&mut self, now: Timestamp, success: bool, most: u32) {
        self.failures = 0;
        // Refusing is failing: only a success ends it.
        self.failing_since = if success { None } else { Some(self.began_to_fail(now)) };
        if self.breaker != Breaker::Closed {
            self.breaker = Breaker::Closed;
            self.limit = f64::from(RAMP_LIMIT);
            self.steady = false;
        } else if success {
            let step = if self.steady { 1.0 / self.limit.max(1.0) } else { 1.0 };
            self.limit = (self.limit + step).min(f64::from(most.max(1)));
        }
    }

    fn began_to_fail(&self, now: Timestamp) -> Timestamp {
        self.failing_since.map_or(now, |since| since.min(now))
    }

    fn failed(&mut self, now: Timestamp, signal: Signal) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since = Some(self.began_to_fail(now));
        let cut_lately = self.last_cut.is_some_and(|at| now < at + CUT_PAUSE);
        if signal == Signal::Overloaded && !cut_lately {
            self.limit = (self.limit / 2.0).max(1.0);
            self.steady = true;
            self.last_cut = Some(now);
        }
        self.breaker = match self.breaker {
            Breaker::Probing { pause } => {
                let pause = (pause * 2).min(LONGEST_PAUSE);
                Breaker::Open { until: now + pause, pause }
            }
            Breaker::Closed if self.failures >= BREAKER_FAILURES => {
                Breaker::Open { until: now + FIRST_PAUSE, pause: FIRST_PAUSE }
            }
            as_it_was => as_it_was,
        };
    }

    /// The receiver asked for a pause (`Retry-After`): nothing goes to it meanwhile.
    pub fn hold(&mut self, now: Timestamp, wait: Duration) {
        let until = now + wait.min(LONGEST_HOLD);
        self.held_until = Some(self.held_until.map_or(until, |at| at.max(until)));
    }

    /// Since when there were failures only.
    pub const fn outage_began(&self) -> Option<Timestamp> {
        self.failing_since
    }

    /// Why nothing goes out at `now`, if nothing does.
    pub fn waiting(&self, now: Timestamp, rate: Option<RateLimit>) -> Option<Waiting> {
        match (self.held_until, self.breaker) {
            (Some(until), _) if now < until => Some(Waiting::Held(until)),
            (_, Breaker::Open { until, .. }) => Some(Waiting::Breaker(Some(until))),
            (_, Breaker::Probing { .. }) => Some(Waiting::Breaker(None)),
            (_, Breaker::Closed) => self.rate_allows(now, rate).map(Waiting::Rate),
        }
    }
}

#[cfg(test)]
mod tests;
