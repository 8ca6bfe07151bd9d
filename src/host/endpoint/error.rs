//! What an endpoint that waits can fail with.

use core::fmt;

use crate::link::LinkError;

/// Why a call of an [`Endpoint`](super::Endpoint) that waits did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointError {
    /// The link's answer.
    Link(LinkError),
    /// The deadline came first.
    Timeout,
    /// The peer has ended, says the kernel, and everything it had sent has been received.
    PeerDead,
}

impl From<LinkError> for EndpointError {
    fn from(why: LinkError) -> Self {
        Self::Link(why)
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(why) => fmt::Display::fmt(why, f),
            Self::Timeout => f.write_str("timed out"),
            Self::PeerDead => f.write_str("the peer is dead"),
        }
    }
}

impl core::error::Error for EndpointError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Link(why) => Some(why),
            Self::Timeout | Self::PeerDead => None,
        }
    }
}
