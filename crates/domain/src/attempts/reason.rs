//! Why an attempt ended as it did: a closed list, each with words for a person who can do something about it.

use crate::closed_list;
use std::fmt;
use std::str::FromStr;

closed_list! {
    /// The reason of an attempt's end. The code is stored and part of the API, so none may change its meaning.
    ReasonCode {
        /// A status from 200 to 299.
        Success = "success";
        /// A status that is neither 2xx nor 3xx. Detail: the status.
        HttpStatus = "http_status";
        /// A status from 300 to 399; redirects are not followed. Detail: where to.
        Redirect = "redirect";
        /// No complete answer within the time limit. Detail: what was waited for, and the limit.
        Timeout = "timeout";
        /// Nothing listens at the address. Detail: what the network says.
        Refused = "refused";
        /// The network has no way to the address. Detail: what the network says.
        Unreachable = "unreachable";
        /// The name has no address. Detail: what the resolver says.
        Dns = "dns";
        /// No secure connection. Detail: what the TLS library says.
        Tls = "tls";
        /// The connection was closed before the answer was complete.
        Reset = "reset";
        /// The address guard refused the address. Detail: the refusal's own sentence.
        BlockedAddress = "blocked_address";
        /// The proxy cannot be reached, or does not answer. Detail: what the network says.
        ProxyUnreachable = "proxy_unreachable";
        /// The proxy wants a user name and password, or others. Detail: which.
        ProxyAuth = "proxy_auth";
        /// The proxy answered that it does not, or cannot, connect to the receiver. Detail: its words.
        ProxyRefused = "proxy_refused";
        /// What the proxy answered is neither yes nor no. Detail: what is wrong with it.
        ProxyAnswer = "proxy_answer";
        /// The answer was larger than is read. Detail: the limit.
        TooLargeResponse = "too_large_response";
        /// The event was larger than is sent in the endpoint's format. Detail: the encoder's own sentence.
        TooLargeRequest = "too_large_request";
        /// The endpoint's transformation failed. Detail: what it said, with the place.
        Transformation = "transformation";
        /// The endpoint's transformation said that nothing is to be sent.
        Skipped = "skipped";
        /// The answer was not HTTP. Detail: what the HTTP library says.
        Protocol = "protocol";
        /// The event has come round too often. Detail: the number of hops.
        Loop = "loop";
        /// Kanca was stopped, or crashed, during the attempt.
        Shutdown = "shutdown";
        /// A fault of Kanca itself. Detail: what to look for in the log.
        Internal = "internal";
    }
}

impl ReasonCode {
    /// Whether the attempt uses up a step of the schedule. One that Kanca itself cut off does not.
    pub const fn uses_a_step(self) -> bool {
        !matches!(self, Self::Shutdown)
    }

    /// Whether no later attempt can end otherwise, so that the delivery fails at once.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::TooLargeRequest | Self::Loop)
    }

    /// What happened and what to do, in one or two sentences. The detail is what the list above says for each code;
    /// empty if it is not known.
    pub fn words(self, detail: &str) -> String {
        let detail = detail.trim().trim_end_matches('.');
        let known = |before: &str, after: &str| {
            if detail.is_empty() { String::new() } else { format!("{before}{detail}{after}") }
        };
        match self {
            Self::Success if detail.is_empty() => "Delivered.".into(),
            Self::Success => format!("Delivered: the receiver answered {detail}."),
            Self::HttpStatus => status_words(detail),
            Self::Redirect => format!(
                "The receiver answered with a redirect{}, which is not followed. Enter the final URL in the webhook.",
                known(" to ", "")
            ),
            Self::Timeout => format!(
                "The receiver did not answer in time{}. It should answer first and do its work afterwards.",
                known(" (", ")")
            ),
            Self::Refused => format!(
                "The connection was refused{}. Start the receiver, or correct the URL's host and port.",
                known(": ", "")
            ),
            Self::Unreachable => format!(
                "There is no way to the receiver's address{}. Check the URL, the firewall and this machine's network.",
                known(": ", "")
            ),
            Self::Dns => format!(
                "The receiver's name leads to no address{}. Check the URL's spelling and the name's DNS records.",
                known(": ", "")
            ),
            Self::Tls => format!(
                "No secure connection could be made{}. Check that the receiver's certificate is valid for the URL's host, \
                 complete (with its intermediates) and not expired.",
                known(": ", "")
            ),
            Self::Reset => {
                "The receiver closed the connection before its answer was complete. Look in its log for a crash, \
                            or for a proxy that cuts connections off."
                    .into()
            }
            Self::BlockedAddress if detail.is_empty() => {
                "The receiver's address is private, so nothing was sent. Whoever runs Kanca can open the range with \
                 KANCA_ALLOW_PRIVATE_NETWORKS."
                    .into()
            }
            Self::BlockedAddress => format!("Nothing was sent: {detail}."),
            Self::ProxyUnreachable => format!(
                "The webhook's proxy cannot be reached{}. Start the proxy, or correct its host and port in the webhook.",
                known(": ", "")
            ),
            Self::ProxyAuth => format!(
                "The webhook's proxy does not let Kanca in{}. Correct the proxy's user name and password in the webhook.",
                known(": ", "")
            ),
            Self::ProxyRefused => format!(
                "The webhook's proxy did not connect to the receiver{}. Allow the receiver's address and port in the proxy, \
                 or look in the proxy's log.",
                known(": ", "")
            ),
            Self::ProxyAnswer => format!(
                "The webhook's proxy answered what Kanca cannot understand{}. Check that its URL's scheme (http or socks5) \
                 and port are right.",
                known(": ", "")
            ),
            Self::TooLargeResponse => format!(
                "The receiver's answer is too large{}. Answer with a status and little or no body.",
                known(" (more than ", ")")
            ),
            Self::TooLargeRequest => format!("Nothing was sent{}.", known(": ", "")),
            Self::Transformation => format!(
                "The webhook's transformation failed, so nothing was sent{}. Mend it; the delivery is tried again by its \
                 schedule.",
                known(": ", "")
            ),
            Self::Skipped => "The webhook's transformation skipped this event, so nothing was sent.".into(),
            Self::Protocol => format!(
                "The answer is not proper HTTP/1.1{}. Check that the URL's scheme (http or https) and port are right.",
                known(": ", "")
            ),
            Self::Loop => format!(
                "The event has come round too often{}, so it was not sent again. An inbox's answer or scenario causes the \
                 very event that fills it; break that circle.",
                known(" (", " hops)")
            ),
            Self::Shutdown => {
                "Kanca was stopped during the attempt. It will be repeated by itself; no step is used up.".into()
            }
            Self::Internal => format!(
                "Kanca failed to make the attempt{}. It will be repeated; if that goes on, look in Kanca's log.",
                known(": ", "")
            ),
        }
    }
}

