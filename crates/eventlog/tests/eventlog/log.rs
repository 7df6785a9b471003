//! Tests of tokens and followers.

mod followers;
mod restored;
mod tokens;
