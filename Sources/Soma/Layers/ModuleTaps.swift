import SomaGraph
import Synchronization

/// What a module of a network gave when it was called.
public struct ModuleTap: Sendable {
    /// The path to the module in the network: `features.0`; empty for the network itself.
    public let path: String
    /// What it gave. Gradients with respect to it can be taken of what came of it.
    public let output: Tensor
    /// The module; of a network's copy in another struct the copy.
    let module: any Module
}

/// What the modules of `model` give while `body` runs it, in the order in which they give it. Nothing is computed yet.
///
/// These are the layers with parameters, a `Sequential` and each of its layers, and modules that pass what they give through `Module.tapped`. One
/// that is called several times is there as often.
/// - Returns: what `body` gives, and what modules gave on the way.
public func taps<Result>(of model: any Module, _ body: () throws -> Result) rethrows -> (result: Result, taps: [ModuleTap]) {
    let calls = ModuleCalls()
    let result = try calls.recording(body)
    return (result, calls.resolved(in: ModelContents(of: model), model))
}

extension Module {
    /// `output`, which this module gives. It is told to `taps(of:_:)` by the path of the module, which is known by its first parameter; one without
    /// parameters is told of only in a `Sequential`.
    public func tapped(_ output: Tensor) -> Tensor {
        ModuleCalls.current?.note(self, nil, output)
        return output
    }
}

/// What modules gave while a model was called.
final class ModuleCalls: Sendable {
    @TaskLocal static var current: ModuleCalls?

    /// The output of a module, or of the layer at `number` in a `Sequential`.
    private struct Call {
        let module: any Module
        let number: Int?
        let output: Tensor
    }

    private let calls = Mutex<[Call]>([])

    func recording<Result>(_ body: () throws -> Result) rethrows -> Result { try Self.$current.withValue(self, operation: body) }

    func note(_ module: any Module, _ number: Int?, _ output: Tensor) {
        calls.withLock { $0.append(Call(module: module, number: number, output: output)) }
    }

    /// What was noted, with the paths of the modules; what is of no part of the model is left out.
    func resolved(in contents: ModelContents, _ model: any Module) -> [ModuleTap] {
        var taps: [ModuleTap] = []
        for call in calls.withLock({ $0 }) {
            let isModel = model is Sequential && call.module is Sequential && contents.parameters.isEmpty
            guard let prefix = Self.path(of: call.module, in: contents) ?? (isModel ? [] : nil) else { continue }
            let path = (prefix + [call.number.map(String.init)].compactMap { $0 }).joined(separator: ".")
            // A layer of a Sequential may have told of itself.
            if taps.last(where: { $0.path.isExactly(path) })?.output.node === call.output.node { continue }
            let module = call.number.flatMap { number in (call.module as? Sequential)?.layers[number] } ?? call.module
            taps.append(ModuleTap(path: path, output: call.output, module: module))
        }
        return taps
    }

    /// That which leads to its first parameter, without the part within it.
    private static func path(of module: any Module, in contents: ModelContents) -> [String]? {
        guard let own = ModelContents(of: module).parameters.first,
            let known = contents.parameters.first(where: { $0.parameter === own.parameter })
        else { return nil }
        let inner = own.name.split(atEach: ".")
        return ([known.name] + known.aliases).map { $0.split(atEach: ".") }
            .first { $0.suffix(inner.count).elementsEqual(inner, by: { $0.isExactly($1) }) }?.dropLast(inner.count)
    }
}
