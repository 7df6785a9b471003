//! Authorities, and the certificates of PostgreSQL and of its users.

use crate::pem::write;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::Path;

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Authority {
    pub(crate) fn make() -> Self {
        let key = KeyPair::generate().unwrap();
        // All have the same name, so that only the signature identifies the authority.
        let params = params("authority", &[], IsCa::Ca(BasicConstraints::Unconstrained));
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Writes the certificate of the authority.
    pub(crate) fn write(&self, file: &Path) {
        write(file, "CERTIFICATE", &self.certificate);
    }

    /// Writes `<path>.pem` and `<path>.key`: a certificate of this common name, for these hosts.
    pub(crate) fn certify(&self, path: &Path, name: &str, hosts: &[&str]) {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, hosts, IsCa::NoCa).signed_by(&key, &self.issuer).unwrap();
        write(&path.with_extension("pem"), "CERTIFICATE", certificate.der());
        write(&path.with_extension("key"), "PRIVATE KEY", key.serialized_der());
    }
}

/// Writes a self-signed certificate as `openssl req -x509` creates it, with the CA flag.
pub(crate) fn self_signed(path: &Path, hosts: &[&str]) {
    let key = KeyPair::generate().unwrap();
    let certificate = params("itself", hosts, IsCa::Ca(BasicConstraints::Unconstrained)).self_signed(&key).unwrap();
    write(&path.with_extension("pem"), "CERTIFICATE", certificate.der());
    write(&path.with_extension("key"), "PRIVATE KEY", key.serialized_der());
}

fn params(name: &str, hosts: &[&str], is_ca: IsCa) -> CertificateParams {
    let mut params = CertificateParams::new(hosts.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params
}
