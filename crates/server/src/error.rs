//! Why `serve` ends otherwise than asked.

use std::borrow::Cow;
use std::net::SocketAddr;

use pyrometer_agent::directory::DirectoryError;
use pyrometer_store::StoreError;

/// Errors of [`crate::serve`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The socket directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address can be reached from other machines, and nothing protects it.
    #[error("{0} can be reached from other machines, and no token is set")]
    Unprotected(SocketAddr),
    /// A task of the server itself ended unexpectedly.
    #[error("the server stopped: {0}")]
    Stopped(String),
}

impl ServeError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Directory(DirectoryError::Foreign { .. }) => {
                Some("set PYROMETER_DIR to a directory of your own, for the workers too".into())
            }
            Self::Directory(_) => Some("set PYROMETER_DIR to a directory that can be written".into()),
            Self::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                Some("another server runs there: stop it, or choose another port with --listen".into())
            }
            Self::Listen { .. } => Some("choose an address of this machine with --listen".into()),
            Self::Unprotected(_) => {
                Some("set a token, listen on 127.0.0.1, or say --insecure if the network is trusted".into())
            }
            Self::Stopped(_) => None,
        }
    }
}
