//! Credentials of callers.

use super::Secret;

/// Credentials of the root principal.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Credentials")]
pub struct CredentialSettings {
    /// Key of the root principal, which callers send as `authorization: Bearer <key>`: 32 random bytes, as 64
    /// hexadecimal digits or 43 base64 characters (`openssl rand -hex 32`). Required, except that `up` generates a key
    /// when it is not set.
    // Its form is checked by layers::RootKey, whose error, unlike clap's, does not repeat the value.
    #[arg(long, env = "API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<Secret>,
}
