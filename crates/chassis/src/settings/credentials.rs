//! Who may call.

use super::Secret;

/// Credentials of the root principal.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Credentials")]
pub struct CredentialSettings {
    /// The root principal's key, sent by callers as `authorization: Bearer <key>`: 32 random bytes, as 64 hexadecimal digits or
    /// 43 characters of base64 (`openssl rand -hex 32`). `up` makes one when it is absent; everything else needs it.
    // Its form is checked by layers::RootKey, whose error, unlike clap's, does not repeat the value.
    #[arg(long, env = "API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<Secret>,
}
