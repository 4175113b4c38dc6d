import ArgumentParser
import Soma

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reads every picture of a folder with a folder for each class.",
        discussion: """
            Prints the classes, how many pictures each has and how large they are, and each picture that cannot be read \
            with the reason; where there is one, or where there are too few to hold some out, the status is 1. In training \
            another picture takes the place of such a one; an evaluation leaves it out.

              soma data check data/flowers
              soma data check data/flowers --json
            """)

    @Argument(help: "FOLDER/CLASS/*.png|jpg|jpeg, or the same below FOLDER/train and FOLDER/val or test, with no folder beside these.", completion: .directory)
    var folder: String

    @Flag(help: "Print an object with `classes`, `sizes` and `unreadable`.")
    var json = false

    /// - Throws: `SomaError` where a picture cannot be read or the folder is none of this kind; `ExitCode` 130.
    func run() throws {
        Interruption.watch()
        let images = try ImageFolder(path: folder, validationFraction: 0)
        let total = images.trainingCount + images.validationCount
        let line = CountingLine("read", of: total, "pictures")
        defer { line.clear() }
        let findings = try images.check { done in
            if Interruption.isPending { throw Interruption.exitCode }
            if !json { try line.show(done) }
        }
        line.clear()
        let listing = FolderListing(images, findings)
        if json { try Console.print(listing.json.description) } else { try listing.lines.forEach(Console.print) }
        guard findings.unreadable.isEmpty else {
            throw SomaError("\(findings.unreadable.count) of \(total) pictures in \(folder) cannot be read")
        }
        // What training would refuse.
        if !images.isSplit { try ImageFolder(path: folder).requireHeldOut() }
    }
}

/// What a check has found, for people and for programs.
struct FolderListing {
    private let images: ImageFolder
    private let findings: ImageFolder.Findings

    init(_ images: ImageFolder, _ findings: ImageFolder.Findings) { (self.images, self.findings) = (images, findings) }

    var lines: [String] {
        let isSplit = images.isSplit
        var table = TextTable(["class"] + (isSplit ? ["train", "val"] : ["pictures"]), [.left, .right] + (isSplit ? [.right] : []))
        for (name, counts) in zip(images.classes, images.classCounts) {
            table.add([name, Quantity.grouped(counts.training)] + (isSplit ? [Quantity.grouped(counts.validation)] : []))
        }
        let readable = "\(Quantity.grouped(findings.readableCount)) can be read, \(Quantity.grouped(findings.colourCount)) in colour"
        let total = images.trainingCount + images.validationCount
        return table.lines
            + ["", "\(images.classes.count) classes, \(Quantity.grouped(total)) pictures: \(readable)"]
            + (sizes.map { [$0] } ?? [])
            + (images.ignoredCount > 0 ? ["\(Quantity.grouped(images.ignoredCount)) files are no pictures"] : [])
            + images.remarks.map(Prose.printable)
            + findings.unreadable.map { "unreadable: \(Prose.printable($0.reason))" }
    }

    private var sizes: String? {
        guard let smallest = findings.smallest, let median = findings.median, let largest = findings.largest else { return nil }
        return "from \(smallest) to \(largest) pixels, half of them up to \(median)"
    }

    var json: JSON {
        let classes = zip(images.classes, images.classCounts).map { name, counts -> JSON in
            ["name": .string(name), "train": JSON(counts.training), "val": JSON(counts.validation)]
        }
        func size(_ size: PictureSize?) -> JSON { size.map { [JSON($0.height), JSON($0.width)] } ?? .null }
        return [
            "folder": .string(images.path), "classes": .array(classes),
            "pictures": JSON(images.trainingCount + images.validationCount), "readable": JSON(findings.readableCount),
            "colour": JSON(findings.colourCount), "ignored": JSON(images.ignoredCount), "remarks": .array(images.remarks.map { .string($0) }),
            "sizes": [
                "smallest": size(findings.smallest), "median": size(findings.median), "largest": size(findings.largest),
            ],
            "unreadable": .array(findings.unreadable.map { ["path": .string($0.path), "reason": .string($0.reason)] }),
        ]
    }
}
