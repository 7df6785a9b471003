//! Tokens and followers.

mod followers;
mod restored;
mod tokens;
