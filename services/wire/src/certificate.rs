//! What is in a TLS certificate: the hash that SCRAM binds to (`tls-server-end-point`, RFC
//! 5929), and when it ends.

use aws_lc_rs::digest::{self, Algorithm};
use x509_parser::{
    oid_registry::{
        OID_HASH_SHA1, OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512,
        OID_PKCS1_MD5WITHRSAENC, OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA1WITHRSA,
        OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
        OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512, Oid,
    },
    prelude::{FromDer, X509Certificate},
    x509::AlgorithmIdentifier,
};

/// The hash of a certificate in DER: by the hash function that it was signed with, or
/// SHA-256 where that one is MD5 or SHA-1.
///
/// `None` when it has no such function (Ed25519): RFC 5929 leaves that open, so there is
/// no channel binding with it, in PostgreSQL either.
#[must_use]
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = hash_function(&parsed.signature_algorithm)?;
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// When a certificate in DER ends, in seconds since 1970; `None` when it can't be read.
#[must_use]
pub fn not_after(certificate: &[u8]) -> Option<i64> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

fn hash_function(signature: &AlgorithmIdentifier<'_>) -> Option<&'static Algorithm> {
    let oid = &signature.algorithm;
    if *oid == OID_PKCS1_RSASSAPSS {
        return pss_hash_function(signature);
    }
    let known: [(&[Oid<'_>], &Algorithm); 3] = [
        (
            &[
                OID_PKCS1_SHA256WITHRSA,
                OID_SIG_ECDSA_WITH_SHA256,
                OID_PKCS1_SHA1WITHRSA,
                OID_PKCS1_MD5WITHRSAENC,
            ],
            &digest::SHA256,
        ),
        (&[OID_PKCS1_SHA384WITHRSA, OID_SIG_ECDSA_WITH_SHA384], &digest::SHA384),
        (&[OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA512], &digest::SHA512),
    ];
    known.into_iter().find(|(oids, _)| oids.contains(oid)).map(|(_, algorithm)| algorithm)
}

fn pss_hash_function(signature: &AlgorithmIdentifier<'_>) -> Option<&'static Algorithm> {
    use x509_parser::signature_algorithm::RsaSsaPssParams;
    let parameters = RsaSsaPssParams::try_from(signature.parameters.as_ref()?).ok()?;
    let oid = parameters.hash_algorithm_oid();
    [
        (OID_NIST_HASH_SHA256, &digest::SHA256),
        (OID_HASH_SHA1, &digest::SHA256),
        (OID_NIST_HASH_SHA384, &digest::SHA384),
        (OID_NIST_HASH_SHA512, &digest::SHA512),
    ]
    .into_iter()
    .find(|(known, _)| known == oid)
    .map(|(_, algorithm)| algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_hash_is_the_one_that_the_certificate_was_signed_with() {
        for (algorithm, length) in
            [(&rcgen::PKCS_ECDSA_P256_SHA256, 32), (&rcgen::PKCS_ECDSA_P384_SHA384, 48)]
        {
            assert_eq!(end_point(&certificate(algorithm)).map(|hash| hash.len()), Some(length));
        }
        assert_eq!(end_point(&certificate(&rcgen::PKCS_ED25519)), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_hash() {
        assert_eq!(end_point(b""), None);
        assert_eq!(end_point(b"-----BEGIN CERTIFICATE-----"), None);
    }
}
