//! The values that a client binds to a statement.

use super::{LONGEST_PARAMETER, value};
use crate::postgres::body::Body;

/// A value as it came.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    /// `None` is NULL.
    pub(super) bytes: Option<Vec<u8>>,
    binary: bool,
    truncated: bool,
}

/// What a Bind message says.
#[derive(Debug, Clone)]
pub(super) struct Bind {
    pub(super) portal: String,
    pub(super) statement: String,
    pub(super) values: Vec<Raw>,
    pub(super) truncated: bool,
}

impl Bind {
    /// Reads the message as far as it was kept. `None` when not even the names are there.
    pub(super) fn decode(kept: &[u8], whole: bool) -> Option<Self> {
        let mut body = Body::new(kept);
        let (portal, statement) = (body.text()?, body.text()?);
        let values = Vec::new();
        let mut bind = Self { portal, statement, values, truncated: !whole };
        if bind.read_values(&mut body).is_none() {
            bind.truncated = true;
        }
        Some(bind)
    }

    fn read_values(&mut self, body: &mut Body<'_>) -> Option<()> {
        let formats = body.u16()?;
        let formats: Vec<u16> = (0..formats).map_while(|_| body.u16()).collect();
        for position in 0..body.u16()? {
            // One format counts for all values, none means text.
            let format = match formats.as_slice() {
                [] => 0,
                [all] => *all,
                each => each.get(usize::from(position)).copied().unwrap_or(0),
            };
            let bytes = match body.i32()? {
                ..0 => None,
                length => Some(body.up_to(usize::try_from(length).ok()?)),
            };
            let cut = bytes.is_some_and(|(piece, whole)| !whole || LONGEST_PARAMETER < piece.len());
            self.truncated |= cut;
            self.values.push(Raw {
                bytes: bytes
                    .map(|(piece, _)| piece.get(..LONGEST_PARAMETER).unwrap_or(piece).to_vec()),
                binary: format == 1,
                truncated: cut,
            });
        }
        Some(())
    }

    /// The values as a person reads them.
    pub(super) fn parameters(&self, types: &[u32]) -> Vec<Option<String>> {
        self.values
            .iter()
            .enumerate()
            .map(|(position, raw)| {
                let bytes = raw.bytes.as_ref()?;
                let known = types.get(position).copied().unwrap_or(0);
                Some(match (raw.binary, raw.truncated) {
                    (false, _) => value::text(bytes),
                    (true, false) => value::binary(known, bytes),
                    // A value that is cut short may mean something else.
                    (true, true) => value::hex(bytes),
                })
            })
            .collect()
    }
}
