import Soma
import SomaEstimators

/// What there is to see of a model without a network: the columns that its questions gain most by, and its tree.
struct TableExhibits {
    let name: String
    let preparation: TablePreparation

    /// Features that are shown, at most.
    private static let most = 20

    /// - Parameter folder: where pictures are written; nil for none.
    /// - Throws: `SomaError` where a file cannot be written.
    func events(_ fit: Fit<FittedTable>, in folder: String?) throws -> [RecipeEvent] {
        var events: [RecipeEvent] = []
        var pictures: [(name: String, svg: String)] = []
        let columns = fit.model.columns
        if !fit.importances.isEmpty {
            let shares = columns.sums(fit.importances)
            events.append(.table(table(shares)))
            pictures.append(("importances.svg", bars(shares)))
        }
        if let draw = fit.draw { pictures.append(("tree.svg", draw(drawing(columns)))) }
        guard let folder else { return events }
        for picture in pictures {
            let path = "\(folder)/\(picture.name)"
            try AtomicFile.write(picture.svg, to: path, links: .replaced)
            events.append(.file(path: path))
        }
        return events
    }

    private func table(_ shares: [(feature: String, value: Double)]) -> Table {
        let left = shares.count - Self.most
        let title = "what questions about each column gain, of all that they gain" + (left > 0 ? "; the first \(Self.most) of \(shares.count)" : "")
        let rows = shares.prefix(Self.most).map { [$0.feature, Quantity.fixed($0.value, 4)] }
        var table = Table(title, columns: ["column", "share"], rows: Array(rows))
        table.wordColumnCount = 1
        return table
    }

    private func bars(_ shares: [(feature: String, value: Double)]) -> String {
        var bars = SVGBars(title: "\(name): what tells \(preparation.targetName)", label: "% of all that questions gain", series: [""])
        bars.groups = shares.prefix(Self.most).map { share in
            .init(share.feature, [.init(series: 0, 100 * share.value, text: "\(Quantity.fixed(100 * share.value, 1)) %")])
        }
        return bars.svg
    }

    private func drawing(_ columns: TableColumns) -> TreeDrawing {
        var drawing = TreeDrawing(title: "What tells \(preparation.targetName)", classNames: preparation.classNames ?? [])
        drawing.question = { columns.question($0, $1) }
        if let scale = preparation.targetScale { drawing.number = { Float(scale.restored($0)) } }
        return drawing
    }
}
