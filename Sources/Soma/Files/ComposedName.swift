@_spi(_Unicode) import Swift

extension [UInt8] {
    /// The name of a file in the form in which names are compared: composed (NFC), since macOS writes decomposed ones and other systems
    /// keep what they are given. A name that is no UTF-8 stays as it is.
    var composed: [UInt8] {
        if allSatisfy({ $0 < 0x80 }) { return self }
        guard let text = String(validating: self, as: UTF8.self) else { return self }
        return Array(text.composed.utf8)
    }
}

extension String {
    /// The same text with each letter and its accents in one code point, where there is one (Unicode's form NFC).
    var composed: String {
        // Once is not enough where a code point is made of accents alone, as U+0F73 is: the library puts those before it in no order with them.
        let once = String(String.UnicodeScalarView(_nfc))
        return String(String.UnicodeScalarView(once._nfc))
    }
}
