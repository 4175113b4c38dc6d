/// Letters of 5×7 pixels, so that a picture can say what it shows.
enum PixelFont {
    /// Columns and rows of a letter, without the gap to the next.
    static let (columns, rows) = (5, 7)
    /// Columns from one letter to the next.
    static let advance = 6

    /// The columns that a text takes.
    static func width(_ text: String) -> Int { max(0, text.count * advance - 1) }

    /// Whether a pixel of a letter is ink; a letter that is not there is drawn as a question mark.
    static func isInk(_ letter: Character, row: Int, column: Int) -> Bool {
        guard letter != " ", let glyph = glyphs[letter] ?? glyphs["?"] else { return false }
        return glyph[row] >> (columns - 1 - column) & 1 == 1
    }

    private static let glyphs: [Character: [Int]] = {
        let letters = (33...126).map { Character(Unicode.Scalar(UInt8($0))) } + ["×", "…"]
        let shapes = table.split(whereSeparator: \.isWhitespace).map { $0.map { Int(String($0), radix: 32) ?? 0 } }
        return Dictionary(zip(letters, shapes), uniquingKeysWith: { first, _ in first })
    }()

    /// For each letter from ! to ~, × and …, a digit to the base of 32 for each row: its bits are the pixels, the left one first.
    private static let table = """
        4444404 aa00000 aavavaa 4fke5u4 op248j3 cik8lid 4400000 2488842 8422248 04lel40 044v440 0000624
        000v000 00000cc 01248g0 ehjlphe 4c4444e eh1248v v2421he 26aiv22 vgu11he 68guhhe v124444 ehhehhe
        ehhf12c 0cc0cc0 0660624 248g842 00v0v00 g84248g eh12404 ehnlmgf ehhvhhh uhhuhhu ehggghe sihhhis
        vgguggv vgguggg ehgnhhf hhhvhhh e44444e 72222ic hikokih ggggggv hrllhhh hhpljhh ehhhhhe uhhuggg
        ehhhlid uhhukih fgge11u v444444 hhhhhhe hhhhha4 hhhllrh hha4ahh hha4444 v1248gv e88888e 0g84210
        e22222e 4ah0000 000000v 8400000 00e1fhf gguhhhu 00egghe 11fhhhf 00ehvge 698s888 00fhf1e gguhhhh
        40c444e 20622ic ggikoki c44444e 00qllll 00uhhhh 00ehhhe 00uhugg 00fhf11 00mpggg 00fge1u 88s8896
        00hhhjd 00hhha4 00hhlla 00ha4ah 00hhf1e 00v248v 2448442 4444444 8442448 009li00 0ha4ah0 000000l
        """
}
