import ArgumentParser
import Glibc
import Soma
import SomaBackend
import SomaZoo

/// How the command ends after an error: what it says, where, and its exit status.
///
/// 0: help was asked for. 1: something went wrong, told in one line. 2: the command was called wrongly. 130: it was
/// interrupted.
struct Ending {
    private(set) var status: Int32
    private(set) var output = ""
    private(set) var complaint = ""

    init(_ error: any Error) {
        switch error {
        case let error as UsageError:
            (status, complaint) = (2, "soma: \(error)")
        case let code as ExitCode:
            status = code.rawValue
        case let error as SomaError:
            (status, complaint) = (1, "soma: \(error)")
        case let error as BackendError:
            (status, complaint) = (1, "soma: \(Self.oneLine(Self.text(error)))")
        default:
            let message = SomaCommand.fullMessage(for: error)
            switch SomaCommand.exitCode(for: error) {
            case .success: (status, output) = (0, message)
            case .validationFailure: (status, complaint) = (2, message)
            default: (status, complaint) = (1, "soma: \(Self.oneLine(message))")
            }
        }
    }

    private static func text(_ error: BackendError) -> String {
        guard case .outOfMemory(let requested, let available, let device) = error else { return error.description }
        let asked = requested > 0 ? "\(Quantity.bytes(requested)) asked for, " : ""
        let limit = HostMemory.limitInForce.map { " (\($0))" } ?? ""
        return "\(device): out of memory: \(asked)\(Quantity.bytes(available)) available\(limit); a smaller batch or model takes less"
    }

    /// The log of a compiler, say, has many lines.
    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " | ")
    }

    func exit() -> Never {
        do {
            if !output.isEmpty { try Console.print(output) }
        } catch {
            Ending(error).exit()
        }
        if !complaint.isEmpty { Console.complain(complaint) }
        Glibc.exit(status)
    }
}
