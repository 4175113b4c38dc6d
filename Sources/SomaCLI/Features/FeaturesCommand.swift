import ArgumentParser
import Soma
import SomaZoo

struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Draws what a convolutional network looks for, and what it finds in a picture.",
        discussion: """
            The filters of the first layer: in colour where the network takes colour, else in grey. With --image also the picture as \
            the network takes it, above, and the maps of a layer, below: where in the picture each of its filters found how much. \
            Tiles have their numbers and captions tell what they are; every tile is scaled to its own range, and large ones are \
            reduced. Edges in the first layers and shapes in later ones are what to look for.

              soma features runs/lenet --list
              soma features runs/lenet --image three.png --layer conv2 --output maps.png
            """)

    @Argument(
        help: ArgumentHelp(CheckpointSource.help, valueName: "checkpoint"),
        completion: .file(extensions: ["safetensors"]))
    var checkpoint: String

    @Option(help: ArgumentHelp("A PNG or JPEG picture, or an IDX file of pictures.", valueName: "file"), completion: .file())
    var image: String?

    @Option(parsing: .unconditional, help: "The number of a picture of an IDX file, from 0.")
    var index = 0

    @Option(help: ArgumentHelp("The layer whose maps are drawn, as --list names it. (default: the first)", valueName: "name"))
    var layer: String?

    @Option(help: ArgumentHelp("The PNG file to write.", valueName: "file"), completion: .file(extensions: ["png"]))
    var output = "features.png"

    @Flag(help: "List the layers, and draw nothing.")
    var list = false

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    func validate() throws {
        if index < 0 { throw ValidationError("--index takes a whole number from 0 on") }
        try OutputFile.checkKind(of: output, is: "png", "--output")
        if layer != nil && image == nil && !list { throw ValidationError("--layer draws what a layer finds in a picture: name one by --image") }
    }

    func run() throws {
        let saved = try CheckpointSource(checkpoint).checkpoint
        let device = try DeviceChoice.device(device)
        let session = try SavedRun(saved).recipe.session(saved, device: device)
        let input: PictureInput
        switch session.input {
        case .picture(let own): input = own
        case .row, .noise, .text: throw SomaError("\(saved.path) takes \(session.input.title) and no pictures")
        }
        let values = try picture(input)
        let layers = session.featureMaps(of: values)
        guard let first = layers.first else { throw SomaError("\(saved.path) is of a network without convolutions") }
        if list { return try tell(layers) }
        let chosen = try layer.map { try named($0, layers) } ?? first
        try sheet(values, input, first, chosen).picture().write(to: output)
        let what = "the \(first.filters.shape[0]) filters of \(first.layer)"
        let maps = image == nil ? "" : ", and below \(chosen.maps.shape[1]) maps of \(chosen.layer)"
        try Console.announce("wrote \(output): \(what)\(maps)", to: output)
    }

    private func sheet(_ values: [Float], _ input: PictureInput, _ first: FeatureMaps, _ chosen: FeatureMaps) throws -> FeatureSheet {
        func extents(_ shape: some Sequence<Int>) -> String { shape.map(String.init).joined(separator: "×") }
        var sheet = FeatureSheet()
        let (rows, columns) = (input.pictureShape[0], input.pictureShape[1])
        if let image {
            let name = index > 0 ? "\(image), picture \(index)" : image
            let channels = max(1, values.count / (rows * columns))
            sheet.addPicture(values, channels: channels, rows: rows, columns: columns, caption: "\(name): \(rows)×\(columns), as the network takes it")
        }
        let filters = first.filters.shape.dimensions
        try sheet.addFilters(first.filters, caption: "\(first.layer): \(filters[0]) filters of \(extents(filters.dropFirst()))")
        if image != nil {
            let maps = chosen.maps.shape.dimensions
            try sheet.addMaps(chosen.maps, caption: "\(chosen.layer): \(maps[1]) maps of \(extents(maps.dropFirst(2)))")
        }
        return sheet
    }

    /// The values of the picture, or of none: a list of layers and the filters need no picture.
    private func picture(_ input: PictureInput) throws -> [Float] {
        guard let image else { return [Float](repeating: 0, count: input.sampleShape.reduce(1, *)) }
        let source = try PictureSource(path: image, input: input)
        guard index < source.count else { throw SomaError("\(image) has \(source.count) pictures; the last is --index \(source.count - 1)") }
        return try source.picture(index)
    }

    private func named(_ name: String, _ layers: [FeatureMaps]) throws -> FeatureMaps {
        guard let layer = layers.first(where: { $0.layer == name }) else {
            throw UsageError(unknown: "layer", name, among: layers.map(\.layer))
        }
        return layer
    }

    private func tell(_ layers: [FeatureMaps]) throws {
        var table = TextTable(["layer", "filters", "maps"], [.left, .left, .left])
        for layer in layers {
            table.add([layer.layer, "\(layer.filters.shape)", "\(Shape(Array(layer.maps.shape.dimensions.dropFirst())))"])
        }
        try table.lines.forEach(Console.print)
    }
}
