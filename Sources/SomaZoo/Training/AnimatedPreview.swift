import Glibc
import Soma

extension AnimatedPicture {
    /// Writes the pictures that a preview has left of all epochs, one after the other, to `NAME.png`; of more than 100 as many, evenly.
    /// - Parameters:
    ///   - name: that of the preview.
    ///   - folder: that of the run.
    /// - Returns: what was written; nothing where there are no pictures.
    /// - Throws: `SomaError` where a picture cannot be read or the file not be written.
    static func write(preview name: String, in folder: String, epochs: Int) throws -> [RecipeEvent] {
        let sheets = (0..<epochs).map { Preview.path(of: name, in: folder, epoch: $0 + 1) + ".png" }.filter { access($0, R_OK) == 0 }
        guard let last = sheets.last else { return [] }
        let count = min(sheets.count, 100)
        let path = "\(folder)/\(name).png"
        try write(count, poster: try Picture(path: last), to: path, links: .replaced) { number in
            try Picture(path: sheets[count == 1 ? 0 : number * (sheets.count - 1) / (count - 1)])
        }
        return [.file(path: path)]
    }
}
