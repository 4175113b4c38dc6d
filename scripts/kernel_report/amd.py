"""Kernels compiled for AMD: clang and libclc make assembly, with what the kernel uses in remarks."""

import re

from . import toolchain
from .loops import ISA, Instruction, inner_loop
from .report import Kernel

WIDTHS = {"ubyte": 8, "sbyte": 8, "ushort": 16, "sshort": 16, "dword": 32, "dwordx2": 64, "dwordx3": 96, "dwordx4": 128,
          "u8": 8, "i8": 8, "u16": 16, "i16": 16, "b32": 32, "b64": 64, "b96": 96, "b128": 128}
ISA_AMD = ISA(
    fma_count=lambda opcode: 2 if opcode.startswith("v_pk_fma_f") else int(bool(re.match(r"v_(fma|mad)(ak|mk)?_f32|v_(fmac|mac)_f32", opcode))),
    global_load=re.compile(r"(?:global|flat|buffer)_load_(?P<width>[a-z]+\d?)"),
    # read2 fetches two places at once.
    local_load=re.compile(r"ds_read(?P<two>2(?:st64)?)?_(?P<width>[a-z]\d+)"),
    width=lambda match: WIDTHS[match["width"]] * (2 if match.groupdict().get("two") else 1))

WAVES = {"gfx906": 10, "gfx90a": 8, "gfx1030": 16}  # The most on a SIMD.


class AMD:
    vendor, group_size, local_bytes = "Advanced Micro Devices, Inc.", 256, 64 << 10

    def __init__(self, _folder):
        self.clang = toolchain.clang("amdgcn")
        self.library = toolchain.libclc("amdgcn--amdhsa.bc")
        self.tools = [self.clang, self.library]

    def compile(self, programs, target, work):
        """The kernels of each program; `work` is a folder of the caller's own."""
        return [self.compiled(program, target, work / str(number)) for number, program in enumerate(programs)]

    def compiled(self, program, target, path):
        text, assembly = path.with_suffix(".cl"), path.with_suffix(".s")
        text.write_text(program.text)
        with toolchain.naming(f"{target} {program.entries[0].name}"):
            _, log = toolchain.run([
                self.clang, "-x", "cl", *program.clang_options, "--target=amdgcn-amd-amdhsa", f"-mcpu={target}", "-nogpulib",
                "-Xclang", "-mlink-builtin-bitcode", "-Xclang", self.library, "-O3", "-Rpass-analysis=kernel-resource-usage",
                "-S", str(text), "-o", str(assembly)])
        code = assembly.read_text()
        return [kernel(program, entry, target, usage(log, entry.function), instructions(code, entry.function)) for entry in program.entries]


def kernel(program, entry, target, uses, code):
    waves = uses["Occupancy [waves/SIMD]"]
    bound = "" if waves == WAVES[target] else "local memory" if local_bounds(uses, entry.group_size, target) else "registers"
    return Kernel(
        entry.name, target, program.variant, uses["VGPRs"] + uses.get("AGPRs", 0), spilled_bytes(uses), uses["LDS Size [bytes/block]"],
        waves / WAVES[target], bound, inner_loop(code, ISA_AMD))


def spilled_bytes(uses):
    """Of memory of a work-item's own: registers that are spilled, and arrays that no register holds."""
    return max(uses["ScratchSize [bytes/lane]"], 4 * uses["VGPRs Spill"])


def usage(log, entry):
    """The numbers of clang's remarks on a kernel."""
    part = log[log.index(f"Function Name: {entry} "):]
    following = part.find("Function Name:", 1)
    return {name: int(number) for name, number in re.findall(r"remark: +(.*?): (\d+) ", part[:following])}


def local_bounds(uses, group_size, target):
    """Whether local memory, of which a compute unit has 64 KB, bounds the waves more than registers do."""
    lanes, simds = (32, 2) if target.startswith("gfx10") else (64, 4)
    groups = (64 << 10) // max(uses["LDS Size [bytes/block]"], 1)
    return groups * -(-group_size // lanes) / simds < uses["Occupancy [waves/SIMD]"] + 1


def instructions(assembly, entry):
    """The instructions of a kernel between its label and its end."""
    lines = assembly[assembly.index(f"\n{entry}:"):].splitlines()[1:]
    result, labels, branches = [], {}, []
    for line in lines:
        if line.startswith(".Lfunc_end"):
            break
        label = re.match(r"(\.L\w+):", line)
        if label:
            labels[label[1]] = len(result)
        words = line.split(";")[0].split()
        if not line.startswith("\t") or not words or words[0].startswith("."):
            continue
        if re.match(r"s_c?branch", words[0]):
            branches.append((len(result), words[-1]))
        result.append(Instruction(words[0], falls_through=words[0] != "s_endpgm"))
    for place, label in branches:
        opcode = result[place].opcode
        result[place] = Instruction(opcode, labels[label], opcode != "s_branch")
    return result
