/// What a trained model takes. Whoever switches over the kinds does so without a default, so that a new one names the work that it lacks.
public enum SessionInput: Sendable {
    /// A picture.
    case picture(PictureInput)
    /// A row of a table, whose columns the preparation knows.
    case row(TablePreparation)
    /// So many random numbers of a normal distribution, of which the model makes something.
    case noise(count: Int)
    /// A text.
    case text(TextInput)

    /// The shape of one sample.
    public var sampleShape: [Int] {
        switch self {
        case .picture(let input): input.sampleShape
        case .row(let preparation): [preparation.numberCount + preparation.categorySizes.count]
        case .noise(let count): [count]
        case .text(let input): [input.length]
        }
    }

    /// What it is, as in "takes pictures".
    public var title: String {
        switch self {
        case .picture: "pictures"
        case .row: "rows of tables"
        case .noise: "random numbers"
        case .text: "texts"
        }
    }
}

/// What a trained model answers.
public enum SessionAnswer: Sendable {
    /// The probability of each class, by the names of the classes.
    case classes([String])
    /// A number, by its name, as the model gives it and what brings it to its own unit.
    case number(String, Standardisation)
    /// A picture of so many channels (1: grey, 3: colour), whose values from `range.lowerBound` to `range.upperBound` are from dark to light.
    case picture(channels: Int, rows: Int, columns: Int, range: ClosedRange<Float>)
    /// The probability of each token of a vocabulary to be the next.
    case token(any Tokenizer)

    /// The numbers of one answer.
    public var valueCount: Int {
        switch self {
        case .classes(let names): names.count
        case .number: 1
        case .picture(let channels, let rows, let columns, _): channels * rows * columns
        case .token(let tokenizer): tokenizer.vocabularyCount
        }
    }
}

extension SessionAnswer {
    /// What a model of a table answers: the classes of its target, or its number.
    init(_ preparation: TablePreparation) {
        switch preparation.answer {
        case .classes(let names): self = .classes(names)
        case .number(let scale): self = .number(preparation.targetName, scale)
        }
    }
}

/// What is behind the answers of a session. Whoever switches over the kinds does so without a default.
public enum SessionModel: Sendable {
    /// A network, whose parameters go by the names that checkpoints have.
    case network(any Module)
    /// A model of the rows of a table that is no network, such as a forest.
    case rows(any RowModel)
}

/// What a model takes of a picture.
public enum PictureInput: Sendable {
    /// Ink from 0 to 1, of so many rows and columns, drawn and centred as the digits of data sets are; the samples have
    /// `shape`.
    case ink(rows: Int, columns: Int, shape: [Int])
    /// The picture in grey (1 channel) or colour (3), changed by transforms that lead to pictures of `side` × `side`.
    case photograph([any ImageTransform], channels: Int, side: Int)

    /// The shape of one sample.
    public var sampleShape: [Int] {
        switch self {
        case .ink(_, _, let shape): shape
        case .photograph(_, let channels, let side): [channels, side, side]
        }
    }

    /// Rows and columns of what the model takes.
    public var pictureShape: [Int] {
        switch self {
        case .ink(let rows, let columns, _): [rows, columns]
        case .photograph(_, _, let side): [side, side]
        }
    }
}
