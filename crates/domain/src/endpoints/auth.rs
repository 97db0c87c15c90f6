//! How an endpoint wants Kanca to identify itself: HTTP's Basic or Bearer, as an `authorization` header that Kanca makes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most bytes of a user name.
pub const MAX_USERNAME_BYTES: usize = 256;
/// The most bytes of a password or a token.
pub const MAX_CREDENTIAL_BYTES: usize = 4 * 1024;

/// Credentials for an endpoint. Never shown by `Debug`; serialised only to be sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Auth {
    /// User name and password (RFC 7617).
    Basic {
        /// Without a colon; may be empty when there is a password.
        username: String,
        /// May be empty when there is a user name.
        password: String,
    },
    /// A token (RFC 6750).
    Bearer {
        /// Visible ASCII characters.
        token: String,
    },
}

/// Why credentials are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuth {
    /// A user name that is too long, or with a colon or a control character.
    #[error("a user name has at most {MAX_USERNAME_BYTES} bytes, no colon and no control characters")]
    Username,
    /// A password that is too long or with a control character.
    #[error("a password has at most {MAX_CREDENTIAL_BYTES} bytes and no control characters")]
    Password,
    /// Neither user name nor password.
    #[error("user name and password are both empty; write at least one of them")]
    Empty,
    /// No token, one that is too long, or with a space or a character outside ASCII.
    #[error(
        "a token has 1 to {MAX_CREDENTIAL_BYTES} visible ASCII characters without spaces, and no “Bearer” before it"
    )]
    Token,
}

impl InvalidAuth {
    /// The field that is wrong.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Username | Self::Empty => "username",
            Self::Password => "password",
            Self::Token => "token",
        }
    }
}

impl Auth {
    /// User name and password, checked.
    pub fn basic(username: String, password: String) -> Result<Self, InvalidAuth> {
        let has_control = |text: &str| text.chars().any(char::is_control);
        if username.len() > MAX_USERNAME_BYTES || username.contains(':') || has_control(&username) {
            return Err(InvalidAuth::Username);
        }
        if password.len() > MAX_CREDENTIAL_BYTES || has_control(&password) {
            return Err(InvalidAuth::Password);
        }
        if username.is_empty() && password.is_empty() {
            Err(InvalidAuth::Empty)
        } else {
            Ok(Self::Basic { username, password })
        }
    }

    /// A token, checked.
    pub fn bearer(token: String) -> Result<Self, InvalidAuth> {
        let is_fine = (1..=MAX_CREDENTIAL_BYTES).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
        if is_fine { Ok(Self::Bearer { token }) } else { Err(InvalidAuth::Token) }
    }

    /// The value of the header `authorization`.
    pub fn header(&self) -> String {
        match self {
            Self::Basic { username, password } => {
                format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
            }
            Self::Bearer { token } => format!("Bearer {token}"),
        }
    }
}

/// Shows nothing of the credentials.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer { .. } => "Bearer(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_the_specifications() {
        // RFC 7617, sections 2 and 2.1, and RFC 6750, section 2.1.
        let basic = |name: &str, password: &str| Auth::basic(name.into(), password.into()).unwrap().header();
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic("test", "123£"), "Basic dGVzdDoxMjPCow==");
        assert_eq!(basic("", "a:b"), "Basic OmE6Yg==");
        assert_eq!(Auth::bearer("mF_9.B5f-4.1JqM".into()).unwrap().header(), "Bearer mF_9.B5f-4.1JqM");
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        use InvalidAuth::{Empty, Password, Token, Username};
        let long = "a".repeat(4_097);
        for (name, password, problem) in [
            ("a:b", "c", Username),
            ("a\n", "c", Username),
            (&long[..257], "c", Username),
            ("a", "c\0", Password),
            ("a", &long, Password),
            ("", "", Empty),
        ] {
            assert_eq!(Auth::basic(name.into(), password.into()), Err(problem), "{name:?}");
        }
        for token in ["", "a b", "a\r\nx: y", "ş", &long] {
            assert_eq!(Auth::bearer(token.into()), Err(Token), "{token:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let auth = [Auth::basic("name".into(), "word".into()).unwrap(), Auth::bearer("tokn".into()).unwrap()];
        assert_eq!(format!("{auth:?}"), "[Basic(…), Bearer(…)]");
    }
}
