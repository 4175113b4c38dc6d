import CLibraries

/// Host memory from which uploads go to the device while the host goes on.
///
/// A write straight from the caller's memory would have to wait for all work enqueued before. So it is copied to one of a few blocks in turn,
/// which the driver can read without a copy of its own; a block is used again once its last write is done. Used with the device's lock held.
final class StagingRing {
    private struct Block {
        var memory: cl_mem
        var start: UnsafeMutableRawPointer
        var size: Int
        var write: cl_event?
    }

    /// Larger uploads wait instead.
    private static let largestBlock = 64 << 20
    private static let blockCount = 8

    private let context: OpenCLContext
    private var blocks: [Block?] = Array(repeating: nil, count: blockCount)
    private var next = 0

    init(context: OpenCLContext) { self.context = context }

    deinit { for place in blocks.indices { drop(place) } }

    /// Copies host bytes to the device. Returns when `source` may be released.
    func write(_ source: UnsafeRawBufferPointer, to target: cl_mem, at offset: Int) throws(OpenCLError) {
        guard source.count <= Self.largestBlock, let start = source.baseAddress else {
            return try check(
                cl.pointee.clEnqueueWriteBuffer(context.queue, target, cl_bool(CL_TRUE), offset, source.count, source.baseAddress, 0, nil, nil),
                "clEnqueueWriteBuffer")
        }
        next = (next + 1) % blocks.count
        var block = try freeBlock(next, holding: source.count)
        block.start.copyMemory(from: start, byteCount: source.count)
        let code = cl.pointee.clEnqueueWriteBuffer(
            context.queue, target, cl_bool(CL_FALSE), offset, source.count, block.start, 0, nil, &block.write)
        blocks[next] = block
        try check(code, "clEnqueueWriteBuffer")
        try check(cl.pointee.clFlush(context.queue), "clFlush")
    }

    /// A block whose last write is done, large enough.
    private func freeBlock(_ place: Int, holding size: Int) throws(OpenCLError) -> Block {
        if var block = blocks[place], block.size >= size {
            try Self.wait(&block)
            blocks[place] = block
            return block
        }
        drop(place)
        return try makeBlock(1 << (Int.bitWidth - (max(size, 1 << 16) - 1).leadingZeroBitCount))
    }

    private static func wait(_ block: inout Block) throws(OpenCLError) {
        guard block.write != nil else { return }
        let code = cl.pointee.clWaitForEvents(1, &block.write)
        _ = cl.pointee.clReleaseEvent(block.write)
        block.write = nil
        try check(code, "clWaitForEvents")
    }

    private func drop(_ place: Int) {
        guard var block = blocks[place] else { return }
        blocks[place] = nil
        // A failed wait means a lost device, which writes no more.
        try? Self.wait(&block)
        _ = cl.pointee.clEnqueueUnmapMemObject(context.queue, block.memory, block.start, 0, nil, nil)
        _ = cl.pointee.clReleaseMemObject(block.memory)
    }

    /// Host memory that stays mapped.
    private func makeBlock(_ size: Int) throws(OpenCLError) -> Block {
        let memory = try context.buffer(byteCount: size, flags: CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR)
        var code: cl_int = 0
        let flags = cl_map_flags(CL_MAP_READ | CL_MAP_WRITE)
        guard let start = cl.pointee.clEnqueueMapBuffer(context.queue, memory, cl_bool(CL_TRUE), flags, 0, size, 0, nil, nil, &code) else {
            _ = cl.pointee.clReleaseMemObject(memory)
            throw OpenCLError(function: "clEnqueueMapBuffer", code: code)
        }
        return Block(memory: memory, start: start, size: size, write: nil)
    }
}
