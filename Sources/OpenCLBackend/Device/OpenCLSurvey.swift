import CLibraries

/// The platforms of OpenCL and their devices as a child process found them: a driver that ends the process which looks at it ends no other.
struct OpenCLSurvey: Sendable {
    struct Platform: Sendable {
        var name = ""
        var version = ""
        /// What each device says of itself, by the names of libraries_opencl_survey.c.
        var devices: [[String: String]] = []
    }

    /// Why a driver, or looking at all of them, came to no end.
    struct Death: Error, CustomStringConvertible {
        let description: String
        /// Whether no answer came.
        let isSilence: Bool
    }

    var platforms: [Platform] = []
    var problems: [String] = []

    /// How long drivers that have not answered are waited for: the first look at a GPU may load firmware, a second one may not.
    enum Patience {
        case first, second

        /// At most so many seconds: `SOMA_DRIVER_WAIT`, if it names a whole number from 1 to 600.
        var seconds: Int32 {
            let wanted = environmentVariable("SOMA_DRIVER_WAIT").flatMap { Int32($0) }.flatMap { (1...600).contains($0) ? $0 : nil }
            return self == .first ? wanted ?? 30 : min(wanted ?? 10, 10)
        }
    }

    /// - Parameters:
    ///   - vendors: a folder of ICD files; `nil` for the loader's own.
    ///   - drivers: what standard error is told of where they take long.
    /// - Throws: `Death`.
    init(vendors: String? = nil, waitingFor drivers: [ICDFile], _ patience: Patience = .first) throws(Death) {
        let names = drivers.map { "\($0.library) (\($0.path))" }.joined(separator: ", ")
        let notice = "soma: waiting for OpenCL to list devices, \(patience.seconds) s at most: \(names.isEmpty ? "no driver is known" : names)"
        let survey = notice.withCString { opencl_survey(vendors, survey_patience(seconds: patience.seconds, notice: $0)) }
        for (key, value) in try Self.lines(of: survey, patience) { add(key, value) }
    }

    private mutating func add(_ key: String, _ value: String) {
        let last = platforms.count - 1
        switch key {
        case "platform": platforms.append(Platform())
        case "problem": problems.append((last < 0 ? "" : platforms[last].name + ": ") + Self.problem(value))
        case "device": if last >= 0 { platforms[last].devices.append([:]) }
        case _ where last < 0: break
        case "name" where platforms[last].devices.isEmpty: platforms[last].name = value
        case "version" where platforms[last].devices.isEmpty: platforms[last].version = value
        default:
            guard let device = platforms[last].devices.indices.last else { return }
            platforms[last].devices[device][key] = value
        }
    }

    /// `clGetDeviceIDs -6` in words.
    private static func problem(_ text: String) -> String {
        let words = text.split(separator: " ")
        guard words.count == 2, let code = Int32(words[1]) else { return text }
        return OpenCLError(function: String(words[0]), code: code).description
    }

    /// Lines of a key and what it says. They end at the byte that a child ends them with, whatever a driver has written before it.
    static func lines(_ text: UnsafeRawBufferPointer) -> [(key: String, value: String)] {
        text.split(separator: UInt8(ascii: "\n")).map { line in
            let key = line.prefix { $0 != UInt8(ascii: " ") }
            return (String(decoding: key, as: UTF8.self), String(decoding: line.dropFirst(key.count), as: UTF8.self).trimmingSpaces())
        }
    }

    /// What a child wrote, line by line.
    /// - Throws: `Death` where it did not come to its end.
    static func lines(of survey: driver_survey, _ patience: Patience) throws(Death) -> [(key: String, value: String)] {
        var survey = survey
        defer { driver_survey_free(&survey) }
        let lines = Self.lines(UnsafeRawBufferPointer(start: survey.text, count: survey.text == nil ? 0 : survey.length))
        guard lines.last?.0 == "end" else { throw Death(survey, patience) }
        return lines.dropLast()
    }
}

extension OpenCLSurvey.Death {
    fileprivate init(_ survey: driver_survey, _ patience: OpenCLSurvey.Patience) {
        let said = withUnsafeBytes(of: survey.complaint) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }.trimmingSpaces()
        let end =
            switch survey.signal {
            case -1: "gives no answer within \(patience.seconds) s"
            case 0: "ends the process"
            default: "ends the process with signal \(survey.signal)"
            }
        isSilence = survey.signal == -1
        description = end + (said.isEmpty ? "" : ": \(said.prefix(200))")
    }
}

/// Whether a library opens, found out in a child process.
enum LibraryTrial {
    /// Why it does not; `nil` where it does.
    static func problem(with library: String) -> String? {
        let patience = OpenCLSurvey.Patience.second
        let notice = "soma: waiting for \(library) to open, \(patience.seconds) s at most"
        do throws(OpenCLSurvey.Death) {
            let trial = notice.withCString { library_trial(library, survey_patience(seconds: patience.seconds, notice: $0)) }
            return try OpenCLSurvey.lines(of: trial, patience).first { $0.key == "problem" }?.value
        } catch {
            return "it \(error)"
        }
    }
}
