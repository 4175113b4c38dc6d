import SomaGraph

extension TablePreparation {
    private static let format = 1

    /// All of it as JSON text on one line, for the metadata of a checkpoint. `init(json:)` makes the same of it, bit by bit.
    public var json: String {
        let numbers = numbers.map { number in
            JSON.object(
                [.init("name", JSON(number.name.text))] + Self.members(number.scale) + [.init("indicator", JSON(number.hasIndicator))])
        }
        let categories = categories.map { category in
            JSON.object([.init("name", JSON(category.name.text))] + Self.members(category.vocabulary))
        }
        let target =
            switch target {
            case .classes(let vocabulary): Self.members(vocabulary)
            case .number(let scale): Self.members(scale)
            }
        let json = JSON.object([
            .init("format", JSON(Self.format)), .init("numbers", .array(numbers)), .init("categories", .array(categories)),
            .init("target", .object([.init("name", JSON(targetColumn.text))] + target)),
            .init("missing", .array(missing.words.map { JSON($0.text) })),
        ])
        return json.description
    }

    private static func members(_ scale: Standardisation) -> [JSON.Member] {
        [.init("mean", JSON(scale.mean)), .init("deviation", JSON(scale.deviation))]
    }

    private static func members(_ vocabulary: Vocabulary) -> [JSON.Member] {
        [.init("words", .array(vocabulary.words.map { JSON($0.text) })), .init("whole", JSON(vocabulary.areWhole))]
    }

    /// Reads what `json` wrote.
    /// - Parameter path: the file that the text is from, for messages.
    /// - Throws: `SomaError` naming the file where the text is not what `json` gives.
    public init(json text: String, path: String) throws {
        do {
            try self.init(JSON(parsing: text))
        } catch let error as SomaError {
            throw SomaError("\(path) does not tell how the columns of a table become numbers: \(error.message)", hint: "it may be broken, or of another version")
        }
    }

    private init(_ json: JSON) throws {
        guard json["format"]?.integer == Self.format else { throw SomaError("its format is not \(Self.format)") }
        let numbers = try Self.list(json, "numbers").map { entry in
            guard case .bool(let hasIndicator)? = entry["indicator"] else { throw SomaError("a number without 'indicator'") }
            return Number(name: try Self.name(entry), scale: try Self.scale(entry), hasIndicator: hasIndicator)
        }
        let categories = try Self.list(json, "categories").map { Category(name: try Self.name($0), vocabulary: try Self.vocabulary($0)) }
        guard let entry = json["target"] else { throw SomaError("there is no target") }
        let target: Target = entry["words"] == nil ? .number(try Self.scale(entry)) : .classes(try Self.vocabulary(entry))
        let missing = try Self.texts(json, "missing")
        self.init(numbers: numbers, categories: categories, targetColumn: try Self.name(entry), target: target, missing: MissingValues(missing.map(\.text)))
        let names = numbers.map(\.name) + categories.map(\.name) + [targetColumn]
        guard Set(names).count == names.count else { throw SomaError("a column occurs twice") }
        guard names.count > 1 else { throw SomaError("there is no column to tell the target from") }
        if let classes = classNames, classes.count < 2 { throw SomaError("there are \(classes.count) classes") }
    }

    private static func list(_ json: JSON, _ name: String) throws -> [JSON] {
        guard let list = json[name]?.array else { throw SomaError("there is no list '\(name)'") }
        guard list.count <= CSVLimits.columns else { throw SomaError("'\(name)' has \(list.count) columns") }
        return list
    }

    private static func name(_ json: JSON) throws -> ExactText {
        guard let name = json["name"]?.string, !name.isEmpty else { throw SomaError("a column without a name") }
        return ExactText(name)
    }

    private static func scale(_ json: JSON) throws -> Standardisation {
        guard let mean = json["mean"]?.double, let deviation = json["deviation"]?.double, mean.isFinite, deviation.isFinite, deviation > 0 else {
            throw SomaError("a column without a mean and a deviation")
        }
        return Standardisation(mean: mean, deviation: deviation)
    }

    private static func vocabulary(_ json: JSON) throws -> Vocabulary {
        guard case .bool(let areWhole)? = json["whole"] else { throw SomaError("words without 'whole'") }
        let words = try texts(json, "words")
        guard Set(words).count == words.count else { throw SomaError("a word occurs twice") }
        guard words.count < Int(Int32.max) - 2 else { throw SomaError("there are too many words") }
        return Vocabulary(inOrder: words, areWhole: areWhole)
    }

    private static func texts(_ json: JSON, _ name: String) throws -> [ExactText] {
        guard let list = json[name]?.array else { throw SomaError("there is no list '\(name)'") }
        return try list.map { entry in
            guard let text = entry.string else { throw SomaError("'\(name)' holds something else than text") }
            return ExactText(text)
        }
    }
}