impl ReasonCode {
    /// The detail that [`words`](Self::words) said these words with: what a reader of another language needs beside a
    /// sentence of that language. `None` when there was none, and for words of an earlier version that were put otherwise.
    pub fn detail(self, words: &str) -> Option<&str> {
        // A detail's place in the sentence; for a status the advice after it depends on it, so that only its end is known.
        const HERE: &str = "\u{0}";
        let sentence = self.words(HERE);
        let (before, after) = sentence.split_once(HERE)?;
        let rest = words.strip_prefix(before)?;
        let detail = match self {
            Self::HttpStatus => rest.split_once(". ")?.0,
            _ => rest.strip_suffix(after)?,
        };
        (words != self.words("") && self.words(detail) == words).then_some(detail)
    }
}

fn status_words(status: &str) -> String {
    let advice = match status.split_whitespace().next().unwrap_or_default() {
        "400" | "422" => "The receiver did not understand the event; look at its answer and at the webhook's format.",
        "401" | "403" => "The receiver does not let Kanca in; check the webhook's secret and its headers.",
        "404" => "There is nothing at this URL; correct the URL's path.",
        "405" => "The receiver does not accept POST at this URL; correct the URL's path.",
        "410" => "The receiver says that this URL is gone for good; delete the webhook or change its URL.",
        "413" => "The event is too large for the receiver; raise its limit or send less data.",
        "415" => "The receiver does not read this format; choose another one in the webhook.",
        "408" | "425" | "429" => "The receiver asks to come back later; that is done by itself.",
        "502" | "503" | "504" => "The receiver, or what stands behind its proxy, is down or busy; look there.",
        code if code.starts_with('4') => "The receiver refused the event; its answer may say why.",
        code if code.starts_with('5') => "The receiver failed; look in its log.",
        _ => "Only a status from 200 to 299 counts as delivered.",
    };
    let status = if status.is_empty() { "a status other than 2xx" } else { status };
    format!("The receiver answered {status}. {advice}")
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no reason's code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no reason of an attempt")]
pub struct UnknownReason(pub String);

impl FromStr for ReasonCode {
    type Err = UnknownReason;
    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::of_code(text).ok_or_else(|| UnknownReason(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::AttemptEnd;

    #[test]
    fn codes_are_the_same_in_text_and_in_json() {
        for reason in ReasonCode::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
            assert_eq!(serde_json::to_string(reason).unwrap(), format!("\"{reason}\""));
        }
        assert!("ok".parse::<ReasonCode>().is_err());
    }

    #[test]
    fn words_are_whole_sentences_with_and_without_a_detail() {
        for reason in ReasonCode::ALL {
            for detail in ["", "example.com"] {
                let words = reason.words(detail);
                assert!(words.ends_with('.') && !words.contains("..") && !words.contains("  "), "{words}");
                assert!(words.starts_with(char::is_uppercase), "{words}");
            }
        }
        assert!(
            ReasonCode::Dns
                .words("no such name")
                .starts_with("The receiver's name leads to no address: no such name. ")
        );
        assert!(ReasonCode::HttpStatus.words("401").contains("check the webhook's secret"));
        assert_eq!(ReasonCode::BlockedAddress.words("no."), "Nothing was sent: no.");
    }

    #[test]
    fn the_detail_is_found_in_the_words_again() {
        for reason in ReasonCode::ALL {
            for detail in ["503 Service Unavailable", "a.b: (c). d", "İzmir"] {
                let says_it = reason.words(detail).contains(detail);
                let status = *reason == ReasonCode::HttpStatus && detail.contains(". ");
                let expected = (says_it && !status).then_some(detail);
                assert_eq!(reason.detail(&reason.words(detail)), expected, "{reason}");
            }
            assert_eq!(reason.detail(&reason.words("")), None, "{reason}");
            assert_eq!(reason.detail("As it was said by an earlier version."), None, "{reason}");
        }
    }

    #[test]
    fn a_status_has_its_reason() {
        for (status, reason) in [
            (100, ReasonCode::HttpStatus),
            (200, ReasonCode::Success),
            (299, ReasonCode::Success),
            (300, ReasonCode::Redirect),
            (308, ReasonCode::Redirect),
            (400, ReasonCode::HttpStatus),
            (503, ReasonCode::HttpStatus),
        ] {
            assert_eq!(AttemptEnd::Status(status).reason(), reason, "{status}");
        }
    }
}
