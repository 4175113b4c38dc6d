"""Kernels compiled for NVIDIA: clang and libclc make PTX, ptxas machine code, nvdisasm reads it."""

import dataclasses
import pathlib
import re
import struct

from . import toolchain
from .loops import ISA, Instruction, inner_loop
from .report import Kernel

ISA_NVIDIA = ISA(
    fma_count=lambda opcode: 2 if opcode.startswith("HFMA2") else int(opcode.startswith("FFMA")),
    global_load=re.compile(r"LDG?(?:\.E)?(?:\.(?P<small>[US](?:8|16))|\.(?P<wide>64|128))?(?:\.|$)(?!.*LDS)"),
    local_load=re.compile(r"LDS(?:\.U)?(?:\.(?P<small>[US](?:8|16))|\.(?P<wide>64|128))?(?:\.|$)"),
    width=lambda match: int(match["wide"]) if match["wide"] else int(match["small"][1:]) if match["small"] else 32)

# Kilobytes of local memory of a multiprocessor, of which a group of work-items cannot have more than 48 through OpenCL.
LOCAL_KILOBYTES = {"sm_70": 96, "sm_80": 164, "sm_90": 228}
REGISTERS, WARPS, GROUPS, WARP = 65536, 64, 32, 32


class NVIDIA:
    vendor, group_size, local_bytes = "NVIDIA Corporation", 1024, 48 << 10

    def __init__(self, folder):
        self.clang = toolchain.clang("nvptx64")
        self.library = toolchain.libclc("nvptx64--nvidiacl.bc")
        self.ptxas, self.nvdisasm = toolchain.nvidia_tools(folder)
        self.tools = [self.clang, self.library, self.ptxas, self.nvdisasm]

    def compile(self, programs, target, work):
        """The kernels of each program; `work` is a folder of the caller's own."""
        built = [self.assembled(program, target, work / str(number)) for number, program in enumerate(programs)]
        codes = [section(cubin, f".text.{entry.function}") for program, (_, cubin) in zip(programs, built) for entry in program.entries]
        found = iter(self.disassembled(codes, target, work))
        return [[kernel(program, entry, target, log, next(found)) for entry in program.entries] for program, (log, _) in zip(programs, built)]

    def assembled(self, program, target, path):
        """ptxas's log and the ELF file that it makes."""
        limit = re.search(r"-cl-nv-maxrregcount=(\d+)", program.options)
        text = path.with_suffix(".cl")
        text.write_text(program.text)
        with toolchain.naming(f"{target} {program.entries[0].name}"):
            toolchain.run([
                self.clang, "-x", "cl", *program.clang_options, "--target=nvptx64-nvidia-nvcl", "-Xclang", "-target-cpu", "-Xclang", target,
                # Drivers have it; clang does not know.
                "-Xclang", "-cl-ext=+cl_khr_fp16",
                "-Xclang", "-mlink-builtin-bitcode", "-Xclang", self.library, "-O3", "-S", str(text), "-o", f"{path}.ptx"])
            _, log = toolchain.run([
                self.ptxas, "-v", f"-arch={target}", *([f"--maxrregcount={limit[1]}"] if limit else []), f"{path}.ptx", "-o", f"{path}.cubin"])
        return log, pathlib.Path(f"{path}.cubin").read_bytes()

    def disassembled(self, codes, target, work):
        """The instructions of each code. All are read at once, since nvdisasm takes longest to start; it no longer knows sm_70, whose encoding
        is that of sm_75."""
        (work / "code").write_bytes(b"".join(codes))
        version = "SM75" if target == "sm_70" else target.upper().replace("_", "")
        return split(instructions(toolchain.run([self.nvdisasm, "-b", version, str(work / "code")])[0]), [len(code) // 16 for code in codes])


def kernel(program, entry, target, log, found):
    registers, spilled, local = usage(log, entry.function)
    occupancy, bound = occupancy_bound(target, entry.group_size, registers, local)
    return Kernel(
        entry.name, target, program.variant, registers, spilled, local, occupancy, bound, inner_loop(found, ISA_NVIDIA))


def usage(log, function):
    """Registers, bytes of memory of a work-item's own (spilled registers, and arrays that no register holds), bytes of local memory."""
    part = log[log.index(f"Compiling entry function '{function}'"):]
    frame, stores, loads = map(int, re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part).groups())
    registers, rest = re.search(r"Used (\d+) registers(.*)", part).groups()
    local = re.search(r"(\d+) bytes smem", rest)
    return int(registers), max(frame, stores, loads), int(local[1]) if local else 0


def occupancy_bound(target, group_size, registers, local):
    """The share of a multiprocessor's warps that can be there at once, and what bounds it."""
    warps = -(-group_size // WARP)
    # Registers are handed out to warps, eight a lane at a time.
    of_warp = -(-registers // 8) * 8 * WARP
    # From sm_80 on a group costs a kilobyte more.
    of_group = local + (1024 if target >= "sm_80" else 0)
    groups = {
        "registers": REGISTERS // of_warp // warps,
        "local memory": LOCAL_KILOBYTES[target] * 1024 // of_group if of_group else GROUPS,
        "groups": GROUPS,
        "": WARPS // warps,
    }
    bound = min(groups, key=lambda name: (groups[name], name != ""))
    return groups[bound] * warps / WARPS, bound


def section(data, name):
    """The bytes of a section of an ELF file."""
    (table,), (count, names) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HH", data, 60)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + 64 * place) for place in range(count)]
    for header in headers:
        start = headers[names][4] + header[0]
        if data[start:data.index(b"\0", start)] == name.encode():
            return data[header[4]:header[4] + header[5]]
    raise toolchain.CompilerError(f"ptxas makes no section {name}")


def instructions(listing):
    """The instructions of a listing, 16 bytes each."""
    return [instruction(text) for text in re.findall(r"/\*[0-9a-f]{4,}\*/\s+(\S.*?) ?;", listing)]


def instruction(text):
    branch = re.search(r"\bBRA\b.*\b0x([0-9a-f]+)$", text)
    ends = text.startswith(("EXIT", "RET")) or bool(re.fullmatch(r"BRA (0x)?[0-9a-f]+", text))
    opcode = next(word for word in text.split() if not word.startswith("@"))
    # The unit for 16 bits also serves to set a register: a product of zeros and a constant.
    opcode = "MOV" if re.search(r"\bHFMA2\S* \w+, -RZ, RZ,", text) else opcode
    return Instruction(opcode, int(branch[1], 16) // 16 if branch else None, not ends)


def split(found, counts):
    """So many instructions each, whose branches go where they did."""
    parts, start = [], 0
    for count in counts:
        part = found[start:start + count]
        parts.append([one if one.target is None else dataclasses.replace(one, target=one.target - start) for one in part])
        start += count
    return parts
