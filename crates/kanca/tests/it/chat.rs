//! A visitor and the bot.

mod http;
mod limits;
mod socket;
mod tokens;
