//! The library's types, made for us, and what of a token is checked.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields, IdTokenVerifier, Nonce, RedirectUrl,
    RequestTokenError, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};

use super::{Error, http, untrusted};
use crate::config::Idp;

/// How wrong a clock may be.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// Claims that the specification has no name for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Others {
    #[serde(flatten)]
    pub(super) all: serde_json::Map<String, serde_json::Value>,
}

impl AdditionalClaims for Others {}

pub(super) type Claims = IdTokenClaims<Others, CoreGenderClaim>;

pub(super) type IdToken = openidconnect::IdToken<
    Others,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Refusal = StandardErrorResponse<CoreErrorResponseType>;

pub(super) type Client = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    Refusal,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

pub(super) fn new(
    idp: &Idp,
    metadata: &CoreProviderMetadata,
    callback: &str,
) -> Result<Client, Error> {
    let callback = RedirectUrl::new(callback.into()).map_err(untrusted)?;
    let client = Client::from_provider_metadata(
        metadata.clone(),
        idp.client_id.clone(),
        Some(idp.client_secret.clone()),
    )
    .set_redirect_uri(callback);
    // Basic is what every provider has to offer; a few only say so and take the other.
    let ways = metadata.token_endpoint_auth_methods_supported();
    let basic = ways.is_none_or(|ways| ways.contains(&CoreClientAuthMethod::ClientSecretBasic));
    let way = if basic {
        openidconnect::AuthType::BasicAuth
    } else {
        openidconnect::AuthType::RequestBody
    };
    Ok(client.set_auth_type(way))
}

/// What the token claims, if its signature, issuer, audience, age and nonce are right.
/// Signatures that are made with a shared secret, or none, are not signatures.
pub(super) fn verify(
    metadata: &CoreProviderMetadata,
    token: &IdToken,
    audience: &str,
    nonce: Option<&Nonce>,
) -> Result<Claims, ClaimsVerificationError> {
    let issuer = metadata.issuer().clone();
    let keys = metadata.jwks().clone();
    let verifier = IdTokenVerifier::new_public_client(ClientId::new(audience.into()), issuer, keys)
        .set_allowed_algs([
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
            CoreJwsSigningAlgorithm::RsaSsaPssSha256,
            CoreJwsSigningAlgorithm::RsaSsaPssSha384,
            CoreJwsSigningAlgorithm::RsaSsaPssSha512,
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::EcdsaP384Sha384,
            CoreJwsSigningAlgorithm::EdDsa,
        ])
        .allow_all_jose_types()
        .set_time_fn(|| Utc::now() - SKEW)
        .set_issue_time_verifier_fn(not_of_the_future);
    let claims = match nonce {
        Some(nonce) => token.claims(&verifier, nonce)?,
        None => token.claims(&verifier, |_: Option<&Nonce>| Ok(()))?,
    };
    Ok(claims.clone())
}

fn not_of_the_future(issued: DateTime<Utc>) -> Result<(), String> {
    if Utc::now() + SKEW < issued {
        return Err(format!("it was issued at {issued}, which is not yet"));
    }
    Ok(())
}

/// Whether a key that was made since may change the outcome.
pub(super) const fn is_unknown_key(cause: &ClaimsVerificationError) -> bool {
    matches!(
        cause,
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)
        )
    )
}

/// Why there are no tokens.
pub(super) fn failed(cause: RequestTokenError<http::Error, Refusal>) -> Error {
    match cause {
        RequestTokenError::ServerResponse(refusal) => {
            tracing::info!(cause = %refusal, "the identity provider refuses");
            Error::Refused
        }
        RequestTokenError::Request(cause) => Error::Unreachable(Box::new(cause)),
        // Also what a gateway in front of it says when it is down.
        RequestTokenError::Parse(cause, _) => Error::Unreachable(Box::new(cause)),
        RequestTokenError::Other(cause) => Error::Unreachable(cause.into()),
    }
}
