//! Values as a person reads them.

use std::fmt::Write;

const BOOL: u32 = 16;
const NAME: u32 = 19;
const INT8: u32 = 20;
const INT2: u32 = 21;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const OID: u32 = 26;
const JSON: u32 = 114;
const FLOAT4: u32 = 700;
const FLOAT8: u32 = 701;
const BPCHAR: u32 = 1042;
const VARCHAR: u32 = 1043;
const UUID: u32 = 2950;
const JSONB: u32 = 3802;

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `\x` and hex digits, as PostgreSQL writes `bytea`.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("\\x");
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
}

/// A value in binary format, if its type is one of the everyday ones.
pub(super) fn binary(type_number: u32, bytes: &[u8]) -> String {
    known(type_number, bytes).unwrap_or_else(|| hex(bytes))
}

fn known(type_number: u32, bytes: &[u8]) -> Option<String> {
    Some(match type_number {
        BOOL => match bytes {
            [0] => "false".to_owned(),
            [1] => "true".to_owned(),
            _ => return None,
        },
        INT2 => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
        INT4 => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        INT8 => i64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        OID => u32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        FLOAT4 => f32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        FLOAT8 => f64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        TEXT | VARCHAR | BPCHAR | NAME | JSON => std::str::from_utf8(bytes).ok()?.to_owned(),
        // The first byte is the version of the format.
        JSONB => std::str::from_utf8(bytes.strip_prefix(&[1])?).ok()?.to_owned(),
        UUID => uuid(bytes)?,
        _ => return None,
    })
}

fn uuid(bytes: &[u8]) -> Option<String> {
    let bytes: &[u8; 16] = bytes.try_into().ok()?;
    let mut text = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push_hex(&mut text, &[*byte]);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_types_are_readable() {
        for (type_number, bytes, expected) in [
            (BOOL, &[1][..], "true"),
            (INT2, &[0xff, 0xfe], "-2"),
            (INT4, &[0, 0, 0, 7], "7"),
            (INT8, &[0, 0, 0, 0, 0, 0, 1, 0], "256"),
            (OID, &[0xff, 0xff, 0xff, 0xff], "4294967295"),
            (FLOAT8, &1.5_f64.to_be_bytes(), "1.5"),
            (TEXT, b"a'b", "a'b"),
            (JSONB, b"\x01{}", "{}"),
            (UUID, &[0xab; 16], "abababab-abab-abab-abab-abababababab"),
        ] {
            assert_eq!(binary(type_number, bytes), expected);
        }
    }

    #[test]
    fn everything_else_is_hex() {
        for (type_number, bytes, expected) in [
            (0, &[1, 0xff][..], "\\x01ff"),
            (INT4, &[1], "\\x01"),
            (BOOL, &[2], "\\x02"),
            (TEXT, &[0xff], "\\xff"),
            (JSONB, b"", "\\x"),
            (1184, &[0; 8], "\\x0000000000000000"),
        ] {
            assert_eq!(binary(type_number, bytes), expected);
        }
    }
}
