import SomaBackend
import SomaGraph

// Convolutions each of whose groups has one input channel: see depthwise.cl.

extension StepPlanner {
    /// Whether depthwise.cl computes a convolution: one channel of x a group, and as many taps as registers hold.
    func isDepthwise(_ step: ConvolutionStep) -> Bool {
        let windows = step.windows
        let span = (stripLength - 1) * windows.stride[1] + (windows.size[1] - 1) * windows.dilation[1] + 1
        return !generalised.contains(.depthwise) && step.groups == step.inputChannels && step.groups > 1 && windows.size.reduce(1, *) <= 49 && span <= 2 * stripLength + 24
    }

    /// STRIP: on a processor the length of a vector.
    private var stripLength: Int { traits.isCPU ? 16 : 4 }

    func depthwise(_ step: ConvolutionStep) -> [LaunchPlan] { step.pass == .filterGradient ? depthwiseFilter(step) : [depthwiseProduct(step)] }

    private func definitions(_ step: ConvolutionStep) -> [(String, String)] {
        let windows = step.windows
        let numbers = [
            ("LINES", windows.size[0]), ("PIXELS", windows.size[1]), ("STRIDE_Y", windows.stride[0]), ("STRIDE_X", windows.stride[1]),
            ("DILATION_Y", windows.dilation[0]), ("DILATION_X", windows.dilation[1]), ("STRIP", stripLength),
            ("IS_GRADIENT", step.pass == .inputGradient ? 1 : 0),
        ]
        return numbers.map { ($0.0, "\($0.1)") }
    }

    private func depthwiseProduct(_ step: ConvolutionStep) -> LaunchPlan {
        let isGradient = step.pass == .inputGradient
        let (image, result) = isGradient ? (step.output, step.input) : (step.input, step.output)
        let (planes, channels) = isGradient ? (step.outputChannels, step.inputChannels) : (step.inputChannels, step.outputChannels)
        let windows = step.windows
        // Without a stride the taps are turned around, and so is what lies before them.
        let turned = isGradient && windows.stride == [1, 1]
        let before = turned ? (0...1).map { (windows.size[$0] - 1) * windows.dilation[$0] - windows.before[$0] } : windows.before
        let strips = ceilDivide(result[1], stripLength)
        let extents = [step.batch, channels] + (traits.isCPU ? [] : [result[0], strips])
        let count = extents.reduce(1, *)
        let nest = step.nest.mergingPixels(step)
        var parameters = KernelParameters(isWide: step.isWide)
        parameters.add(step.second, "a", isConstant: true)
        parameters.add(step.first, "b", isConstant: true)
        parameters.add(index: "count", count)
        parameters.add("planes", "multiple", [planes, step.outputChannels / step.inputChannels])
        parameters.add("height", "width", image)
        parameters.add("before_y", "before_x", before)
        parameters.add("result_height", "result_width", result)
        if traits.isCPU { parameters.add(int: "strips", strips) }
        let coordinates = digits(of: "item", "i", extents: extents, &parameters)
        let width = allowsVectors && !traits.isCPU && result[1] % 4 == 0 && nest.allowsVectors ? 4 : 1
        var writer = BodyWriter(nest, width: width, &parameters)
        writer.accumulator = { "sums[j + \($0)]" }
        let axes = nest.outer.count == 3 ? [(2, "place")] : [(2, "y"), (3, "column")]
        let slots = [
            "parameters": parameters.list, "coordinates": coordinates, "uniforms": writer.uniforms,
            "elements": writer.epilogue([(0, "image"), (1, "channel")] + axes),
        ]
        let template = KernelTemplate("depthwise")
        let (global, local) = traits.isCPU ? ([count], [1]) : line(of: count)
        return LaunchPlan(
            entry: "soma_depthwise",
            source: source(
                isWide: step.isWide, uses: files(for: nest.body), definitions: definitions(step) + [("WIDTH", "\(width)")],
                template.filled() + template.filled("product", slots)),
            arguments: parameters.arguments, global: global, local: local)
    }

    private func depthwiseFilter(_ step: ConvolutionStep) -> [LaunchPlan] {
        let items = traits.isCPU ? 1 : traits.treeSize(atMost: 128)
        let stripsX = ceilDivide(step.output[1], stripLength)
        let strips = step.batch * step.output[0] * stripsX
        // Enough groups to fill the device, each with enough strips to be worth a second launch.
        let wanted = ceilDivide(traits.computeUnits * (traits.isCPU ? 2 : 8), step.outputChannels)
        let segments = max(1, min(wanted, strips / (items * 16), 64))
        let whole = step.nest.mergingPixels(step)
        let nest = segments > 1 ? LoopNest(outer: whole.outer, body: .plain(to: .workspace(whole.outer))) : whole
        var parameters = KernelParameters(isWide: step.isWide)
        parameters.add(step.second, "a", isConstant: true)
        parameters.add(step.first, "b", isConstant: true)
        parameters.add("planes", "channels", [step.inputChannels, step.outputChannels])
        parameters.add(int: "multiple", step.outputChannels / step.inputChannels)
        parameters.add("height", "width", step.input)
        parameters.add("before_y", "before_x", step.windows.before)
        parameters.add(intDivisor: "output_height", step.output[0])
        parameters.add(int: "output_width", step.output[1])
        parameters.add(intDivisor: "strips_x", stripsX)
        parameters.add("strips", "segment_strips", [strips, ceilDivide(strips, segments)])
        var writer = BodyWriter(nest, width: 1, &parameters)
        writer.accumulator = { _ in "results[column]" }
        if segments > 1 { parameters.add("const long result_count", .long(nest.outerCount)) }
        let axes = nest.outer.count == 2 ? [(1, "column")] : [(2, "(column / PIXELS)"), (3, "(column % PIXELS)")]
        let slots = ["parameters": parameters.list, "uniforms": writer.uniforms, "elements": writer.epilogue([(0, "channel")] + axes)]
        let template = KernelTemplate("depthwise")
        let launch = LaunchPlan(
            entry: "soma_depthwise_filter",
            source: source(
                isWide: step.isWide, uses: files(for: nest.body),
                definitions: definitions(step) + [("ITEMS", "\(items)"), ("SEGMENTS", segments > 1 ? "1" : "0")],
                template.filled() + template.filled("filter", slots)),
            arguments: parameters.arguments, global: [step.outputChannels * items, segments], local: [items, 1],
            workspaceBytes: segments > 1 ? segments * nest.outerCount * 4 : 0)
        return [launch] + (segments > 1 ? reduce(whole.sum(ofSegments: segments), isSecondPass: true) : [])
    }
}
