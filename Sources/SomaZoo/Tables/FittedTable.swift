import Soma
import SomaEstimators

/// A model without a network that was fitted to a table.
struct FittedTable: RowModel {
    /// What was learnt.
    enum Learnt: Sendable {
        /// The classifier, and for each of its classes which of the target's it is: one may have no row to learn from.
        case classes(any FittedClassifier, present: [Int], of: Int)
        case number(any FittedRegressor)
    }

    let columns: TableColumns
    let learnt: Learnt

    func answers(to rows: [[Float]]) throws -> [[Float]] {
        let matrix = try columns.matrix(rows)
        switch learnt {
        case .classes(let model, let present, let count):
            let probabilities = try model.probabilities(for: matrix)
            return rows.indices.map { row in
                var answer = [Float](repeating: 0, count: count)
                for (place, label) in present.enumerated() { answer[label] = probabilities[row, place] }
                return answer
            }
        case .number(let model): return try model.predictions(for: matrix).map { [$0] }
        }
    }

    /// A session of the model.
    func session(_ preparation: TablePreparation, on device: Device) -> Session {
        let measured: any Measured
        switch preparation.answer {
        case .classes(let names): measured = AnsweredClasses(classes: names)
        case .number(let scale): measured = AnsweredNumber(scale: scale)
        }
        return Session(self, rowsOf: preparation, measured: measured, device: device)
    }
}

// MARK: - Fitting

extension FittedTable {
    /// Learns the target of all rows of `data`.
    /// - Parameter classWeights: what the rows of each class count; nil: all the same.
    /// - Returns: the model, and what there is to show of what was learnt.
    static func fit(_ estimator: TableEstimator, _ data: TableDataSet, classWeights: [Float]?) throws -> Fit<FittedTable> {
        let columns = TableColumns(data.preparation)
        let rows = try columns.matrix((0..<data.count).map { data.sample($0) })
        switch data.preparation.answer {
        case .classes(let names):
            let present = names.indices.filter { data.classCounts[$0] > 0 }
            let places = Dictionary(uniqueKeysWithValues: present.enumerated().map { ($1, $0) })
            let weights = classWeights.map { weights in data.labels.map { weights[Int($0)] } }
            let fit = try estimator.fit(rows, classes: data.labels.compactMap { places[Int($0)] }, weights: weights)
            return fit.map { FittedTable(columns: columns, learnt: .classes($0, present: present, of: names.count)) }
        case .number:
            return try estimator.fit(rows, targets: data.targets).map { FittedTable(columns: columns, learnt: .number($0)) }
        }
    }
}

extension Fit {
    /// What there is to show stays.
    fileprivate func map<Other>(_ change: (Model) -> Other) -> Fit<Other> {
        Fit<Other>(model: change(model), remark: remark, importances: importances, draw: draw)
    }
}
