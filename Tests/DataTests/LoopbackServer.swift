import Glibc
import Synchronization

/// An HTTP/1.1 server on 127.0.0.1 that misbehaves as it is told. It stops when it is released.
final class LoopbackServer: Sendable {
    /// What the next request gets; without any, the file, and the part of it that was asked for.
    enum Behaviour: Sendable {
        case status(Int)
        /// Announces everything and closes after so many bytes.
        case breakAfter(Int)
        /// Sends the file with its last byte changed.
        case corrupt
        case ignoreRange
        /// Sends another part than was asked for, and says so.
        case wrongRange
        case redirect(String)
        case closeAtOnce
        /// Sends so many bytes and then nothing.
        case stallAfter(Int)
        /// Sends the part that was asked for, and says that it has so many bytes.
        case claim(Int)
        /// Sends without saying how much, for ever.
        case endless
    }

    struct Request: Hashable, Sendable {
        let path: String
        let firstByte: Int?
    }

    private struct State {
        var files: [String: [UInt8]]
        var behaviours: [Behaviour] = []
        var requests: [Request] = []
    }

    private let listener: CInt
    private let state: Mutex<State>
    let port: UInt16

    var address: String { "http://127.0.0.1:\(port)/" }
    var requests: [Request] { state.withLock { $0.requests } }

    init(_ files: [String: [UInt8]]) {
        setenv("no_proxy", "127.0.0.1", 1)
        signal(SIGPIPE, SIG_IGN)
        state = Mutex(State(files: files))
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &name) { [listener] name in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(bind(listener, address, size) == 0 && listen(listener, 8) == 0)
                getsockname(listener, address, &size)
            }
            return UInt16(bigEndian: name.pointee.sin_port)
        }
        startServing()
    }

    deinit { shutdown(listener, CInt(SHUT_RDWR)) }

    func next(_ behaviours: Behaviour...) { state.withLock { $0.behaviours += behaviours } }

    func replace(_ path: String, by bytes: [UInt8]) { state.withLock { $0.files[path] = bytes } }

    private func startServing() {
        let work = Serving(listener: listener) { [weak self] connection in self?.answer(connection) }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                let work = Unmanaged<Serving>.fromOpaque(context!).takeRetainedValue()
                while case let connection = accept(work.listener, nil, nil), connection >= 0 {
                    work.answer(connection)
                    close(connection)
                }
                close(work.listener)
                return nil
            }, Unmanaged.passRetained(work).toOpaque())
        pthread_detach(thread)
    }

    private final class Serving {
        let listener: CInt
        let answer: (CInt) -> Void
        init(listener: CInt, answer: @escaping (CInt) -> Void) { (self.listener, self.answer) = (listener, answer) }
    }

    private func answer(_ connection: CInt) {
        guard let request = readRequest(connection) else { return }
        let (body, behaviour) = state.withLock { state in
            state.requests.append(request)
            return (state.files[request.path], state.behaviours.isEmpty ? nil : state.behaviours.removeFirst())
        }
        guard var body else { return send(connection, header(404, length: 9), Array("not there".utf8)) }
        var first = request.firstByte
        switch behaviour {
        case .status(let status): return send(connection, header(status, length: 5), Array("oops!".utf8))
        case .redirect(let path): return send(connection, header(302, length: 0, "Location: \(path)"), [])
        case .closeAtOnce: return
        case .endless: return sendForEver(connection)
        case .corrupt: body[body.count - 1] ^= 0xFF
        case .ignoreRange: first = nil
        case .wrongRange: first = 0
        case .breakAfter, .stallAfter, .claim, nil: break
        }
        guard (first ?? 0) < max(body.count, 1) else { return send(connection, header(416, length: 0), []) }
        let content = Array(body[(first ?? 0)...])
        let head = first.map {
            header(206, length: behaviour.claimed ?? content.count, "Content-Range: bytes \($0)-\(body.count - 1)/\(body.count)")
        }
        send(connection, head ?? header(200, length: content.count), content[..<limit(behaviour, content.count)])
        if case .stallAfter = behaviour { waitForClose(connection) }
    }

    private func limit(_ behaviour: Behaviour?, _ count: Int) -> Int {
        switch behaviour {
        case .breakAfter(let limit), .stallAfter(let limit): min(limit, count)
        default: count
        }
    }

    private func header(_ status: Int, length: Int, _ more: String = "X: y") -> String {
        "HTTP/1.1 \(status) Because\r\nContent-Length: \(length)\r\n\(more)\r\nConnection: close\r\n\r\n"
    }

    private func readRequest(_ connection: CInt) -> Request? {
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: text, as: UTF8.self).contains("\r\n\r\n") {
            let count = recv(connection, &piece, piece.count, 0)
            guard count > 0 else { return nil }
            text += piece[..<count]
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\r\n")
        let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
        return Request(
            path: String(lines[0].split(separator: " ")[1].dropFirst()),
            firstByte: range.flatMap { Int($0.dropFirst(13).prefix { $0 != "-" }) })
    }

    private func send(_ connection: CInt, _ header: String, _ body: some Collection<UInt8>) {
        var bytes = Array(header.utf8) + body
        while !bytes.isEmpty {
            let count = Glibc.send(connection, bytes, bytes.count, 0)
            guard count > 0 else { return }
            bytes.removeFirst(count)
        }
    }

    private func sendForEver(_ connection: CInt) {
        send(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", [])
        let piece = [UInt8](repeating: 1, count: 4096)
        while Glibc.send(connection, piece, piece.count, 0) > 0 {}
    }

    private func waitForClose(_ connection: CInt) {
        var byte: UInt8 = 0
        _ = recv(connection, &byte, 1, 0)
    }
}

extension LoopbackServer.Behaviour? {
    fileprivate var claimed: Int? {
        if case .claim(let length) = self { return length }
        return nil
    }
}
