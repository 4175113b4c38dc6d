extension [UInt8] {
    /// Calls `body` with these bytes as a path of the system, whose names need not be UTF-8.
    func withPath<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
        (map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // The terminating zero is there, so there is a first element.
            buffer.baseAddress.map(body) ?? "".withCString(body)
        }
    }

    /// A path for people: what is no UTF-8 becomes a replacement character.
    var pathText: String { String(decoding: self, as: UTF8.self) }
}
