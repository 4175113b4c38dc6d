import CTexts

/// *Hamlet*, *Macbeth* and *Romeo and Juliet*, embedded in the program: no download, no file.
public enum Shakespeare {
    /// Who wrote the text.
    public static let attribution = "William Shakespeare: Hamlet, Macbeth, Romeo and Juliet; in the public domain"

    /// The three plays, 419,127 characters of ASCII, one behind the other.
    public static let text = String(decoding: UnsafeRawBufferPointer(start: soma_shakespeare, count: soma_shakespeare_size), as: UTF8.self)
}
