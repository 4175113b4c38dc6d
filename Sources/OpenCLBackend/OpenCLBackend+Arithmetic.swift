import SomaBackend

extension OpenCLBackend {
    public var remark: String? { nil }

    public var arithmetic: [String: String] {
        var result = ["model": openCLDevice.identity, "units": String(planner.traits.computeUnits), "kernels": planner.traits.isCPU ? "for processors" : "for GPUs"]
        let choices = planner.tuning.texts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if !choices.isEmpty { result["measured choices"] = choices.joined(separator: ", ") }
        return result
    }
}
