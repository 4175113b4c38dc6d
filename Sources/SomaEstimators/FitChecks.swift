import CEstimators
import Soma
import SomaGraph

/// What must be true of data before anything is learnt from them.
enum FitChecks {
    /// - Returns: the weights in double precision.
    static func rows(_ rows: Matrix, targets: Int, weights: [Float]?, allowsMissing: Bool = false) throws -> [Double]? {
        guard targets == rows.rows else { programError("fit", "\(targets) targets for \(rows.rows) rows") }
        guard rows.rows > 0 else { throw SomaError("there are no rows to fit a model to") }
        guard rows.rows > 1 else { throw SomaError("there is one row to fit a model to", hint: "give two at least") }
        guard rows.columns > 0 else { throw SomaError("the rows to fit a model to have no columns") }
        guard rows.rows <= Int(Int32.max) / 2, rows.columns <= Int(Int32.max) / 2 else {
            throw SomaError("\(rows.rows) rows of \(rows.columns) columns are more than a model can be fitted to")
        }
        try finite(rows, allowsMissing: allowsMissing)
        guard let weights else { return nil }
        guard weights.count == rows.rows else { programError("fit", "\(weights.count) weights for \(rows.rows) rows") }
        if let row = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
            throw SomaError("the weight of row \(row) is \(weights[row]), not 0 or more")
        }
        guard weights.contains(where: { $0 > 0 }) else { throw SomaError("the weights of all rows are 0") }
        return weights.map(Double.init)
    }

    /// Refuses what is no number.
    static func finite(_ rows: Matrix, allowsMissing: Bool = false) throws {
        var at = 0
        guard !soma_all_finite(rows.values, rows.values.count, allowsMissing, &at) else { return }
        throw SomaError(
            "column \(at % rows.columns) of row \(at / rows.columns) is \(rows.values[at])", hint: "fill in or leave out what is missing")
    }

    /// Refuses rows that a model of so many columns cannot take.
    static func prediction(_ rows: Matrix, columns: Int, allowsMissing: Bool = false) throws {
        guard rows.columns == columns else { programError("predict", "the rows have \(rows.columns) columns, the model was fitted to \(columns)") }
        try finite(rows, allowsMissing: allowsMissing)
    }

    /// - Returns: how many classes there are.
    static func classes(_ targets: [Int]) throws -> Int {
        if let row = targets.firstIndex(where: { $0 < 0 }) {
            throw SomaError("the class of row \(row) is \(targets[row])", hint: "number classes from 0")
        }
        let greatest = targets.max() ?? 0
        guard greatest < max(targets.count, 2) else {
            throw SomaError("class \(greatest) is more than \(targets.count) rows can have", hint: "number the classes that occur from 0")
        }
        var occurs = [Bool](repeating: false, count: greatest + 1)
        for target in targets { occurs[target] = true }
        if !occurs.dropLast().contains(true) { throw SomaError("all rows are of class \(greatest)", hint: "two classes at least can be told apart") }
        if let absent = occurs.firstIndex(of: false) {
            throw SomaError("no row is of class \(absent), although there is a class \(greatest)", hint: "number the classes that occur from 0")
        }
        return greatest + 1
    }

    /// Refuses targets that are no numbers.
    static func targets(_ targets: [Float]) throws {
        if let row = targets.firstIndex(where: { !$0.isFinite }) { throw SomaError("the target of row \(row) is \(targets[row])") }
    }

    /// Memory that cannot be had.
    static func noMemory(_ purpose: String) -> SomaError { SomaError("no memory \(purpose)", hint: "fit fewer rows or columns, or free some") }
}
