//! Bytes as hexadecimal digits.

/// Two lower-case digits a byte, in order.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::hex;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_read_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let text = hex(&bytes);
            prop_assert_eq!(text.len(), 2 * bytes.len());
            let read: Vec<u8> = (0..bytes.len())
                .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            prop_assert_eq!(read, bytes);
            prop_assert_eq!(text.to_lowercase(), text);
        }
    }
}
