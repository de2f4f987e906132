//! The folder that the files of the user interface are in.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::Path,
    str::FromStr,
};

use axum::{body::Body, response::Response};
use hoop_runtime::{Env, config};
use http::{Request, StatusCode, Uri, request::Parts};
use tower_http::services::ServeDir;

use crate::{Error, error::Result};

/// Where an image has them. Nothing is served when there is nothing.
const USUAL: &str = "/app/ui/public";

/// A folder with a user interface.
#[derive(Debug, Clone)]
pub struct UiFolder(ServeDir);

/// Why a folder has no user interface.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUi {
    /// It is none.
    #[error("{path} is no folder that can be read: {cause}")]
    NoFolder {
        /// The folder.
        path: String,
        /// Why not.
        cause: io::Error,
    },
    /// It lacks the page that all others begin with.
    #[error("{path} has no file index.html that can be read")]
    NoIndex {
        /// The folder.
        path: String,
    },
}

impl FromStr for UiFolder {
    type Err = InvalidUi;
    fn from_str(path: &str) -> Result<Self, InvalidUi> {
        if let Err(cause) = fs::read_dir(path) {
            return Err(InvalidUi::NoFolder { path: path.into(), cause });
        }
        let index = File::open(Path::new(path).join("index.html"));
        if !index.and_then(|file| file.metadata()).is_ok_and(|file| file.is_file()) {
            return Err(InvalidUi::NoIndex { path: path.into() });
        }
        let files = ServeDir::new(path).redirect_to_trailing_slash(false);
        Ok(Self(files.precompressed_br().precompressed_gzip()))
    }
}

impl UiFolder {
    /// The folder that is set, which has to be one, or the usual one, which need not be there.
    pub(crate) fn from_env(env: &Env) -> Result<Option<Self>, config::Error> {
        let given = env.explained("STATIC_UI_PATH")?;
        Ok(given.or_else(|| USUAL.parse().ok()))
    }

    /// What is at `uri` for who has sent `request`; `None` when nothing is.
    pub(super) async fn open(&self, request: &Parts, uri: Uri) -> Result<Option<Response>> {
        let mut asked = Request::new(());
        *asked.method_mut() = request.method.clone();
        *asked.uri_mut() = uri;
        *asked.headers_mut() = request.headers.clone();
        match self.0.clone().try_call(asked).await {
            Ok(found) if found.status() == StatusCode::NOT_FOUND => Ok(None),
            Ok(found) => Ok(Some(found.map(Body::new))),
            Err(cause) if is_absence(cause.kind()) => Ok(None),
            Err(cause) => Err(Error::internal(cause)),
        }
    }
}

/// Whether a file system says that there can be no such file: a name may also be too long, or go
/// on behind that of a file. All else is a fault of the folder, for the log.
fn is_absence(kind: ErrorKind) -> bool {
    use ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(kind, NotFound | NotADirectory | InvalidFilename)
}
