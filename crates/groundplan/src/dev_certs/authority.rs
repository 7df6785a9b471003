//! The authority, and the certificates that it signs.

use super::files::{DerPair, PemFiles};
use crate::error::CliError;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// The common name of the authority.
const NAME: &str = "Groundplan development authority";

/// The validity of the authority, in days.
const AUTHORITY_DAYS: u32 = 3_650;

/// How long before now a certificate becomes valid, for clients with slow clocks.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);

/// The authority, as an issuer.
pub(super) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// Creates an authority, and returns it with its certificate.
    pub(super) fn generate() -> Result<(Self, Vec<u8>), CliError> {
        let key = KeyPair::generate().map_err(certificate_error)?;
        let params = params()?;
        let certificate = params.self_signed(&key).map_err(certificate_error)?;
        Ok((Self(Issuer::new(params, key)), certificate.der().to_vec()))
    }

    /// Loads an existing authority.
    pub(super) fn from_files(pair: &PemFiles, certificate: &[u8], key: &[u8]) -> Result<Self, CliError> {
        let (key_file, certificate_file) = (pair.key.display(), pair.certificate.display());
        let mismatch = || {
            CliError::new(format!(
                "{key_file} is not the key of {certificate_file}; remove both to create a new authority"
            ))
        };
        let key = KeyPair::try_from(key).map_err(|_| mismatch())?;
        // A certificate contains its public key unchanged.
        let public = key.public_key_raw();
        if !certificate.windows(public.len()).any(|part| part == public) {
            return Err(mismatch());
        }
        Ok(Self(Issuer::new(params()?, key)))
    }

    /// Returns the private key.
    pub(super) fn key(&self) -> &[u8] {
        self.0.key().serialized_der()
    }

    /// Creates a certificate for a service and its private key.
    pub(super) fn certify(&self, name: &str, hosts: &[String], days: u32) -> Result<DerPair, CliError> {
        let key = KeyPair::generate().map_err(certificate_error)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let uri = format!("spiffe://groundplan/{name}");
        params.subject_alt_names.push(SanType::URI(uri.try_into().map_err(certificate_error)?));
        let default_hosts = [name, "localhost", "127.0.0.1", "::1"];
        for host in default_hosts.into_iter().chain(hosts.iter().map(String::as_str)) {
            params.subject_alt_names.push(match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.try_into().map_err(certificate_error)?),
            });
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = with_validity(params, days).signed_by(&key, &self.0).map_err(certificate_error)?;
        Ok((certificate.der().to_vec(), key.serialize_der()))
    }
}

/// Returns the parameters of the authority's certificate.
fn params() -> Result<CertificateParams, CliError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(with_validity(params, AUTHORITY_DAYS))
}

fn with_validity(mut params: CertificateParams, days: u32) -> CertificateParams {
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + Duration::from_secs(u64::from(days) * 86_400)).into();
    params
}

fn certificate_error(error: rcgen::Error) -> CliError {
    CliError::new(format!("a certificate cannot be created: {error}"))
}
