//! An authority for tests.

use crate::pem::write;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use std::path::Path;

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn make(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Writes the authority and certificates of these names for the host `localhost`.
    pub(crate) fn write(&self, folder: &Path, names: &[&str]) {
        for name in names {
            let uri = format!("spiffe://groundplan/{name}").try_into().unwrap();
            self.certify(folder, name, vec![SanType::URI(uri), SanType::DnsName("localhost".try_into().unwrap())]);
        }
        self.write_root(folder);
    }

    /// Writes the certificate of the authority.
    pub(crate) fn write_root(&self, folder: &Path) {
        write(&folder.join("ca.pem"), "CERTIFICATE", &self.certificate);
    }

    /// Writes a certificate that names no service.
    pub(crate) fn write_nameless(&self, folder: &Path) {
        self.certify(folder, "nameless", vec![SanType::DnsName("localhost".try_into().unwrap())]);
    }

    fn certify(&self, folder: &Path, name: &str, names: Vec<SanType>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        write(&folder.join(format!("{name}.key")), "PRIVATE KEY", key.serialized_der());
        write(&folder.join(format!("{name}.pem")), "CERTIFICATE", certificate.der());
    }
}
