"""Kernels compiled for NVIDIA: clang and libclc make PTX, ptxas machine code, nvdisasm reads it."""

import pathlib
import re
import struct

from . import toolchain
from .loops import ISA, Instruction, inner_loop
from .report import Kernel

ISA_NVIDIA = ISA(
    fma_count=lambda opcode: int(opcode.startswith("FFMA")),
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

    def compile(self, program, target, work):
        ptx, cubin, raw = (work / f"{program.name}.{target}.{kind}" for kind in ("ptx", "cubin", "raw"))
        toolchain.run([
            self.clang, "-x", "cl", *program.clang_options, "--target=nvptx64-nvidia-nvcl", "-Xclang", "-target-cpu", "-Xclang", target,
            "-Xclang", "-mlink-builtin-bitcode", "-Xclang", self.library, "-O3", "-S", str(program.path), "-o", str(ptx)])
        limit = re.search(r"-cl-nv-maxrregcount=(\d+)", program.options)
        _, log = toolchain.run([
            self.ptxas, "-v", f"-arch={target}", *([f"--maxrregcount={limit[1]}"] if limit else []), str(ptx), "-o", str(cubin)])
        raw.write_bytes(code(cubin, program.entry))
        listing, _ = toolchain.run([self.nvdisasm, "-b", "SM75" if target == "sm_70" else target.upper().replace("_", ""), str(raw)])
        registers, spilled, local = usage(log, program.entry)
        occupancy, bound = occupancy_bound(target, program.group_size, registers, local)
        return Kernel(
            program.name, target, registers, spilled, local, occupancy, bound, inner_loop(instructions(listing), ISA_NVIDIA))


def usage(log, entry):
    """Registers, bytes spilled (stores and loads), and bytes of local memory, from ptxas's log."""
    part = log[log.index(f"Compiling entry function '{entry}'"):]
    stores, loads = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part).groups()
    local = re.search(r"(\d+) bytes smem", part)
    return int(re.search(r"Used (\d+) registers", part)[1]), int(stores) + int(loads), int(local[1]) if local else 0


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


def code(cubin, entry):
    """The machine code of a kernel: the section .text.ENTRY of an ELF file.

    nvdisasm no longer reads files for sm_70, but code for it as that for sm_75, whose encoding is the same.
    """
    data = pathlib.Path(cubin).read_bytes()
    (table,), (count, names) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HH", data, 60)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + 64 * place) for place in range(count)]
    for header in headers:
        start = headers[names][4] + header[0]
        if data[start:data.index(b"\0", start)] == f".text.{entry}".encode():
            return data[header[4]:header[4] + header[5]]
    raise toolchain.CompilerError(f"{cubin}: no code of {entry}")


def instructions(listing):
    """The instructions of a listing, 16 bytes each."""
    result = []
    for text in re.findall(r"/\*[0-9a-f]{4,}\*/\s+(\S.*?) ?;", listing):
        opcode = next(word for word in text.split() if not word.startswith("@"))
        branch = re.search(r"\bBRA\b.*\b0x([0-9a-f]+)$", text)
        ends = text.startswith(("EXIT", "RET")) or bool(re.fullmatch(r"BRA (0x)?[0-9a-f]+", text))
        result.append(Instruction(opcode, int(branch[1], 16) // 16 if branch else None, not ends))
    return result
