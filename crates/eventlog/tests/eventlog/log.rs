//! Tokens and followers.

mod followers;
mod tokens;
